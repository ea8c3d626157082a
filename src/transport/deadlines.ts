import { now, startTimer } from "#platform";
import type { Cancellation } from "./abort.ts";

/** What time is taken from; tests inject their own. */
export interface DeadlineClock {
  readonly now: () => number;
  readonly startTimer: (callback: () => void, delayMs: number) => () => void;
}

/**
 * Ends what takes longer than a fixed time. One timer serves all that run at once, because a timer for each request costs
 * more than all else that surrounds it here: whatever starts later is also due later.
 */
export class Deadlines {
  readonly #limitMs: number;
  readonly #clock: DeadlineClock;
  readonly #onStop: ((stoppedMs: number) => void) | undefined;
  /** When the timer was started and is due, as long as there is one. */
  #timerStartedMs = 0;
  #timerDueMs = Infinity;
  /** When each is due, the first of them first. */
  readonly #dueMs = new Map<Cancellation, number>();
  #stopTimer: (() => void) | undefined;

  /**
   * @param onStop - told that the process stood still while something ran, and for how long: frozen between two calls of
   * a serverless function, or with the lid of a laptop closed. The limit goes on all the same: a connection seldom
   * outlives that, and another attempt is better than to wait on it.
   */
  constructor(limitMs: number, onStop?: (stoppedMs: number) => void, clock: DeadlineClock = { now, startTimer }) {
    this.#limitMs = limitMs;
    this.#onStop = onStop;
    this.#clock = clock;
  }

  start(cancellation: Cancellation): void {
    this.#dueMs.set(cancellation, this.#clock.now() + this.#limitMs);
    if (this.#stopTimer === undefined) this.#wait(this.#limitMs);
  }

  /** Lets go of what has ended in time. */
  end(cancellation: Cancellation): void {
    // What ends a request may come before the timer that is late.
    if (this.#onStop !== undefined) this.#noticeStop();
    this.#dueMs.delete(cancellation);
    // A timer for nobody would keep the process alive.
    if (this.#dueMs.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerDueMs = Infinity;
  }

  #wait(delayMs: number): void {
    // Looked at now and then, a stop shows before it has used up the time of a request.
    const timerMs = Math.min(delayMs, this.#onStop === undefined ? LONGEST_TIMER_MS : LOOK_MS);
    this.#timerStartedMs = this.#clock.now();
    this.#timerDueMs = this.#timerStartedMs + timerMs;
    this.#stopTimer = this.#clock.startTimer(this.#check, timerMs);
  }

  #noticeStop(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#timerDueMs <= MAX_LATENESS_MS) return;
    // It may have begun right after the timer was started.
    const stoppedMs = nowMs - this.#timerStartedMs;
    this.#timerStartedMs = nowMs;
    this.#timerDueMs = nowMs;
    this.#onStop?.(stoppedMs);
  }

  readonly #check = (): void => {
    this.#stopTimer = undefined;
    if (this.#onStop !== undefined) this.#noticeStop();
    const nowMs = this.#clock.now();
    for (const [cancellation, dueMs] of this.#dueMs) {
      // Timers may be a little early.
      if (dueMs - nowMs >= 1) {
        this.#wait(dueMs - nowMs);
        return;
      }
      this.#dueMs.delete(cancellation);
      const message = `no complete answer within ${String(this.#limitMs)} ms`;
      cancellation.cancel(new DOMException(message, "TimeoutError"));
    }
  };
}

/** How often somebody looks whether the process stood still. */
const LOOK_MS = 1_000;
/** A busy machine is late by less. */
const MAX_LATENESS_MS = 1_000;
/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
