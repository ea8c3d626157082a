import type { Effects } from "./effects.ts";

/** A busy machine is late by less. */
const MAX_LATENESS_MS = 1_000;

/**
 * A clock that stands still while the process does: frozen between two calls of a serverless function, or with the lid
 * of a laptop closed. What is in flight then has had no time, and must not be out of time when the process goes on.
 *
 * That it stood still shows in what comes late: a timer, or the end of a request that has a time limit.
 */
export class AwakeTime implements Effects {
  readonly random: () => number;
  readonly #effects: Effects;
  #stoppedMs = 0;
  /** When a stop was last noticed, by the clock that does not stand still. */
  #noticedAtMs: number;

  constructor(effects: Effects) {
    this.#effects = effects;
    this.random = effects.random;
    this.#noticedAtMs = effects.now();
  }

  readonly now = (): number => this.#effects.now() - this.#stoppedMs;

  readonly startTimer = (callback: () => void, delayMs: number, idle?: "idle"): (() => void) => {
    const dueMs = this.now() + delayMs;
    return this.#effects.startTimer(
      () => {
        this.endedBy(dueMs);
        callback();
      },
      delayMs,
      idle,
    );
  };

  /** Something has ended now that was to end until then: if it is much later, the time in between has not passed. */
  endedBy(dueMs: number): void {
    const lateMs = this.now() - dueMs;
    if (lateMs > MAX_LATENESS_MS) this.stoodStill(lateMs);
  }

  /** The process stood still for so long until now. Whoever else has noticed it too is not counted again. */
  readonly stoodStill = (stoppedMs: number): void => {
    const nowMs = this.#effects.now();
    this.#stoppedMs += Math.min(stoppedMs, nowMs - this.#noticedAtMs);
    this.#noticedAtMs = nowMs;
  };
}
