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
  /** When each is due, the first of them first. */
  readonly #dueMs = new Map<Cancellation, number>();
  #stopTimer: (() => void) | undefined;

  constructor(limitMs: number, clock: DeadlineClock = { now, startTimer }) {
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  start(cancellation: Cancellation): void {
    this.#dueMs.set(cancellation, this.#clock.now() + this.#limitMs);
    if (this.#stopTimer === undefined) this.#wait(this.#limitMs);
  }

  /** Lets go of what has ended in time. */
  end(cancellation: Cancellation): void {
    this.#dueMs.delete(cancellation);
    // A timer for nobody would keep the process alive.
    if (this.#dueMs.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #wait(delayMs: number): void {
    this.#stopTimer = this.#clock.startTimer(this.#check, Math.min(delayMs, LONGEST_TIMER_MS));
  }

  readonly #check = (): void => {
    this.#stopTimer = undefined;
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

/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
