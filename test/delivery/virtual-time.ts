import type { Effects } from "../../src/delivery/effects.ts";

/** A clock that jumps to the next timer whenever everything else has run: hours pass in milliseconds. */
export function virtualTime(random: () => number = () => 0.5): Effects & { readonly sleeps: readonly number[] } {
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  const sleeps: number[] = [];
  let nowMs = 0;
  let running = false;
  const run = (): void => {
    // Of those of the same time, the one that was started first.
    let next: { readonly dueMs: number; readonly callback: () => void } | undefined;
    for (const timer of timers) if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    running = next !== undefined;
    if (next === undefined) return;
    timers.delete(next);
    nowMs = Math.max(nowMs, next.dueMs);
    next.callback();
    setImmediate(run);
  };
  return {
    sleeps,
    now: () => nowMs,
    random,
    startTimer: (callback, delayMs) => {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.add(timer);
      sleeps.push(delayMs);
      if (!running) {
        running = true;
        // Two turns, so that answers that are on their way come first.
        setImmediate(() => setImmediate(run));
      }
      return () => {
        timers.delete(timer);
      };
    },
  };
}
