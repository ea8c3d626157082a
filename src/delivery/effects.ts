import { now, startTimer } from "#platform";

/** Everything delivery takes from its surroundings; tests inject their own. */
export interface Effects {
  /** A monotonic clock in milliseconds; only differences are used. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /**
   * Calls `callback` after `delayMs`; the returned function takes it back. Keeps the process alive, for somebody waits
   * for it, unless it is `"idle"`.
   */
  readonly startTimer: (callback: () => void, delayMs: number, idle?: "idle") => () => void;
}

export const SYSTEM_EFFECTS: Effects = {
  now,
  random: () => Math.random(),
  // Longer waits than a timer can hold do not occur in practice, and must not fire at once.
  startTimer: (callback, delayMs, idle) => startTimer(callback, Math.min(delayMs, 2 ** 31 - 1), idle),
};
