import type { Verdict } from "../outcome.ts";

/** Counts of one kind; `added` is the sum of the others, always. */
export interface Ledger {
  /** All that were added; the sum of the other four. */
  readonly added: number;
  /** Those that the service accepted. */
  readonly accepted: number;
  /** Those that were refused for good. */
  readonly rejected: number;
  /** Those that were given up without a verdict of the service. */
  readonly undelivered: number;
  /** Those that are still here. */
  readonly pending: number;
}

/** Keeps a {@link Ledger}. What was added is counted by itself, so that a mistake in any of the others would show. */
export class Tally {
  #added = 0;
  #pending = 0;
  readonly #ended: Record<Verdict["kind"], number> = { accepted: 0, rejected: 0, undelivered: 0 };

  get pending(): number {
    return this.#pending;
  }

  get ledger(): Ledger {
    return { added: this.#added, ...this.#ended, pending: this.#pending };
  }

  /** Something was taken in. */
  enter(count: number): void {
    this.#added += count;
    this.#pending += count;
  }

  /** What was pending has ended. */
  settle(kind: Verdict["kind"], count: number): void {
    this.#pending -= count;
    this.#ended[kind] += count;
  }

  /** Something ended without having been taken in. */
  refuse(kind: Verdict["kind"], count: number): void {
    this.#added += count;
    this.#ended[kind] += count;
  }

  /** What was taken in was not, after all. */
  takeBack(count: number): void {
    this.#added -= count;
    this.#pending -= count;
  }
}

/** The ledger with so many more that are pending. */
export function withPending(ledger: Ledger, count: number): Ledger {
  return count === 0 ? ledger : { ...ledger, added: ledger.added + count, pending: ledger.pending + count };
}
