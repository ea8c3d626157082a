/** A faulty service in a process of its own, so that the event loop of the test is the sender's alone. */
import { startFakeServer } from "../../../src/testing/testing.ts";
import { FaultDeck, FAULTS, seeded } from "../fault-deck.ts";

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

/** Requests that are answered with a pause of a second: few, for each holds up a whole client. */
const PAUSING = new Set([20, 60]);

const random = seeded(Number(process.argv[2]));
const deck = new FaultDeck(random);

/**
 * Three of four requests fail until each kind of fault has come, however few requests there are in all; fifteen of a hundred
 * then. What is poisoned is always refused.
 */
const server = await startFakeServer({
  record: "counts",
  script: ({ body, index }) => {
    if (body.includes("poison")) return 400;
    if (PAUSING.has(index)) return { status: 429, headers: { "retry-after": "1" } };
    const fails = deck.dealt < FAULTS.length ? index % 4 !== 0 : random() < 0.15;
    return fails ? deck.deal() : 202;
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
    faultRounds: Math.floor(deck.dealt / FAULTS.length),
  };
  process.send?.(books, () => {
    void server.close().then(() => {
      process.disconnect();
    });
  });
});
process.send?.(server.url);
