import { afterEach, describe, expect, it } from "vitest";
import {
  customEvent,
  EventQueue,
  EventsClient,
  type Batch,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type QueueStats,
  type UserContext,
} from "mparticle-events";
import { recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { countTravelling } from "./scripted-client.ts";

/** A queue whose transport has no bounds of its own, such as a number of sockets. */
let queue: EventQueue;
let fetch: RecordingFetch;
let outcomes: Outcome[];

interface Setup {
  readonly script?: Script<FetchStep>;
  readonly client?: Partial<EventsClientOptions>;
  readonly queue?: EventQueueOptions;
}

function start({ script = 202, client, queue: options }: Setup = {}): void {
  fetch = recordingFetch(script);
  outcomes = [];
  queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, ...client }), {
    flushIntervalMs: 60_000,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
}

function user(id: string | number): UserContext {
  return { environment: "development", user_identities: { customer_id: String(id) } };
}

function event(name: string | number, size = 10): ReturnType<typeof customEvent> {
  return customEvent(String(name), "other", { custom_attributes: { text: "x".repeat(size) } });
}

function namesOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) =>
    (events ?? []).map((one) => (one.event_type === "custom_event" ? one.data.event_name : one.event_type)),
  );
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
});

describe("a request", () => {
  it("holds a hundred batches at most", async () => {
    start();
    for (let n = 0; n < 250; n++) await queue.add(user(n), event(n));
    await queue.flush();
    expect(fetch.requests.map(({ batchCount }) => batchCount)).toEqual([100, 100, 50]);
    expect(queue.stats().batches).toMatchObject({ added: 250, accepted: 250 });
  });

  it.each([
    ["of many users", (n: number) => n],
    ["of one user", () => 0],
  ])("stays below 256,000 bytes with batches %s, and is no smaller than that asks for", async (_, userOf) => {
    start({ queue: { maxEventsPerBatch: 1 } });
    for (let n = 0; n < 60; n++) void queue.add(user(userOf(n)), event(n, 20_000));
    await queue.flush();
    const sizes = fetch.requests.map(({ body }) => Buffer.byteLength(body));
    expect(Math.max(...sizes)).toBeLessThan(256_000);
    expect(sizes).toHaveLength(5);
    expect(namesOf(fetch.accepted())).toEqual(Array.from({ length: 60 }, (__, n) => String(n)));
  });

  it("stays below 256,000 bytes of UTF-8, whatever the characters", async () => {
    start();
    for (let n = 0; n < 30; n++) {
      void queue.add(user(n), customEvent(String(n), "other", { custom_attributes: { text: "€".repeat(10_000) } }));
    }
    await queue.flush();
    for (const { body } of fetch.requests) expect(Buffer.byteLength(body)).toBeLessThan(256_000);
    expect(fetch.requests).toHaveLength(4);
  });
});

describe("the requests of a queue", () => {
  it.each([1, 2, 4])("are never more than %d in flight, though the client would take more", async (concurrency) => {
    const travelling = countTravelling(3);
    const COUNT = full(600, 1_000);
    start({
      script: travelling.step,
      client: { concurrency: 64 },
      queue: { concurrency },
    });
    for (let n = 0; n < COUNT; n++) void queue.add(user(n), event(n));
    await queue.flush();
    expect(travelling.most()).toBe(concurrency);
    expect(fetch.requests.length).toBeGreaterThanOrEqual(COUNT / 100);
  });
});

describe("adding in a loop", () => {
  it("lets others have their turn long before it ends", async () => {
    const COUNT = full(2_500, 3_000);
    start();
    const turnsSeen: number[] = [];
    let added = 0;
    const look = (): void => {
      turnsSeen.push(added);
      if (added < COUNT) setImmediate(look);
    };
    setImmediate(look);
    for (; added < COUNT; added++) await queue.add(user(added % 10), event(added, 100));
    // 64 KB, or some two hundred of these, at a stretch.
    const stretches = turnsSeen.map((at, index) => at - (turnsSeen[index - 1] ?? 0));
    expect(turnsSeen[0]).toBeLessThan(1_000);
    expect(Math.max(...stretches)).toBeLessThan(1_000);
    expect(turnsSeen.length).toBeGreaterThan(5);
  });

  it("has the first events sent before the last are added", async () => {
    const COUNT = full(1_500, 3_000);
    start();
    for (let n = 0; n < COUNT; n++) await queue.add(user(n % 10), event(n, 100));
    expect(fetch.counts().events).toBeGreaterThan(500);
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ added: COUNT, accepted: COUNT });
  });
});

describe("whoever is told of an outcome", () => {
  const STEPS: Readonly<Record<string, FetchStep>> = { poison: 400, lost: 503, closed: "hang" };

  it("finds it in the ledger, and nothing of it in memory", async () => {
    const told: { readonly kind: Outcome["kind"]; readonly stats: QueueStats; readonly by: string }[] = [];
    const tell =
      (by: string) =>
      ({ kind }: Outcome): void =>
        void told.push({ kind, stats: queue.stats(), by });
    start({
      script: ({ batches }) => STEPS[namesOf(batches)[0]!] ?? 202,
      client: { onOutcome: tell("client"), retry: false },
      queue: { onOutcome: tell("queue"), maxEventsPerBatch: 1 },
    });
    const total = 11;
    for (const name of ["fine", "poison", "also fine", "lost"]) {
      await queue.add(user(name), event(name));
      await queue.flush();
    }
    // Some that share a request.
    for (let n = 0; n < 5; n++) await queue.add(user(n), event("together"));
    await queue.flush();
    // One that is never taken in.
    await expect(queue.add({} as UserContext, event("refused"))).rejects.toThrow("environment");
    await queue.add(user("closed"), event("closed"));
    await queue.close({ timeoutMs: 0 });
    expect(told).toHaveLength(2 * total);
    const kinds = told.filter(({ by }) => by === "queue").map(({ kind }) => kind);
    expect([...kinds].sort()).toEqual([
      ...Array.from({ length: 7 }, () => "accepted"),
      ...["rejected", "rejected", "undelivered", "undelivered"],
    ]);
    for (const [index, { stats, by }] of told.entries()) {
      // Both are told of one outcome before the next one is settled.
      expect(by).toBe(index % 2 === 0 ? "client" : "queue");
      const seen = kinds.slice(0, Math.floor(index / 2) + 1);
      for (const ledger of [stats.batches, stats.events]) {
        for (const kind of ["accepted", "rejected", "undelivered"] as const) {
          expect(ledger[kind]).toBe(seen.filter((other) => other === kind).length);
        }
        expect(ledger.accepted + ledger.rejected + ledger.undelivered + ledger.pending).toBe(ledger.added);
      }
      if (stats.batches.pending === 0) expect(stats.bufferedBytes).toBe(0);
      else expect(stats.bufferedBytes).toBeGreaterThan(0);
    }
  });
});

describe("drop-oldest", () => {
  it("drops the oldest that still waits, and never what is on its way", async () => {
    let answer: (step: FetchStep) => void = () => undefined;
    const answered = new Promise<FetchStep>((resolve) => {
      answer = resolve;
    });
    start({
      script: [() => answered, 202],
      queue: { overflow: "drop-oldest", maxBufferedBytes: 5_500, maxEventsPerBatch: 1, concurrency: 1 },
    });
    await queue.add(user("travelling"), event("travelling", 1_000));
    await turns();
    expect(fetch.requests).toHaveLength(1);
    for (const name of ["a", "b", "c", "d", "e"]) await queue.add(user(name), event(name, 1_000));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["undelivered", "undelivered"]);
    expect(outcomes[0]).toMatchObject({ error: { code: "OVERFLOW" } });
    expect(namesOf(outcomes.map(({ batch }) => batch))).toEqual(["a", "b"]);
    // The bound is on what is added; the frame of a batch comes on top.
    expect(queue.stats().bufferedBytes).toBeLessThanOrEqual(5_500 + 500);
    answer(202);
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["travelling", "c", "d", "e"]);
    expect(queue.stats().events).toEqual({ added: 6, accepted: 4, rejected: 0, undelivered: 2, pending: 0 });
    // Each was reported once, the one that travelled as what became of it.
    expect(namesOf(outcomes.map(({ batch }) => batch)).sort()).toEqual(["a", "b", "c", "d", "e", "travelling"]);
    expect(outcomes.find(({ batch }) => namesOf([batch])[0] === "travelling")?.kind).toBe("accepted");
  });
});
