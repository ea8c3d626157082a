import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  customEvent,
  EventQueue,
  EventsClient,
  type Batch,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outbox,
  type Outcome,
  type StoredBatch,
  type UserContext,
} from "mparticle-events";
import { recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../src/testing/testing.ts";
import { MemoryOutbox } from "../faults/memory-outbox.ts";
import { virtualTime } from "./virtual-time.ts";

/** An outbox without a disk, which does what a test wants of it. */
class ScriptedOutbox extends MemoryOutbox {
  opened = 0;
  beforeOpen: () => Promise<void> = () => Promise.resolve();
  beforeAppend: () => Promise<void> = () => Promise.resolve();

  override async open(): Promise<void> {
    await this.beforeOpen();
    this.opened++;
  }

  override async append(entries: Parameters<Outbox["append"]>[0]): Promise<void> {
    await this.beforeAppend();
    await super.append(entries);
  }
}

let queue: EventQueue;
let fetch: RecordingFetch;
let outcomes: Outcome[];

interface Setup {
  readonly script?: Script<FetchStep>;
  readonly client?: Partial<EventsClientOptions>;
  readonly queue?: EventQueueOptions;
}

function start(outbox: Outbox, { script = 202, client, queue: options }: Setup = {}): EventQueue {
  fetch = recordingFetch(script);
  outcomes = [];
  queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, ...client }), {
    flushIntervalMs: 10_000,
    outbox,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return queue;
}

const user: UserContext = { environment: "development", user_identities: { customer_id: "1" } };

function event(name: string, size = 10): ReturnType<typeof customEvent> {
  return customEvent(name, "other", { custom_attributes: { text: "x".repeat(size) } });
}

function namesOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) =>
    (events ?? []).map((one) => (one.event_type === "custom_event" ? one.data.event_name : one.event_type)),
  );
}

/** What an earlier process left: batches of one event each. */
function leave(outbox: ScriptedOutbox, names: readonly string[], size?: number): void {
  for (const name of names) {
    outbox.stored.set(`left-${name}`, {
      requestId: `left-${name}`,
      context: JSON.stringify(user),
      events: [JSON.stringify(event(name, size))],
    });
  }
}

afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
});

describe("while an outbox is being opened and read", () => {
  it.each(["reject", "drop-newest", "drop-oldest"] as const)(
    "what waits for it is bounded as all else is, with %s",
    async (overflow) => {
      const outbox = new ScriptedOutbox();
      outbox.beforeOpen = () => sleep(30);
      start(outbox, { queue: { overflow, maxBufferedBytes: 5_000 } });
      const added = await Promise.allSettled(
        Array.from({ length: 100 }, (_, n) => queue.add(user, event(String(n), 1_000))),
      );
      await queue.flush();
      const accepted = namesOf(fetch.accepted());
      expect(accepted.length).toBeGreaterThan(1);
      expect(accepted.length).toBeLessThan(5);
      const refused =
        overflow === "reject"
          ? added.filter(({ status }) => status === "rejected")
          : outcomes.filter(({ kind }) => kind === "undelivered");
      expect(refused).toHaveLength(100 - accepted.length);
    },
  );

  it("what is added is taken as it is at the call, and goes after what an earlier process left", async () => {
    const outbox = new ScriptedOutbox();
    leave(outbox, ["a", "b"]);
    outbox.beforeOpen = () => sleep(30);
    start(outbox);
    const changing = { ...user, user_attributes: { step: 1 } };
    const added = queue.add(changing, event("c"));
    changing.user_attributes.step = 2;
    expect(queue.stats().waitingAdds).toBe(1);
    await added;
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["a", "b", "c"]);
    expect(fetch.accepted().at(-1)?.user_attributes).toEqual({ step: 1 });
  });

  it("a close sends what was added before it", async () => {
    const outbox = new ScriptedOutbox();
    outbox.beforeOpen = () => sleep(30);
    start(outbox);
    void queue.add(user, event("a"));
    expect(await queue.close()).toMatchObject({ accepted: 1, undelivered: 0 });
  });

  it("a close that is out of time hands back what was added, and takes nothing up afterwards", async () => {
    const outbox = new ScriptedOutbox();
    leave(outbox, ["left"]);
    outbox.beforeOpen = () => sleep(60);
    start(outbox);
    const added = queue.add(user, event("a"));
    const { unsent } = await queue.close({ timeoutMs: 10 });
    await expect(added).rejects.toMatchObject({ code: "CLOSED" });
    expect(namesOf(unsent)).toEqual(["a"]);
    await sleep(100);
    expect(fetch.requests).toHaveLength(0);
    expect(namesOf(outcomes.map(({ batch }) => batch))).toEqual(["a"]);
    expect([...outbox.stored.keys()]).toEqual(["left-left"]);
  });

  it.each(["reject", "drop-newest", "drop-oldest"] as const)(
    "%s keeps what waits within the bound, though the service is down and the backlog large",
    async (overflow) => {
      const outbox = new ScriptedOutbox();
      leave(
        outbox,
        Array.from({ length: 30 }, (_, n) => String(n)),
        1_000,
      );
      start(outbox, { script: "hang", queue: { overflow, maxBufferedBytes: 5_000 } });
      await vi.waitFor(() => {
        expect(queue.stats().bufferedBytes).toBeGreaterThan(3_000);
      });
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => queue.add(user, event(String(n), 1_000))),
      );
      expect(queue.stats().bufferedBytes).toBeLessThan(6_000);
      expect(queue.stats().waitingAdds).toBe(0);
      if (overflow === "reject") expect(results.every(({ status }) => status === "rejected")).toBe(true);
      else expect(outcomes.filter(({ kind }) => kind === "undelivered")).toHaveLength(20);
    },
  );

  it("a backlog larger than the buffer goes through it part by part", async () => {
    const outbox = new ScriptedOutbox();
    const names = Array.from({ length: 60 }, (_, n) => String(n));
    leave(outbox, names, 1_000);
    let most = 0;
    start(outbox, {
      queue: {
        maxBufferedBytes: 5_000,
        onOutcome: () => {
          most = Math.max(most, queue.stats().bufferedBytes);
        },
      },
    });
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(names);
    expect(most).toBeLessThan(6_000);
    expect(outbox.stored.size).toBe(0);
  });
});

describe("an outbox that cannot be opened", () => {
  it("is tried again by the next add: another owner may have ended", async () => {
    const outbox = new ScriptedOutbox();
    outbox.beforeOpen = () => Promise.reject(new Error("in use"));
    start(outbox);
    await expect(queue.add(user, event("a"))).rejects.toMatchObject({ code: "OUTBOX" });
    await expect(queue.add(user, event("b"))).rejects.toThrow("in use");
    outbox.beforeOpen = () => Promise.resolve();
    await queue.add(user, event("c"));
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["c"]);
    expect(outbox.opened).toBe(1);
  });

  it("that breaks while it is read stays broken, and says so at once", async () => {
    const outbox = new ScriptedOutbox();
    outbox.recover = async function* (): AsyncGenerator<StoredBatch> {
      await Promise.resolve();
      yield* [];
      throw new Error("damaged");
    };
    start(outbox);
    await expect(queue.add(user, event("a"))).rejects.toThrow("damaged");
    await expect(queue.add(user, event("b"))).rejects.toThrow("damaged");
    expect(outbox.opened).toBe(1);
  });
});

describe("what is stored", () => {
  const tls = (): never => {
    throw Object.assign(new TypeError("fetch failed"), { cause: { code: "CERT_HAS_EXPIRED" } });
  };

  it.each<[string, Partial<EventsClientOptions>]>([
    ["a certificate that does not verify", {}],
    ["the option to try once", { retry: false }],
  ])("is not given up because of %s", async (_, options) => {
    let calls = 0;
    const good = recordingFetch(202);
    const flaky = (request: Request): Promise<Response> => (++calls <= 3 ? tls() : good(request));
    const outbox = new ScriptedOutbox();
    start(outbox, { client: { fetch: flaky, ...options } });
    await queue.add(user, event("a"));
    await queue.flush();
    expect(outcomes).toMatchObject([{ kind: "accepted" }]);
    expect(outbox.stored.size).toBe(0);
  });

  it("waits for another turn when its time is up, and keeps nobody else from having one", async () => {
    const outbox = new ScriptedOutbox();
    let refusals = 0;
    start(outbox, {
      script: ({ body }) => (body.includes("poison") && refusals++ < 8 ? 500 : 202),
      client: { retry: { maxElapsedMs: 60, baseDelayMs: 20, maxDelayMs: 20 } },
      queue: { concurrency: 1 },
    });
    await queue.add(user, event("poison"));
    const flushed = queue.flush();
    await sleep(10);
    await queue.add({ ...user, user_identities: { customer_id: "2" } }, event("good"));
    await queue.flush();
    await flushed;
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
    expect(queue.stats().events).toMatchObject({ added: 2, accepted: 2, undelivered: 0 });
  });

  it("keeps a user's order when a request is divided and a part of it comes back", async () => {
    let attempts = 0;
    start(new ScriptedOutbox(), {
      script: async ({ body }) => {
        if (body.includes("refused")) return 400;
        if (!body.includes('"first"') || attempts++ > 0) return 202;
        await sleep(200);
        return { fault: "ECONNRESET" };
      },
      client: { retry: { maxElapsedMs: 150, baseDelayMs: 10 } },
      queue: { maxEventsPerBatch: 1 },
    });
    const other = (id: string): UserContext => ({ ...user, user_identities: { customer_id: id } });
    await Promise.all([
      queue.add(user, event("first")),
      queue.add(user, event("second")),
      queue.add(other("2"), event("refused")),
      queue.add(other("3"), event("fine")),
    ]);
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["fine", "first", "second"]);
  });

  it("forgets what was dropped while it was being written", async () => {
    const outbox = new ScriptedOutbox();
    start(outbox, { queue: { overflow: "drop-oldest", maxBufferedBytes: 2_000 } });
    await queue.flush();
    outbox.beforeAppend = () => sleep(20);
    const other = { ...user, user_identities: { customer_id: "2" } };
    await Promise.all([queue.add(user, event("dropped", 1_000)), queue.add(other, event("kept", 1_000))]);
    await queue.close();
    expect(namesOf(outcomes.map(({ batch }) => batch))).toEqual(["dropped", "kept"]);
    expect(namesOf(fetch.accepted())).toEqual(["kept"]);
    expect(outbox.stored.size).toBe(0);
  });

  it("stores a user without events though the first write of the batch fails", async () => {
    const outbox = new ScriptedOutbox();
    start(outbox);
    await queue.flush();
    let writes = 0;
    outbox.beforeAppend = async () => {
      const isFirst = writes++ === 0;
      await sleep(isFirst ? 20 : 1);
      if (isFirst) throw new Error("full");
    };
    const added = await Promise.allSettled([queue.add(user, event("a")), queue.add(user)]);
    expect(added.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    await queue.flush();
    expect(fetch.accepted()).toMatchObject([{ ...user, events: [] }]);
  });

  it("includes a user's attributes without any event", async () => {
    const outbox = new ScriptedOutbox();
    outbox.beforeAppend = () => sleep(5);
    start(outbox);
    await queue.add({ ...user, user_attributes: { plan: "premium" } });
    expect([...outbox.stored.values()]).toMatchObject([{ events: [] }]);
    await queue.flush();
    expect(fetch.accepted()).toMatchObject([{ user_attributes: { plan: "premium" }, events: [] }]);
    expect(outbox.stored.size).toBe(0);
  });

  it("leaves in full batches at once, also from within one long add", async () => {
    const outbox = new ScriptedOutbox();
    outbox.beforeAppend = () => sleep(5);
    start(outbox, { queue: { maxEventsPerBatch: 100 } });
    await queue.add(user, ...Array.from({ length: 150 }, (_, n) => event(String(n))));
    await vi.waitFor(() => {
      expect(queue.stats().events.accepted).toBe(100);
    });
  });

  it.each(["dropped", "closed"] as const)("counts right when its batch is %s before the write fails", async (how) => {
    const outbox = new ScriptedOutbox();
    start(outbox, { script: "hang", queue: { overflow: "drop-oldest", maxBufferedBytes: 2_000 } });
    await queue.add(user, event("before"));
    await queue.flush({ timeoutMs: 20 });
    outbox.beforeAppend = async () => {
      await sleep(30);
      throw new Error("full");
    };
    const other = { ...user, user_identities: { customer_id: "2" } };
    const added = queue.add(other, event("a", 1_000));
    if (how === "dropped") void queue.add({ ...user, user_identities: { customer_id: "3" } }, event("b", 1_000));
    else await queue.close({ timeoutMs: 0 });
    await expect(added).rejects.toThrow("full");
    await sleep(50);
    const { events, batches, bufferedBytes } = queue.stats();
    for (const { added: all, accepted, rejected, undelivered, pending } of [events, batches]) {
      expect(pending).toBeGreaterThanOrEqual(0);
      expect(accepted + rejected + undelivered + pending).toBe(all);
    }
    expect(bufferedBytes).toBeGreaterThanOrEqual(0);
  });

  it("keeps no process alive that has nothing else to do while the service is down", async () => {
    const outbox = new ScriptedOutbox();
    const time = virtualTime();
    outcomes = [];
    fetch = recordingFetch({ fault: "ECONNREFUSED" });
    queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch }, time), {
      outbox,
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    await queue.add(user, event("a"));
    process.emit("beforeExit", 0);
    await vi.waitFor(() => {
      expect(outcomes).toMatchObject([{ kind: "undelivered" }]);
    });
    expect(time.now()).toBeGreaterThanOrEqual(10_000);
    expect(outbox.stored.size).toBe(1);
  });

  it("is sent when it is stored and not before", async () => {
    const outbox = new ScriptedOutbox();
    let stored = false;
    outbox.beforeAppend = async () => {
      await sleep(40);
      stored = true;
    };
    const sentUnstored: boolean[] = [];
    start(outbox, {
      script: () => {
        sentUnstored.push(!stored);
        return 202;
      },
      queue: { maxEventsPerBatch: 1 },
    });
    void queue.add(user, event("a"));
    await queue.flush();
    expect(sentUnstored).toEqual([false]);
  });

  it("is not lost to a close whose store fails to close", async () => {
    const outbox = new ScriptedOutbox();
    outbox.close = () => Promise.reject(new Error("disk gone"));
    start(outbox, { script: "hang" });
    await queue.add(user, event("a"));
    const { unsent } = await queue.close({ timeoutMs: 10 });
    expect(namesOf(unsent)).toEqual(["a"]);
  });
});
