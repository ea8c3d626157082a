import type { Step } from "../../src/testing/testing.ts";

/** From 0 to below 1, the same ones each time (mulberry32): small, seeded, good enough to shuffle faults. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Each kind of trouble that a service or a network makes. */
export const FAULTS: readonly Step[] = [
  503,
  500,
  "reset",
  { reset: "before-request" },
  { reset: "within-request" },
  { status: 202, reset: "before-answer" },
  { status: 202, reset: "within-head" },
  { status: 202, body: "x".repeat(50), reset: "within-body" },
  { status: 202, close: "after-answer" },
  { status: 202, close: "at-next-request" },
  { status: 502, body: "<html>bad gateway</html>" },
  { status: 429, headers: { "retry-after": "0" } },
  { status: 429, headers: { "retry-after": "nonsense" } },
  { status: 202, delayMs: 30 },
  { status: 202, body: "x".repeat(100), dripBytesPerMs: 0.01 },
  "hang",
  "garbage",
];

/** All faults in random order, then all of them again in another. */
export class FaultDeck {
  readonly #random: () => number;
  #deck: Step[] = [];
  /** Faults that were dealt. */
  dealt = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  deal(): Step {
    if (this.#deck.length === 0) {
      this.#deck = FAULTS.map((fault) => ({ fault, order: this.#random() }))
        .sort((one, other) => one.order - other.order)
        .map(({ fault }) => fault);
    }
    this.dealt++;
    return this.#deck.pop() ?? 503;
  }
}
