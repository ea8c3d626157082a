import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  InvalidBatchError,
  MParticleError,
  customEvent,
  type Batch,
  type Event,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type QueueStats,
  type UserContext,
} from "mparticle-events";
import { internalsOfQueue } from "../../src/delivery/queue/queue-internals.ts";
import { startFakeServer, type FakeServer, type FakeServerOptions } from "../../src/testing/testing.ts";
import { full } from "../full.ts";

let server: FakeServer;
let queue: EventQueue;

interface Setup {
  readonly script?: FakeServerOptions["script"];
  readonly client?: Partial<EventsClientOptions>;
  readonly queue?: EventQueueOptions;
}

async function start({ script = 202, client, queue: options }: Setup = {}): Promise<EventQueue> {
  server = await startFakeServer({ script });
  queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: server.url, ...client }), {
    flushIntervalMs: 10_000,
    ...options,
  });
  return queue;
}

function user(id: string, more: Partial<UserContext> = {}): UserContext {
  return { environment: "development", user_identities: { customer_id: id }, ...more };
}

function eventNames(batch: Batch): string[] {
  return (batch.events ?? []).map((event) =>
    event.event_type === "custom_event" ? event.data.event_name : event.event_type,
  );
}

/** What the service got of one user, in the order of its requests. */
function received(id: string): string[] {
  return server.requests.flatMap(({ batches }) =>
    batches.filter((batch) => batch.user_identities?.customer_id === id).flatMap(eventNames),
  );
}

/** As JavaScript may pass it. */
function throwing(object: object, name: string): object {
  return Object.defineProperty({ ...object }, name, {
    enumerable: true,
    get: () => {
      throw new Error("on purpose");
    },
  });
}

function expectBalanced({ events, batches }: QueueStats): void {
  for (const { added, accepted, rejected, undelivered, pending } of [events, batches]) {
    expect(accepted + rejected + undelivered + pending).toBe(added);
    expect(Math.min(accepted, rejected, undelivered, pending)).toBeGreaterThanOrEqual(0);
  }
}

afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
  await server.close();
});

describe("add", () => {
  it("gathers a user's events in one batch and packs users into one request", async () => {
    await start();
    for (const name of ["a", "b", "c"])
      for (const id of ["1", "2"]) await queue.add(user(id), customEvent(name, "other"));
    expect(await queue.flush()).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.batches.map(eventNames)).toEqual([
      ["a", "b", "c"],
      ["a", "b", "c"],
    ]);
    expect(queue.stats().events).toEqual({ added: 6, accepted: 6, rejected: 0, undelivered: 0, pending: 0 });
    expect(queue.stats().batches).toMatchObject({ added: 2, accepted: 2 });
  });

  it.each<[string, Partial<UserContext>]>([
    ["an identity", { user_identities: { customer_id: "1", email: "a@example.com" } }],
    ["consent", { consent_state: { gdpr: { p: { consented: true, timestamp_unixtime_ms: 1 } } } }],
    ["the environment", { environment: "production" }],
    ["an attribute", { user_attributes: { plan: "free" } }],
    ["the device", { device_info: { platform: "iOS" } }],
  ])("starts another batch when %s changes", async (_, change) => {
    await start();
    await queue.add(user("1"), customEvent("a", "other"));
    await queue.add(user("1", change), customEvent("b", "other"));
    await queue.flush();
    expect(server.batches().map(eventNames)).toEqual([["a"], ["b"]]);
  });

  it("takes users for equal that say the same, whatever the object", async () => {
    await start();
    await queue.add(user("1", { source_request_id: "x" }), customEvent("a", "other"));
    await queue.add(user("1", { source_request_id: "y" }), customEvent("b", "other"));
    await queue.flush();
    expect(server.batches().map(eventNames)).toEqual([["a", "b"]]);
    expect(server.batches()[0]?.source_request_id).not.toBe("x");
  });

  it("sees a change of an object that it was given before", async () => {
    await start();
    const changing = { environment: "development" as const, user_attributes: { step: 1 } };
    await queue.add(changing, customEvent("a", "other"));
    changing.user_attributes.step = 2;
    await queue.add(changing, customEvent("b", "other"));
    await queue.flush();
    expect(server.batches()).toMatchObject([{ user_attributes: { step: 1 } }, { user_attributes: { step: 2 } }]);
  });

  it("seals by count, by bytes and by time", async () => {
    await start({ queue: { maxEventsPerBatch: 3, flushIntervalMs: 50 }, client: { maxBatchBytes: 3_000 } });
    for (let n = 0; n < 7; n++) await queue.add(user("count"), customEvent(String(n), "other"));
    for (let n = 0; n < 4; n++) {
      await queue.add(
        user("bytes"),
        customEvent(String(n), "other", { custom_attributes: { text: "x".repeat(1_000) } }),
      );
    }
    await vi.waitFor(() => {
      expect(queue.stats().events.pending).toBe(0);
    });
    const sizes = (id: string): number[] =>
      server
        .batches()
        .filter(({ user_identities }) => user_identities?.customer_id === id)
        .map(({ events }) => events?.length ?? 0);
    expect(sizes("count")).toEqual([3, 3, 1]);
    expect(sizes("bytes")).toEqual([2, 2]);
    for (const batch of server.batches()) expect(JSON.stringify(batch).length).toBeLessThan(3_000);
  });

  it("sends ids with every digit", async () => {
    await start();
    await queue.add(user("1", { mpid: "7346244611012968789" }), customEvent("a", "other"));
    await queue.flush();
    expect(server.requests[0]?.body).toContain('"mpid":7346244611012968789,');
  });

  it("rejects what can never be sent, reports it, and takes nothing of that call", async () => {
    const outcomes: Outcome[] = [];
    await start({ queue: { onOutcome: (outcome) => outcomes.push(outcome) } });
    const huge = customEvent("huge", "other", { custom_attributes: { text: "x".repeat(200_000) } });
    await expect(queue.add(user("1"), customEvent("a", "other"), huge)).rejects.toThrow(
      /\/events\/1.*expected less than 128000/,
    );
    await expect(queue.add({ user_identities: {} } as UserContext, customEvent("a", "other"))).rejects.toThrow(
      InvalidBatchError,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "rejected"]);
    expect(queue.stats().events).toMatchObject({ added: 3, rejected: 3, pending: 0 });
    expectBalanced(queue.stats());
  });

  it("asks the client's validation about each call", async () => {
    const validate = vi.fn(() => [{ severity: "error", code: "x", path: "/events/0", message: "no" }] as const);
    await start({ client: { validate } });
    await expect(queue.add(user("1"), customEvent("a", "other"))).rejects.toThrow("no");
    expect(validate).toHaveBeenCalledTimes(1);
  });

  it("refuses a user who is too large, with events or without, as `upload` does", async () => {
    await start();
    const large = user("1", { user_attributes: { text: "x".repeat(128_000) } });
    for (const events of [[], [customEvent("a", "other")]]) {
      await expect(queue.add(large, ...events)).rejects.toMatchObject({
        code: "INVALID_BATCH",
        findings: [{ code: "batch-too-large", path: "" }],
      });
    }
    expect(queue.stats().batches).toMatchObject({ rejected: 2, pending: 0 });
  });

  it.each<[string, unknown, unknown]>([
    ["a user that is none", null, customEvent("a", "other")],
    ["a batch for a user", { ...user("1"), events: [customEvent("a", "other")] }, customEvent("b", "other")],
    ["a user that throws when it is read", throwing(user("1"), "user_attributes"), customEvent("a", "other")],
    ["an environment that throws when it is read", throwing(user("1"), "environment"), customEvent("a", "other")],
    ["an event that is none", user("1"), null],
    ["an event that throws when it is read", user("1"), throwing(customEvent("a", "other"), "data")],
    ["data that throws when it is read", user("1"), { event_type: "profile", data: throwing({}, "location") }],
  ])("rejects %s, with an outcome", async (_, someUser, event) => {
    const outcomes: string[] = [];
    await start({ queue: { onOutcome: ({ kind }) => outcomes.push(kind) } });
    await expect(queue.add(someUser as UserContext, event as Event)).rejects.toBeInstanceOf(InvalidBatchError);
    expect(outcomes).toEqual(["rejected"]);
    expect(queue.stats().events).toMatchObject({ added: 1, rejected: 1 });
  });

  it("sends a user's attributes without any event", async () => {
    await start();
    await queue.add(user("1", { user_attributes: { plan: "premium" } }));
    await queue.add(user("2"), customEvent("a", "other"));
    await queue.add(user("2"));
    await queue.flush();
    expect(server.batches().map(({ user_attributes, events }) => [user_attributes, events?.length])).toEqual([
      [{ plan: "premium" }, 0],
      [undefined, 1],
    ]);
    expect(queue.stats()).toMatchObject({ events: { added: 1, accepted: 1 }, batches: { added: 2, accepted: 2 } });
  });

  it("tells where in the call a wrong value is", async () => {
    await start();
    const wrong = { event_type: "profile", data: { profile_event_type: "login", current_mpid: "x" } } as const;
    await expect(queue.add(user("1"), customEvent("a", "other"), wrong)).rejects.toMatchObject({
      findings: [{ path: "/events/1/data/current_mpid" }],
    });
  });

  it.each<[string, Partial<EventsClientOptions>, UserContext]>([
    [
      "a check that throws",
      {
        validate: () => {
          throw new Error("bug in a rule");
        },
      },
      user("1"),
    ],
    ["a user that cannot be written as JSON", {}, user("1", { toJSON: () => JSON.parse("no") as never } as never)],
  ])("rejects and reports what is kept from being sent by %s", async (_, client, of) => {
    const outcomes: Outcome[] = [];
    await start({ client, queue: { onOutcome: (outcome) => outcomes.push(outcome) } });
    await expect(queue.add(of, customEvent("a", "other"))).rejects.toThrow(InvalidBatchError);
    expect(outcomes).toMatchObject([{ kind: "rejected" }]);
    expect(queue.stats().events).toMatchObject({ added: 1, rejected: 1 });
  });

  it("is not reached with something else for a client: the queue says so", async () => {
    await start();
    // As JavaScript may.
    const options = { apiKey: "k", apiSecret: "s3cr3t" } as unknown as EventsClient;
    expect(() => new EventQueue(options)).toThrow(
      new TypeError("The client is an object; expected an EventsClient of this copy of the package."),
    );
  });

  it("ends no process when nobody awaits a rejection", async () => {
    await start();
    void queue.add({} as UserContext, customEvent("a", "other"));
    await sleep(20);
    expect(queue.stats().events.rejected).toBe(1);
  });
});

describe("order", () => {
  it("is kept for each user, whatever fails on the way", async () => {
    let n = 0;
    await start({
      script: () =>
        ([503, "reset", { status: 202, delayMs: 20 }, { status: 202, reset: "before-answer" }] as const)[n++ % 7] ??
        202,
      client: { retry: { baseDelayMs: 5, maxDelayMs: 20 } },
      queue: { maxEventsPerBatch: 3, flushIntervalMs: 5 },
    });
    const ids = ["1", "2", "3"];
    for (let event = 0; event < 60; event++) {
      for (const id of ids)
        await queue.add(user(id, event % 10 < 5 ? {} : { ip: "203.0.113.1" }), customEvent(String(event), "other"));
      if (event % 7 === 0) await sleep(3);
    }
    await queue.flush();
    for (const id of ids) {
      const kept = server
        .acceptedOnce()
        .filter((batch) => batch.user_identities?.customer_id === id)
        .flatMap(eventNames);
      expect(kept).toEqual(Array.from({ length: 60 }, (_, event) => String(event)));
      // Repeats aside, nothing overtook anything on the wire either.
      expect([...new Set(received(id))]).toEqual(kept);
    }
  });

  /** Names of one user's events, in the order in which the service took them. */
  const accepted = (id: string): string[] =>
    server.requests
      .filter(({ status }) => status === 202)
      .flatMap(({ batches }) =>
        batches.filter((batch) => batch.user_identities?.customer_id === id).flatMap(eventNames),
      );

  it.each([
    ["batches", 150, 10],
    ["bytes", 60, 12_000],
  ])("is kept when one user has more %s than a request may hold", async (_, count, size) => {
    await start({
      script: [503, 202],
      client: { retry: { baseDelayMs: 30 } },
      queue: { maxEventsPerBatch: 1 },
    });
    const names = Array.from({ length: count }, (__, n) => String(n));
    const more = { custom_attributes: { text: "x".repeat(size) } };
    await Promise.all(names.map((name) => queue.add(user("1"), customEvent(name, "other", more))));
    await queue.flush();
    expect(accepted("1")).toEqual(names);
  });

  it("is kept when one of the user's batches is refused", async () => {
    await start({ script: ({ body }) => (body.includes("poison") ? 400 : 202), queue: { maxEventsPerBatch: 1 } });
    const names = Array.from({ length: 40 }, (_, n) => (n % 13 === 5 ? "poison" : String(n)));
    for (const name of names) for (const id of ["1", "2"]) await queue.add(user(id), customEvent(name, "other"));
    await queue.flush();
    for (const id of ["1", "2"]) expect(accepted(id)).toEqual(names.filter((name) => name !== "poison"));
  });

  it.each<[string, Partial<UserContext>, Partial<UserContext>]>([
    [
      "identities are written down in another order",
      { user_identities: { email: "a@example.com", other: "o" } },
      { user_identities: { other: "o", email: "a@example.com" } },
    ],
    [
      "a user with a customer_id gets another identity",
      { user_identities: { customer_id: "1" } },
      { user_identities: { customer_id: "1", email: "a@example.com" }, mpid: "5" },
    ],
    ["an mpid is given as another type", { mpid: 5n }, { mpid: "5", user_identities: { email: "a@example.com" } }],
  ])("is kept when %s", async (_, before, after) => {
    await start({ script: [{ status: 503, delayMs: 80 }, 202], queue: { flushIntervalMs: 1 } });
    await queue.add({ environment: "development", ...before }, customEvent("first", "other"));
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await queue.add({ environment: "development", ...after }, customEvent("second", "other"));
    await queue.flush();
    const taken = server.requests.filter(({ status }) => status === 202).flatMap(({ batches }) => batches);
    expect(taken.flatMap(eventNames)).toEqual(["first", "second"]);
  });

  it("is kept among calls of add that wait for room and those that come when there is some", async () => {
    const names: string[] = [];
    const addNext = (): void => {
      const name = String(names.length);
      names.push(name);
      void queue.add(user("1"), customEvent(name, "other", { custom_attributes: { text: "x".repeat(400) } }));
    };
    const addSome = (): void => {
      for (let n = 0; n < 5 && names.length < 60; n++) addNext();
    };
    await start({ queue: { maxBufferedBytes: 2_000, onOutcome: addSome } });
    for (let n = 0; n < 4; n++) addSome();
    await vi.waitFor(async () => {
      await queue.flush();
      expect(queue.stats().events.accepted).toBe(60);
    });
    expect(accepted("1")).toEqual(names);
  });
});

describe("flush", () => {
  it("waits for everything added before it and for nothing added after", async () => {
    await start({ script: { status: 202, delayMs: 60 } });
    await queue.add(user("1"), customEvent("before", "other"));
    const flushed = queue.flush();
    await sleep(10);
    await queue.add(user("2"), customEvent("after", "other"));
    await flushed;
    expect(queue.stats().events).toMatchObject({ accepted: 1, pending: 1 });
  });

  it("called many times at once makes one request", async () => {
    await start();
    await queue.add(user("1"), customEvent("a", "other"));
    await Promise.all([queue.flush(), queue.flush(), queue.flush()]);
    expect(server.requests).toHaveLength(1);
  });

  it("gives up waiting in time, and leaves what is pending in the queue", async () => {
    await start({ script: [{ status: 202, delayMs: 150 }] });
    await queue.add(user("1"), customEvent("a", "other"));
    expect(await queue.flush({ timeoutMs: 20 })).toBe(false);
    expect(queue.stats().events.pending).toBe(1);
    expect(await queue.flush()).toBe(true);
    expect(queue.stats().events.accepted).toBe(1);
  });

  it("closes the door at once: what is added in the same turn is not waited for", async () => {
    await start({ script: [202, "hang"] });
    await queue.add(user("1"), customEvent("before", "other"));
    const flushed = queue.flush({ timeoutMs: 2_000 });
    void queue.add(user("2"), customEvent("after", "other"));
    expect(await flushed).toBe(true);
  });

  it.each([NaN, -1, "5" as never])("does not take %s for a timeout, and neither does close", async (timeoutMs) => {
    await start();
    const message = "`timeoutMs` is ";
    await expect(queue.flush({ timeoutMs })).rejects.toThrow(message);
    await expect(queue.close({ timeoutMs })).rejects.toThrow(message);
    await queue.add(user("1"), customEvent("still open", "other"));
  });

  it("of an empty queue is done at once", async () => {
    await start();
    expect(await queue.flush()).toBe(true);
    expect(server.requests).toHaveLength(0);
  });
});

describe("overflow", () => {
  const big = (name: string): ReturnType<typeof customEvent> =>
    customEvent(name, "other", { custom_attributes: { text: "x".repeat(1_000) } });

  it("makes add wait, and memory stay within its bound", async () => {
    await start({ script: { status: 202, delayMs: 5 }, queue: { maxBufferedBytes: 20_000 } });
    let most = 0;
    for (let n = 0; n < 200; n++) {
      await queue.add(user(String(n % 7)), big(String(n)));
      most = Math.max(most, queue.stats().bufferedBytes);
    }
    expect(most).toBeLessThanOrEqual(20_000 + 2_000);
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ added: 200, accepted: 200 });
    for (let n = 0; n < 7; n++)
      expect(received(String(n))).toEqual([...received(String(n))].sort((a, b) => Number(a) - Number(b)));
  });

  it("holds no more than its bound, however many calls of add wait for room", async () => {
    let most = 0;
    const measure = (): void => {
      most = Math.max(most, queue.stats().bufferedBytes);
    };
    await start({ queue: { maxBufferedBytes: 10_000, onOutcome: measure } });
    const adds = Array.from({ length: 300 }, async (_, n) => {
      await queue.add(user(String(n % 3)), big(String(n)));
      measure();
    });
    measure();
    await Promise.all(adds);
    expect(most).toBeGreaterThan(5_000);
    // The bound is on what is added; the frame of a batch comes on top.
    expect(most).toBeLessThanOrEqual(10_000 + 1_000);
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ accepted: 300 });
  });

  it("lets in what waits when a process says it ends, so that it is kept under the ids it is sent with", async () => {
    await start({ script: [{ status: 202, delayMs: 300 }, 202], queue: { maxBufferedBytes: 3_000 } });
    const adds = Array.from({ length: 12 }, (_, n) => queue.add(user(String(n)), big(String(n))));
    expect(queue.stats().waitingAdds).toBeGreaterThan(0);
    const { sealAll, pending } = internalsOfQueue(queue);
    sealAll();
    const kept = pending();
    expect(kept).toHaveLength(12);
    expect(queue.stats()).toMatchObject({ waitingAdds: 0, events: { pending: 12 } });
    expect(pending()).toEqual(kept);
    // The end did not come after all.
    await Promise.all(adds);
    await queue.flush();
    expect([...server.acceptedIds().keys()].sort()).toEqual(kept.map(({ requestId }) => requestId).sort());
  });

  it("drops nothing in vain: what cannot be made room for gives way alone", async () => {
    const dropped: string[] = [];
    await start({
      script: "hang",
      queue: {
        overflow: "drop-oldest",
        maxBufferedBytes: 5_000,
        concurrency: 1,
        onOutcome: ({ batch }) => dropped.push(...eventNames(batch)),
      },
    });
    await queue.add(user("travels"), big("travels"), big("as well"), big("too"));
    void queue.flush();
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await queue.add(user("waits"), customEvent("small", "other"));
    await queue.add(user("comes"), big("large"), big("larger"));
    expect(dropped).toEqual(["large", "larger"]);
    expect(queue.stats().events).toMatchObject({ pending: 4 });
  });

  it("drops the newest when the oldest are on their way", async () => {
    const dropped: Outcome[] = [];
    await start({
      script: "hang",
      queue: {
        overflow: "drop-oldest",
        maxBufferedBytes: 3_000,
        maxEventsPerBatch: 1,
        onOutcome: (outcome) => dropped.push(outcome),
      },
    });
    for (const name of ["0", "1"]) await queue.add(user(name), big(name));
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await queue.add(user("2"), big("2"));
    expect(dropped.flatMap(({ batch }) => eventNames(batch))).toEqual(["2"]);
    expect(queue.stats().bufferedBytes).toBeLessThanOrEqual(3_000);
  });

  it("lets a flush wait for calls of add that wait for room", async () => {
    await start({ queue: { maxBufferedBytes: 5_000 } });
    for (let n = 0; n < 30; n++) void queue.add(user("1"), big(String(n)));
    expect(queue.stats().waitingAdds).toBeGreaterThan(0);
    await queue.flush();
    expect(queue.stats()).toMatchObject({ events: { accepted: 30, pending: 0 }, waitingAdds: 0, bufferedBytes: 0 });
  });

  it.each([
    ["drop-newest", ["0", "1", "2", "3"]],
    ["drop-oldest", ["6", "7", "8", "9"]],
  ] as const)("with %s reports every drop with its reason", async (overflow, kept) => {
    const dropped: Outcome[] = [];
    await start({
      queue: {
        overflow,
        maxBufferedBytes: 5_900,
        maxEventsPerBatch: 1,
        onOutcome: (outcome) => outcome.kind === "undelivered" && dropped.push(outcome),
      },
    });
    for (let n = 0; n < 10; n++) await queue.add(user(String(n)), big(String(n)));
    expectBalanced(queue.stats());
    expect(dropped.map((outcome) => outcome.kind === "undelivered" && outcome.error.code)).toEqual(
      Array(6).fill("OVERFLOW"),
    );
    await queue.flush();
    expect(server.batches().flatMap(eventNames)).toEqual(kept);
    const all = [...dropped.map(({ batch }) => batch), ...server.batches()].flatMap(eventNames);
    expect(all.sort()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("with reject tells the caller and takes nothing in", async () => {
    await start({ queue: { overflow: "reject", maxBufferedBytes: 2_500 } });
    await queue.add(user("1"), big("a"));
    await expect(queue.add(user("1"), big("b"))).rejects.toMatchObject({ code: "OVERFLOW" });
    expect(queue.stats().events).toMatchObject({ added: 1, pending: 1 });
  });

  it.each([
    [{ overflow: "drop" as never }, '`overflow` is "drop"; expected "wait", "drop-newest", "drop-oldest" or "reject".'],
    [{ maxEventsPerBatch: 0 }, "`maxEventsPerBatch` is 0; expected a whole number above 0."],
    [{ flushIntervalMs: NaN }, "`flushIntervalMs` is NaN; expected a number above 0."],
  ])("names what is wrong with %j", async (options, message) => {
    await start();
    const client = new EventsClient({ apiKey: "k", apiSecret: "s" });
    expect(() => new EventQueue(client, options)).toThrow(message);
  });
});

describe("outcomes", () => {
  it("tell rejected batches from accepted ones, with the batch as it was sent", async () => {
    const outcomes: Outcome[] = [];
    await start({
      script: ({ body }) => (body.includes("poison") ? 400 : 202),
      queue: { onOutcome: (outcome) => outcomes.push(outcome) },
    });
    for (const name of ["a", "poison", "b"])
      await queue.add(user(name, { mpid: "7346244611012968789" }), customEvent(name, "other"));
    await queue.flush();
    expect(Object.fromEntries(outcomes.map(({ batch, kind }) => [eventNames(batch)[0], kind]))).toEqual({
      a: "accepted",
      poison: "rejected",
      b: "accepted",
    });
    const rejected = outcomes.find(({ kind }) => kind === "rejected");
    expect(rejected?.batch).toMatchObject({
      mpid: "7346244611012968789",
      source_request_id: expect.any(String) as unknown,
    });
    expectBalanced(queue.stats());
  });

  it("come after the ledger: whoever is told can read it", async () => {
    const pending: number[] = [];
    await start({ queue: { onOutcome: () => pending.push(queue.stats().events.pending) } });
    await queue.add(user("1"), customEvent("a", "other"));
    await queue.flush();
    expect(pending).toEqual([0]);
  });
});

describe("a queue that nobody listens to", () => {
  it("says on the console, once, that something was not accepted", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await start({ script: 401 });
    for (const id of ["1", "2"]) {
      await queue.add(user(id), customEvent("a", "other"));
      await queue.flush();
    }
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^mparticle-events: a batch of a queue was rejected\. POST .* answered 401.*`onOutcome`/)],
    ]);
    warn.mockRestore();
  });
});

describe("close", () => {
  it("sends what is left, then takes nothing more", async () => {
    await start();
    await queue.add(user("1"), customEvent("a", "other"));
    expect(await queue.close()).toEqual({ accepted: 1, rejected: 0, undelivered: 0, unsent: [] });
    await expect(queue.add(user("1"), customEvent("b", "other"))).rejects.toMatchObject({ code: "CLOSED" });
    expect(await queue.close()).toMatchObject({ accepted: 1 });
  });

  it("hands back what it could not send in time, with the ids it was sent with", async () => {
    await start({ script: "hang", queue: { maxEventsPerBatch: 2, concurrency: 1 } });
    for (let n = 0; n < 5; n++) await queue.add(user("1"), customEvent(String(n), "other"));
    const startedAt = performance.now();
    const report = await queue.close({ timeoutMs: 100 });
    // Long before the request's own time is up.
    expect(performance.now() - startedAt).toBeLessThan(9_000);
    expect(report).toMatchObject({ accepted: 0, undelivered: 5 });
    expect(report.unsent.flatMap(eventNames).sort()).toEqual(["0", "1", "2", "3", "4"]);
    const sent = server.requests.flatMap(({ batches }) => batches.map(({ source_request_id }) => source_request_id));
    expect(report.unsent.map(({ source_request_id }) => source_request_id)).toEqual(expect.arrayContaining(sent));
    expectBalanced(queue.stats());
  });

  it("ends calls of add that wait for room", async () => {
    await start({ script: "hang", queue: { maxBufferedBytes: 1_000 } });
    const adds = Array.from({ length: 5 }, (_, n) =>
      queue.add(user("1"), customEvent(String(n), "other", { custom_attributes: { text: "x".repeat(900) } })),
    );
    await queue.close({ timeoutMs: 50 });
    const results = await Promise.allSettled(adds);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected", "rejected"]);
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toBeInstanceOf(MParticleError);
  });

  it("hands back what still waited for room as well", async () => {
    const outcomes: Outcome[] = [];
    await start({
      script: "hang",
      queue: { maxBufferedBytes: 1_000, onOutcome: (outcome) => outcomes.push(outcome) },
    });
    for (let n = 0; n < 5; n++)
      void queue.add(user("1"), customEvent(String(n), "other", { custom_attributes: { text: "x".repeat(900) } }));
    const { unsent, undelivered } = await queue.close({ timeoutMs: 50 });
    expect(undelivered).toBe(5);
    expect(unsent.flatMap(eventNames).sort()).toEqual(["0", "1", "2", "3", "4"]);
    expect(outcomes.flatMap(({ batch }) => eventNames(batch)).sort()).toEqual(["0", "1", "2", "3", "4"]);
    expectBalanced(queue.stats());
  });

  it("is what `await using` does", async () => {
    await start();
    {
      await using scoped = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: server.url }));
      await scoped.add(user("1"), customEvent("a", "other"));
    }
    expect(server.acceptedOnce()).toHaveLength(1);
  });
});

describe("waitUntil", () => {
  it("is given one promise for each stretch of work, settled when nothing is pending", async () => {
    const promises: Promise<unknown>[] = [];
    await start({ queue: { flushIntervalMs: 20, waitUntil: (promise) => promises.push(promise) } });
    await queue.add(user("1"), customEvent("a", "other"));
    await queue.add(user("2"), customEvent("b", "other"));
    expect(promises).toHaveLength(1);
    await promises[0];
    expect(queue.stats().events).toMatchObject({ accepted: 2, pending: 0 });
    await queue.add(user("1"), customEvent("c", "other"));
    expect(promises).toHaveLength(2);
  });

  it("that throws keeps nothing from being taken in", async () => {
    const waitUntil = (): never => {
      throw new Error("outside of a request");
    };
    await start({ queue: { waitUntil } });
    await queue.add(user("1"), customEvent("a", "other"));
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ added: 1, accepted: 1 });
  });
});

describe("the ledger", () => {
  it("balances at every instant, and the service keeps each event once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ id: fc.nat(4), size: fc.nat(800), turn: fc.boolean() }), { maxLength: 80 }),
        fc.constantFrom("wait" as const, "drop-newest" as const, "drop-oldest" as const),
        async (adds, overflow) => {
          let n = 0;
          await start({
            script: () => ([503, { status: 202, reset: "before-answer" }, 202] as const)[n++ % 3] ?? 202,
            client: { retry: { baseDelayMs: 1, maxDelayMs: 3 } },
            queue: {
              overflow,
              maxBufferedBytes: 6_000,
              maxEventsPerBatch: 5,
              onOutcome: () => {
                expectBalanced(queue.stats());
              },
            },
          });
          for (const [index, { id, size, turn }] of adds.entries()) {
            const added = queue.add(
              user(String(id)),
              customEvent(String(index), "other", { custom_attributes: { text: "x".repeat(size) } }),
            );
            expectBalanced(queue.stats());
            if (turn) await added;
          }
          await queue.flush();
          const { events } = queue.stats();
          expect(events).toMatchObject({ added: adds.length, pending: 0, rejected: 0 });
          expect(events.accepted).toBe(server.counts().acceptedEventsOnce);
          await queue.close();
          await server.close();
        },
      ),
      { numRuns: full(8, 25) },
    );
  });
});
