import { describe, expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, type Batch, type Outcome } from "mparticle-events";
import { nextTurn, Turns, YIELD_AFTER_BYTES } from "../../src/delivery/turns.ts";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { TurnCounter } from "./turn-counter.ts";

/** So many batches of 2 kB are much more than one turn reads. */
const MANY = full(350, 500);
const BATCH_BYTES = 2_048;
/** What a turn has time for, and the group of batches with which that is reached. */
const READ_PER_TURN = YIELD_AFTER_BYTES / BATCH_BYTES + 100;
/** An error counts for a kilobyte. */
const REFUSED_PER_TURN = YIELD_AFTER_BYTES / 1_024 + 1;

function clientOf(script: Script<FetchStep> = 202, onOutcome?: (outcome: Outcome) => void): EventsClient {
  return new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch: recordingFetch(script), onOutcome });
}

/** Batches of one user each that say when they are read for the first time. */
function batchesOf(count: number, onRead: () => void = () => undefined): Batch[] {
  const event = customEvent("e", "other", { custom_attributes: { text: "x".repeat(BATCH_BYTES - 400) } });
  return Array.from({ length: count }, (_, index) => {
    const batch = createBatch({ environment: "development", user_identities: { customer_id: String(index) } }, [event]);
    let isRead = false;
    return Object.defineProperty(batch, "environment", {
      enumerable: true,
      get: () => {
        if (!isRead) onRead();
        isRead = true;
        return "development";
      },
    });
  });
}

const invalid = (count: number): Batch[] =>
  Array.from({ length: count }, () => ({ environment: "nowhere" }) as unknown as Batch); // as JavaScript passes it

async function readAll(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

/** Expects that many batches end so, and that no turn of the event loop has more than its share of them. */
async function expectTurns(kind: Outcome["kind"], send: (client: EventsClient) => Promise<Outcome[]>): Promise<void> {
  const turns = new TurnCounter();
  const client = clientOf(202, () => {
    turns.note();
  });
  const outcomes = await send(client);
  const { most, all } = turns.stop();
  expect(outcomes.filter((outcome) => outcome.kind === kind)).toHaveLength(MANY);
  expect(all).toBe(MANY);
  expect(most).toBeLessThanOrEqual(REFUSED_PER_TURN);
}

type Send = (client: EventsClient, batches: Batch[]) => Promise<Outcome[]>;

const WAYS: readonly (readonly [string, Send])[] = [
  ["uploadBulk", (client, batches) => client.uploadBulk(batches)],
  ["uploadBulk in order", (client, batches) => client.uploadBulk(batches, { ordered: true })],
  ["deliver", (client, batches) => readAll(client.deliver(batches))],
  ["deliver in order", (client, batches) => readAll(client.deliver(batches, { ordered: true }))],
];

describe.each(WAYS)("many batches of one %s", (_, send) => {
  it("are read over many turns of the event loop, and all of them are sent", async () => {
    const turns = new TurnCounter();
    const batches = batchesOf(MANY, () => {
      turns.note();
    });
    const outcomes = await send(clientOf(), batches);
    const { most, all } = turns.stop();
    expect(outcomes.filter(({ kind }) => kind === "accepted")).toHaveLength(MANY);
    expect(all).toBe(MANY);
    expect(most).toBeLessThanOrEqual(READ_PER_TURN);
  });

  it("are refused over many turns of the event loop", async () => {
    await expectTurns("rejected", (client) => send(client, invalid(MANY)));
  });
});

describe("many uploads that wait", () => {
  const COUNT = full(600, 2_000);

  it.each<[string, (client: EventsClient, abort: AbortController) => void]>([
    [
      "the client is closed",
      (client) => {
        void client.close({ timeoutMs: 0 });
      },
    ],
    [
      "their signal aborts",
      (_, abort) => {
        abort.abort();
      },
    ],
  ])("are given up over many turns of the event loop when %s, and none is sent instead", async (_, end) => {
    const counter = new TurnCounter();
    const fetch = recordingFetch("hang");
    const onOutcome = (): void => {
      counter.note();
    };
    const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, concurrency: 2, onOutcome });
    const abort = new AbortController();
    const batch = (): Batch => createBatch({ environment: "development" }, [customEvent("e", "other")]);
    const uploads = Array.from({ length: COUNT }, () => client.upload(batch(), { signal: abort.signal }));
    const ended = Promise.allSettled(uploads);
    await nextTurn();
    end(client, abort);
    expect((await ended).filter(({ status }) => status === "rejected")).toHaveLength(COUNT);
    const { most, all } = counter.stop();
    expect(all).toBe(COUNT);
    expect(most).toBeLessThanOrEqual(REFUSED_PER_TURN + 2);
    expect(fetch.requests).toHaveLength(2);
  });
});

describe("many batches that are not sent", () => {
  it.each([
    [
      "the signal has aborted",
      (client: EventsClient, batches: Batch[]) => client.uploadBulk(batches, { signal: AbortSignal.abort() }),
    ],
    [
      "the signal has aborted, in order",
      (client: EventsClient, batches: Batch[]) =>
        client.uploadBulk(batches, { ordered: true, signal: AbortSignal.abort() }),
    ],
    [
      "the client is closed",
      async (client: EventsClient, batches: Batch[]) => {
        await client.close();
        return client.uploadBulk(batches);
      },
    ],
  ])("are undelivered over many turns of the event loop, when %s", async (_, send) => {
    await expectTurns("undelivered", (client) => send(client, batchesOf(MANY)));
  });
});

describe("batches that are too large to be read together", () => {
  it("are read a few in a turn", async () => {
    const turns = new TurnCounter();
    const large = batchesOf(20, () => {
      turns.note();
    }).map((batch) => Object.assign(batch, { user_attributes: { text: "x".repeat(60_000) } }));
    await clientOf().uploadBulk(large);
    // The first few are read before anything is known of their size.
    expect(turns.stop().most).toBeLessThanOrEqual(10);
  });

  it("are split a few in a turn", async () => {
    const turns = new TurnCounter();
    const events = Array.from({ length: 5 }, () =>
      customEvent("e", "other", { custom_attributes: { text: "x".repeat(30_000) } }),
    );
    const large = batchesOf(full(14, 20), () => {
      turns.note();
    }).map((batch) => Object.assign(batch, { events }));
    const outcomes = await clientOf().uploadBulk(large);
    expect(outcomes.every(({ kind }) => kind === "accepted")).toBe(true);
    expect(turns.stop().most).toBeLessThanOrEqual(10);
  });
});

describe("a batch that is split, and handed over twice", () => {
  it("arrives whole for the second call when the first one is aborted", async () => {
    const fetch = recordingFetch(["hang", "hang", "hang", 202]);
    const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch });
    const text = "x".repeat(30_000);
    const events = Array.from({ length: 17 }, () => customEvent("e", "other", { custom_attributes: { text } }));
    const batch = createBatch({ environment: "development" }, events);
    const abort = new AbortController();
    const first = client.uploadBulk([batch], { signal: abort.signal });
    const second = client.uploadBulk([batch]);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect(await first).toMatchObject([{ kind: "undelivered" }]);
    expect(await second).toMatchObject([{ kind: "accepted" }]);
    expect(fetch.acceptedIds().size).toBe(5);
  });
});

describe("turns that several calls share", () => {
  it("have time for as much work as one call's, and go on in the order in which they came", async () => {
    const turns = new Turns();
    const counter = new TurnCounter();
    const order: number[] = [];
    turns.note(YIELD_AFTER_BYTES);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await turns.share();
        counter.note();
        order.push(index);
        turns.note(YIELD_AFTER_BYTES / 2);
      }),
    );
    const { most, all } = counter.stop();
    expect({ most, all }).toEqual({ most: 2, all: 20 });
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it("go on beside small pieces of work that wait for the next turn", async () => {
    const turns = new Turns();
    const small = turns.spend(YIELD_AFTER_BYTES);
    const shared = turns.share();
    await Promise.all([small, shared]);
    expect(turns.isSpent).toBe(false);
    const before = turns.share();
    const after = turns.spend(YIELD_AFTER_BYTES);
    await Promise.all([before, after]);
    expect(turns.isSpent).toBe(false);
  });
});

describe("small pieces of work", () => {
  it("go on at once until they are enough for a turn, and then all of them in the next one", async () => {
    const turns = new Turns();
    expect(turns.spend(YIELD_AFTER_BYTES - 1)).toBeUndefined();
    const next = turns.spend(1);
    expect(next).toBeInstanceOf(Promise);
    expect(turns.spend(1)).toBe(next);
    let isReady = false;
    void Promise.resolve()
      .then(() => undefined)
      .then(() => (isReady = true));
    await next;
    expect(isReady).toBe(true);
    expect(turns.isSpent).toBe(false);
    expect(turns.spend(YIELD_AFTER_BYTES - 1)).toBeUndefined();
    const later = turns.spend(YIELD_AFTER_BYTES);
    expect(later).not.toBe(next);
    await later;
  });
});

describe("the next turn", () => {
  it("begins once everything that is ready now has run", async () => {
    const order: string[] = [];
    void Promise.resolve()
      .then(() => undefined)
      .then(() => order.push("ready"));
    const next = nextTurn().then(() => order.push("next turn"));
    order.push("now");
    await next;
    expect(order).toEqual(["now", "ready", "next turn"]);
  });
});
