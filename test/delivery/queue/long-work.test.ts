import { describe, expect, it } from "vitest";
import {
  EventQueue,
  EventsClient,
  screenView,
  type Batch,
  type Event,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type UserContext,
} from "mparticle-events";
import { recordingFetch, type RecordingFetch } from "mparticle-events/testing";
import { internalsOfQueue } from "../../../src/delivery/queue/queue-internals.ts";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { full } from "../../full.ts";
import { TurnCounter } from "../turn-counter.ts";

const user = { environment: "development" } as const;
/** More than any turn of the event loop reads, hands back or drops. */
const MANY = full(1_300, 2_000);
const PER_TURN = 500;

interface Made {
  readonly queue: EventQueue;
  readonly fetch: RecordingFetch;
  readonly outcomes: Outcome[];
}

function make(options: EventQueueOptions = {}, clientOptions: Partial<EventsClientOptions> = {}): Made {
  const fetch = recordingFetch(202);
  const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, ...clientOptions });
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome): void => void outcomes.push(outcome);
  return { queue: new EventQueue(client, { onOutcome, ...options }), fetch, outcomes };
}

/** Events that note when they are read. */
function listOf(count: number, onRead: () => void = () => undefined): Event[] {
  return Array.from({ length: count }, (_, index) => {
    const { data, ...rest } = screenView(String(index));
    return Object.defineProperty(rest, "data", {
      enumerable: true,
      get: () => {
        onRead();
        return data;
      },
    }) as Event; // as screenView makes it
  });
}

const namesOf = (batches: readonly Batch[]): readonly string[] =>
  batches.flatMap(({ events }) =>
    (events ?? []).map((event) => (event.event_type === "screen_view" ? (event.data.screen_name ?? "") : "")),
  );

const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => String(index));

describe("one add with a long list", () => {
  it("is read over many turns of the event loop, and arrives in order, before what was added after it", async () => {
    const { queue, fetch } = make();
    const counter = new TurnCounter();
    const reads = new Map<number, number>();
    const events = listOf(MANY, () => {
      counter.note();
    });
    // How often an event is looked at while it is read is not its business.
    listOf(1, () => reads.set(0, (reads.get(0) ?? 0) + 1)).forEach((event) => void queue.add(user, event));
    const perEvent = reads.get(0) ?? 1;
    const long = queue.add(user, events);
    const short = queue.add(user, screenView("after"));
    events.length = 0; // the list is its owner's again
    await Promise.all([long, short]);
    const { most, all } = counter.stop();
    expect(all).toBe(MANY * perEvent);
    expect(most).toBeLessThanOrEqual(PER_TURN * perEvent);
    await queue.close();
    expect(namesOf(fetch.requests.flatMap(({ batches }) => batches))).toEqual(["0", ...numbers(MANY), "after"]);
  });

  it("is read over many turns as well when it is short, and its events are large", async () => {
    const { queue } = make();
    const counter = new TurnCounter();
    const text = "x".repeat(100_000);
    const large = {
      toJSON: () => {
        counter.note();
        return text;
      },
    } as unknown as string; // as it is in JSON
    await queue.add(
      user,
      Array.from({ length: 40 }, () => screenView("large", { custom_attributes: { large } })),
    );
    const { most, all } = counter.stop();
    expect(all).toBe(40);
    expect(most).toBeLessThanOrEqual(2);
    expect(await queue.close()).toMatchObject({ accepted: 40 });
  });

  it("is taken in as a whole or not at all: one bad event at its end refuses it, under its own index", async () => {
    const { queue, fetch, outcomes } = make();
    const bad = screenView("bad") as Event & { self?: unknown };
    bad.self = bad;
    const long = queue.add(user, [...listOf(MANY), bad]);
    const after = queue.add(user, screenView("after"));
    await expect(long).rejects.toMatchObject({ code: "INVALID_BATCH" });
    await expect(long).rejects.toThrow(`/events/${String(MANY)}`);
    await after;
    expect(queue.stats().events).toMatchObject({ added: MANY + 2, rejected: MANY + 1, pending: 1 });
    expect(await queue.close()).toMatchObject({ accepted: 1, rejected: MANY + 1, undelivered: 0 });
    expect(namesOf(fetch.requests.flatMap(({ batches }) => batches))).toEqual(["after"]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "accepted"]);
  });

  it("is checked piece by piece, and a finding has the index in the list", async () => {
    const sizes: number[] = [];
    const { queue } = make(
      {},
      {
        validate: ({ events }) => {
          sizes.push(events?.length ?? 0);
          const at = (events ?? []).findIndex(
            (event) => event.event_type === "screen_view" && event.data.screen_name === "777",
          );
          return at < 0
            ? []
            : [{ severity: "error", code: "seven", path: `/events/${String(at)}/data`, message: "no." }];
        },
      },
    );
    await expect(queue.add(user, listOf(MANY))).rejects.toMatchObject({ findings: [{ path: "/events/777/data" }] });
    expect(sizes).toEqual(Array.from({ length: 8 }, () => 100));
    await queue.close();
  });

  it("is waited for by flush, and by close", async () => {
    const { queue } = make();
    void queue.add(user, listOf(MANY));
    expect(await queue.flush()).toBe(true);
    expect(queue.stats().events.accepted).toBe(MANY);
    void queue.add(user, listOf(MANY));
    expect(await queue.close()).toMatchObject({ accepted: 2 * MANY, unsent: [] });
  });

  it("is handed back by a close that has no time, and spilled by a process that ends", async () => {
    const { queue } = make();
    void queue.add(user, listOf(MANY)).catch(() => undefined);
    const { sealAll, pending } = internalsOfQueue(queue);
    sealAll();
    expect(pending().reduce((sum, { events }) => sum + events.length, 0)).toBe(MANY);

    const { queue: other } = make({ maxBufferedBytes: 1 });
    const added = [other.add(user, listOf(MANY)), other.add(user, listOf(MANY))].map((one) =>
      one.catch(() => undefined),
    );
    const { unsent } = await other.close({ timeoutMs: 0 });
    await Promise.all(added);
    expect(namesOf(unsent)).toEqual([...numbers(MANY), ...numbers(MANY)]);
    await queue.close();
  });

  it("is stored as a whole, when there is an outbox", async () => {
    const outbox = new MemoryOutbox();
    const { queue } = make({ outbox });
    await queue.add(user, listOf(MANY));
    expect(await queue.close()).toMatchObject({ accepted: MANY, unsent: [] });
  });

  it.each([
    ["reject", { rejects: true, undelivered: 0 }],
    ["drop-newest", { rejects: false, undelivered: MANY }],
  ] as const)("that there is no room for is refused with %s", async (overflow, { rejects, undelivered }) => {
    // Were it flushed meanwhile, there would be room.
    const { queue } = make({ overflow, maxBufferedBytes: 10_000, flushIntervalMs: 600_000 });
    await queue.add(user, screenView("before"));
    const long = queue.add(user, listOf(MANY));
    if (rejects) await expect(long).rejects.toMatchObject({ code: "OVERFLOW" });
    else await long;
    expect(await queue.close()).toMatchObject({ accepted: 1, undelivered });
  });
});

describe("one add with a long list that goes through the steps of beforeSend", () => {
  const firstNameOf = ({ events }: Batch): string =>
    namesOf([{ ...user, events: events?.slice(0, 1) ?? [] }])[0] ?? "none";

  it("is copied over many turns; the steps get it as a whole, in the order of the calls", async () => {
    const seen: (readonly [string, number])[] = [];
    const { queue, fetch } = make({
      beforeSend: (batch) => {
        seen.push([firstNameOf(batch), batch.events?.length ?? 0]);
        return { ...batch, user_attributes: { seen: true } };
      },
    });
    const counter = new TurnCounter();
    const reads = new Map<number, number>();
    await queue.add(user, ...listOf(1, () => reads.set(0, (reads.get(0) ?? 0) + 1)));
    const perEvent = reads.get(0) ?? 1;
    const events = listOf(MANY, () => {
      counter.note();
    });
    const long = queue.add(user, events);
    const [after, other] = [screenView("after"), { ...user, user_identities: { customer_id: "7" } }];
    const added = [long, queue.add(user, after), queue.add(other, screenView("other")), queue.add(user, listOf(MANY))];
    events.length = 0; // the list is its owner's again
    after.data.screen_name = "changed"; // a short one as well
    await Promise.all(added);
    const { most, all } = counter.stop();
    expect(all).toBe(MANY * perEvent);
    expect(most).toBeLessThanOrEqual(PER_TURN * perEvent);
    expect(seen).toEqual([
      ["0", 1],
      ["0", MANY],
      ["after", 1],
      ["other", 1],
      ["0", MANY],
    ]);
    await queue.close();
    const sent = fetch.requests.flatMap(({ batches }) => batches);
    const own = sent.filter(({ user_identities }) => user_identities === undefined);
    expect(namesOf(own)).toEqual(["0", ...numbers(MANY), "after", ...numbers(MANY)]);
    expect(sent.every(({ user_attributes }) => user_attributes?.["seen"] === true)).toBe(true);
  });

  it("is dropped, held and let go, and rejected when a step throws; what was added after it goes on", async () => {
    let isAgreed = false;
    const { queue, outcomes } = make({
      beforeSend: (batch, { drop, hold, release }) => {
        const { length } = batch.events ?? [];
        if (length === MANY) return drop("too many");
        if (length === MANY + 1 && !isAgreed) return hold("not yet");
        if (length === MANY + 2) throw new Error("a step");
        if (isAgreed) release();
        return batch;
      },
    });
    const dropped = queue.add(user, listOf(MANY));
    const held = queue.add(user, listOf(MANY + 1));
    const thrown = queue.add(user, listOf(MANY + 2)).catch((error: unknown) => error);
    await Promise.all([dropped, held]);
    expect(await thrown).toMatchObject({ code: "INVALID_BATCH" });
    expect(queue.stats().events).toMatchObject({ rejected: MANY + MANY + 2, pending: MANY + 1 });
    isAgreed = true;
    await queue.add(user, screenView("after"));
    expect(await queue.close()).toMatchObject({ accepted: MANY + 2, rejected: MANY + MANY + 2, unsent: [] });
    expect(outcomes.filter(({ kind }) => kind === "rejected")).toHaveLength(2);
  });

  it("is spilled as the steps left it by a process that ends, with what was added after it", async () => {
    const seen: number[] = [];
    const { queue } = make({
      beforeSend: (batch) => {
        seen.push(batch.events?.length ?? 0);
        return { ...batch, events: batch.events?.slice(1) ?? [] };
      },
    });
    const added = [queue.add(user, listOf(MANY)), queue.add(user, screenView("a"), screenView("b"))];
    const { sealAll, pending } = internalsOfQueue(queue);
    sealAll();
    expect(seen).toEqual([MANY, 2]);
    expect(pending().reduce((sum, { events }) => sum + events.length, 0)).toBe(MANY);
    await Promise.all(added);
    expect(await queue.close()).toMatchObject({ accepted: MANY });
    expect(seen).toEqual([MANY, 2]);
  });

  it("is handed back by a close that has no time", async () => {
    const { queue } = make({ maxBufferedBytes: 1, beforeSend: (batch) => batch });
    const added = [queue.add(user, listOf(MANY)), queue.add(user, listOf(MANY))].map((one) =>
      one.catch(() => undefined),
    );
    const { unsent } = await queue.close({ timeoutMs: 0 });
    await Promise.all(added);
    expect(namesOf(unsent)).toEqual([...numbers(MANY), ...numbers(MANY)]);
  });

  it("is stored as a whole, when there is an outbox", async () => {
    const { queue } = make({ outbox: new MemoryOutbox(), beforeSend: (batch) => batch });
    await queue.add(user, listOf(MANY));
    expect(await queue.close()).toMatchObject({ accepted: MANY, unsent: [] });
  });
});

it("a whole batch is no user, also where there are steps that would let its events vanish", async () => {
  const { queue } = make({ beforeSend: (batch) => batch });
  const whole = { ...user, events: [screenView("lost")] } as unknown as UserContext; // as JavaScript passes it
  await expect(queue.add(whole, screenView("kept"))).rejects.toMatchObject({ findings: [{ code: "batch-for-user" }] });
  await expect(queue.add(whole, listOf(MANY))).rejects.toMatchObject({ findings: [{ code: "batch-for-user" }] });
  await queue.close();
});

describe("many batches", () => {
  /** What they take, and little more. */
  const MAX_BUFFERED_BYTES = 375 * MANY;
  const addMany = async (queue: EventQueue): Promise<void> => {
    for (let index = 0; index < MANY; index++) {
      await queue.add({ ...user, user_identities: { customer_id: String(index) } }, screenView("Home"));
    }
  };

  /** A queue without room for more, which drops the oldest, and what counts those in each turn. */
  const fullThatDrops = async (): Promise<{ readonly queue: EventQueue; readonly counter: TurnCounter }> => {
    const counter = new TurnCounter();
    const onOutcome = ({ kind }: Outcome): void => {
      if (kind === "undelivered") counter.note();
    };
    const { queue } = make({
      onOutcome,
      overflow: "drop-oldest",
      flushIntervalMs: 1e9,
      maxBufferedBytes: MAX_BUFFERED_BYTES,
    });
    await addMany(queue);
    return { queue, counter };
  };

  it("are handed back by close over many turns", async () => {
    const counter = new TurnCounter();
    const onOutcome = (): void => {
      counter.note();
    };
    const hangs = recordingFetch("hang");
    const { queue } = make({ onOutcome, flushIntervalMs: 1e9, concurrency: 1 }, { fetch: hangs });
    await addMany(queue);
    const { unsent } = await queue.close({ timeoutMs: 0 });
    expect(unsent).toHaveLength(MANY);
    const { most, all, turns } = counter.stop();
    expect(all).toBe(MANY);
    expect(most).toBeLessThanOrEqual(PER_TURN + 100); // a request's worth was in flight
    // And no more of them than that takes: each may be long where others work as well.
    expect(turns).toBeLessThanOrEqual(MANY / PER_TURN + 2);
  });

  it("are dropped for a few large events over many turns", async () => {
    const { queue, counter } = await fullThatDrops();
    const large = screenView("large", { custom_attributes: { text: "x".repeat(6_000) } });
    const few = MANY / 20;
    await queue.add(
      user,
      Array.from({ length: few }, () => ({ ...large })),
    );
    const { most, all } = counter.stop();
    expect(all).toBeGreaterThan(2 * PER_TURN);
    expect(most).toBeLessThanOrEqual(PER_TURN);
    const { accepted, undelivered } = await queue.close();
    expect([accepted, undelivered]).toEqual([MANY - all + few, all]);
  });

  it("are dropped for a long list over many turns", async () => {
    const { queue, counter } = await fullThatDrops();
    const before = queue.stats().events.undelivered;
    expect(before).toBe(0);
    await queue.add(user, listOf(3 * MANY));
    const { most, all } = counter.stop();
    expect(all).toBeGreaterThan(2 * PER_TURN);
    expect(most).toBeLessThanOrEqual(PER_TURN);
    const { accepted, undelivered } = await queue.close();
    expect(accepted + undelivered).toBe(4 * MANY);
    expect(accepted).toBeGreaterThanOrEqual(3 * MANY);
  });
});

describe("many adds that wait for room when the queue is closed", () => {
  function fill(onRefused: () => void): { readonly queue: EventQueue; readonly added: Promise<unknown> } {
    const { queue } = make(
      { maxBufferedBytes: 1, onOutcome: () => undefined },
      { fetch: recordingFetch("hang"), concurrency: 1 },
    );
    const added = Array.from({ length: MANY }, (_, index) =>
      queue.add({ ...user, user_identities: { customer_id: String(index) } }, screenView("s")).catch(onRefused),
    );
    return { queue, added: Promise.all(added) };
  }

  it("are refused over many turns", async () => {
    const counter = new TurnCounter();
    const { queue, added } = fill(() => {
      counter.note();
    });
    const { unsent } = await queue.close({ timeoutMs: 0 });
    await added;
    const { most, all } = counter.stop();
    expect(unsent).toHaveLength(MANY);
    expect(all).toBeGreaterThan(2 * PER_TURN);
    expect(most).toBeLessThanOrEqual(PER_TURN);
  });

  it("are all there for an exit in between", async () => {
    let found: number | undefined;
    let refused = 0;
    const { queue } = fill(() => {
      if (++refused !== PER_TURN) return;
      const { sealAll, pending } = internalsOfQueue(queue);
      sealAll();
      found = pending().length;
    });
    const { unsent } = await queue.close({ timeoutMs: 0 });
    expect(found).toBe(MANY);
    expect(unsent).toHaveLength(MANY);
  });
});
