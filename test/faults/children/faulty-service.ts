/** A faulty service in a process of its own, so that the event loop of the test is the sender's alone. */
import { startFakeServer, type Step } from "../../../src/testing/testing.ts";

/** What the service has to say at the end. */
export interface Books {
  readonly acceptedIds: readonly string[];
  readonly acceptedBatchesOnce: number;
  readonly acceptedEventsOnce: number;
  /** In how many batches one event was, at most. */
  readonly maxBatchesOfAnEvent: number;
  readonly maxOpenSockets: number;
  /** How often each kind of fault came, at least. */
  readonly faultRounds: number;
}

/** Mulberry32: small, seeded, good enough to shuffle faults. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FAULTS: readonly Step[] = [
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

/** Requests that are answered with a pause of a second: few, for each holds up a whole client. */
const PAUSING = new Set([20, 60]);

const random = seeded(Number(process.argv[2]));
let dealt = 0;
let deck: Step[] = [];

/** All faults in random order, then all of them again in another. */
function dealFault(): Step {
  if (deck.length === 0) {
    deck = FAULTS.map((fault) => ({ fault, order: random() }))
      .sort((one, other) => one.order - other.order)
      .map(({ fault }) => fault);
  }
  dealt++;
  return deck.pop() ?? 503;
}

/** Fifteen of a hundred requests fail, one way or another; what is poisoned is always refused. */
const server = await startFakeServer({
  record: "counts",
  script: ({ body, index }) => {
    if (body.includes("poison")) return 400;
    if (PAUSING.has(index)) return { status: 429, headers: { "retry-after": "1" } };
    return random() < 0.15 ? dealFault() : 202;
  },
});

process.on("message", () => {
  const { acceptedBatchesOnce, acceptedEventsOnce } = server.counts();
  const books: Books = {
    acceptedIds: [...server.acceptedIds().keys()],
    acceptedBatchesOnce,
    acceptedEventsOnce,
    maxBatchesOfAnEvent: Math.max(...server.acceptedEventIds().values()),
    maxOpenSockets: server.sockets.maxOpen,
    faultRounds: Math.floor(dealt / FAULTS.length),
  };
  process.send?.(books, () => {
    void server.close().then(() => {
      process.disconnect();
    });
  });
});
process.send?.(server.url);
