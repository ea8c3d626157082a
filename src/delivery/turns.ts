import { runSoon } from "#platform";
import { Fifo } from "./fifo.ts";

/**
 * Two or three milliseconds' worth of reading or writing JSON, users included. Less of it would make more requests, because
 * each turn sends what there is.
 */
export const YIELD_AFTER_BYTES = 128 * 1024;

/** What a refusal counts for: an error takes about as long as so much JSON. */
export const REFUSAL_BYTES = 1_024;

/** So many microtasks lie between the end of a wait and the work that it was for, at most. */
const TICKS_UNTIL_WORK = 4;

const DONE = /* @__PURE__ */ Promise.resolve();

/** Resolves once everything that is ready now has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    runSoon(resolve);
  });
}

/**
 * Cuts long work into turns of the event loop, so that what is ready meanwhile is served, ours and that of others. Whatever
 * shares one of these shares each turn: a client, its calls and its queues.
 */
export class Turns {
  #bytes = 0;
  /** How often the line went on. */
  #goes = 0;
  #next: Promise<void> | undefined;
  readonly #line = new Fifo<() => void>();

  /** Whether this turn has had its share of work. */
  get isSpent(): boolean {
    return this.#bytes >= YIELD_AFTER_BYTES;
  }

  /** Notes work that was done, in bytes of JSON. */
  note(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Notes a small piece of work that was done. All that go on after it do so in the same turn.
   *
   * @param bytes - how much, in bytes of JSON.
   * @returns when to go on, once it was enough for one turn.
   */
  spend(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    if (!this.isSpent) return undefined;
    this.#next ??= new Promise((resolve) => {
      runSoon(() => {
        this.#next = undefined;
        this.#bytes = 0;
        resolve();
      });
    });
    return this.#next;
  }

  /** Resolves in a turn that has time left: those that wait go on one after the other, as many in a turn as it has time for. */
  share(): Promise<void> {
    return new Promise((resolve) => {
      this.#line.push(resolve);
      this.#goOnSoon();
    });
  }

  /** Everyone that waits has a timer: one of another request may never end, as in a Worker. */
  #goOnSoon(): void {
    const goes = this.#goes;
    runSoon(() => {
      if (goes === this.#goes) void this.#goOn();
    });
  }

  async #goOn(): Promise<void> {
    this.#goes++;
    this.#bytes = 0;
    while (!this.isSpent) {
      const goOn = this.#line.shift();
      if (goOn === undefined) return;
      goOn();
      for (let tick = 0; tick < TICKS_UNTIL_WORK; tick++) await DONE;
    }
    if (this.#line.size > 0) this.#goOnSoon();
  }
}
