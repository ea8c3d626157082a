import { now, startTimer } from "#platform";
import type { Cancellation } from "./abort.ts";
import { LinkedList, type Link } from "./linked-list.ts";

/** What time is taken from; tests inject their own. */
export interface DeadlineClock {
  readonly now: () => number;
  readonly startTimer: (callback: () => void, delayMs: number) => () => void;
}

/** What has to end in time. */
interface Due {
  readonly cancellation: Cancellation;
  readonly dueMs: number;
}

/** Of something that was started; it is handed back when that has ended. */
export type Deadline = Link<Due>;

/**
 * Ends what takes longer than a fixed time. One timer serves all that run at once, because a timer for each request costs
 * more than all else that surrounds it here: whatever starts later is also due later.
 */
export class Deadlines {
  readonly #limitMs: number;
  readonly #clock: DeadlineClock;
  readonly #onStop: (stoppedMs: number) => void;
  /** When the timer was started and is due, as long as there is one. */
  #timerStartedMs = 0;
  #timerDueMs = Infinity;
  /** When each is due, the first of them first. */
  readonly #due = new LinkedList<Due>();
  #stopTimer: (() => void) | undefined;

  /**
   * @param onStop - told that the process stood still while something ran, and for how long: frozen between two calls of
   * a serverless function, or with the lid of a laptop closed. The limit goes on all the same: a connection seldom
   * outlives that, and another attempt is better than to wait on it.
   */
  constructor(limitMs: number, onStop: (stoppedMs: number) => void, clock: DeadlineClock = { now, startTimer }) {
    this.#limitMs = limitMs;
    this.#onStop = onStop;
    this.#clock = clock;
  }

  /** @returns what {@link end} takes. */
  start(cancellation: Cancellation): Deadline {
    const deadline = this.#due.add({ cancellation, dueMs: this.#clock.now() + this.#limitMs });
    if (this.#stopTimer === undefined) this.#wait(this.#limitMs);
    return deadline;
  }

  /** What was started has ended: it needs no limit any more. */
  end(deadline: Deadline): void {
    // After a stop of the process, the end of a request may come before the timer that was due meanwhile.
    this.#noticeStop();
    this.#due.remove(deadline);
    // A timer for nobody would keep the process alive.
    if (this.#due.first !== undefined) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerDueMs = Infinity;
  }

  #wait(delayMs: number): void {
    // The clock is looked at now and then, because a stop has to show before it has used up the time of a request.
    const timerMs = Math.min(delayMs, LOOK_MS);
    this.#timerStartedMs = this.#clock.now();
    this.#timerDueMs = this.#timerStartedMs + timerMs;
    this.#stopTimer = this.#clock.startTimer(this.#check, timerMs);
  }

  #noticeStop(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#timerDueMs <= MAX_LATENESS_MS) return;
    // When the stop began is unknown: it counts from the start of the timer, in favour of what is under way.
    const stoppedMs = nowMs - this.#timerStartedMs;
    this.#timerStartedMs = nowMs;
    this.#timerDueMs = nowMs;
    this.#onStop(stoppedMs);
  }

  readonly #check = (): void => {
    this.#stopTimer = undefined;
    this.#noticeStop();
    const nowMs = this.#clock.now();
    for (let due = this.#due.first; due !== undefined; due = this.#due.first) {
      const { cancellation, dueMs } = due.item;
      // Timers may be a little early.
      if (dueMs - nowMs >= 1) {
        this.#wait(dueMs - nowMs);
        return;
      }
      this.#due.remove(due);
      const message = `no complete answer within ${String(this.#limitMs)} ms`;
      cancellation.cancel(new DOMException(message, "TimeoutError"));
    }
  };
}

/** How often somebody looks whether the process stood still. */
const LOOK_MS = 1_000;
/** A busy machine is late by less. */
const MAX_LATENESS_MS = 1_000;
