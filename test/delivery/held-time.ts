import type { Effects } from "../../src/delivery/effects.ts";

/** A clock that stands still until it is told to go on, and tells how many timers wait. */
export interface HeldTime extends Effects {
  readonly timers: number;
  /** Lets everything run that is ready, without any time passing. */
  settle(): Promise<void>;
  /** Lets so much time pass, from timer to timer. */
  advance(ms: number): Promise<void>;
  /** Lets timers run that are due now until something has ended, however many turns of the event loop that takes. */
  until<Result>(ended: Promise<Result>): Promise<Result>;
}

/** Makes one; it starts at 0. */
export function heldTime(random: () => number = () => 0.5): HeldTime {
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  let nowMs = 0;
  const settle = async (): Promise<void> => {
    // Enough turns for an answer to travel through openapi-fetch and back.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const advance = async (ms: number): Promise<void> => {
    const untilMs = nowMs + ms;
    for (;;) {
      await settle();
      const dueMs = Math.min(...Array.from(timers, (timer) => timer.dueMs));
      if (dueMs > untilMs) break;
      nowMs = Math.max(nowMs, dueMs);
      // Those of the same time run together, in the order in which they were started, unless one of them stops another.
      for (const timer of [...timers].filter((one) => one.dueMs === dueMs)) if (timers.delete(timer)) timer.callback();
    }
    nowMs = untilMs;
    await settle();
  };
  return {
    now: () => nowMs,
    random,
    startTimer: (callback, delayMs) => {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    get timers() {
      return timers.size;
    },
    settle,
    advance,
    until: async (ended) => {
      const state = { isOver: false };
      const over = (): void => {
        state.isOver = true;
      };
      ended.then(over, over);
      while (!state.isOver) await advance(0);
      return ended;
    },
  };
}
