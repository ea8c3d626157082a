import { runSoon } from "#platform";

/**
 * Two or three milliseconds' worth of reading or writing JSON, users included. Less of it would make more requests, because
 * each turn sends what there is.
 */
export const YIELD_AFTER_BYTES = 128 * 1024;

/** Resolves once everything that is ready now has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    runSoon(resolve);
  });
}

/** Cuts long work into turns of the event loop, so that what is ready meanwhile is served, ours and that of others. */
export class Turns {
  #bytes = 0;
  #next: Promise<void> | undefined;

  /**
   * Notes work that was done.
   *
   * @param bytes - how much, in bytes of JSON.
   * @returns when to go on, once it was enough for one turn.
   */
  spend(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    if (this.#bytes < YIELD_AFTER_BYTES) return undefined;
    this.#next ??= new Promise((resolve) => {
      runSoon(() => {
        this.#next = undefined;
        this.#bytes = 0;
        resolve();
      });
    });
    return this.#next;
  }
}
