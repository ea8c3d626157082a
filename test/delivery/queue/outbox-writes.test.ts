import { afterEach, describe, expect, it, vi } from "vitest";
import { customEvent, type BeforeSend, type EventQueue, type OutboxEntry, type StoredBatch } from "mparticle-events";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { full } from "../../full.ts";
import { countTurns, event, namesOf, startQueue, turns, user, type Setup, type Started } from "./a-queue.ts";

let queue: EventQueue;

afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
});

/** An outbox whose writes end when, and as, a test says. */
class HeldOutbox extends MemoryOutbox {
  readonly writes: { readonly entries: readonly OutboxEntry[]; end: (error?: Error) => Promise<void> }[] = [];
  readonly removed: string[] = [];

  override append(entries: readonly OutboxEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writes.push({
        entries,
        end: async (error) => {
          if (error === undefined) {
            await super.append(entries);
            resolve();
          } else reject(error);
          await turns();
        },
      });
    });
  }

  override remove(requestIds: readonly string[]): Promise<void> {
    this.removed.push(...requestIds);
    return super.remove(requestIds);
  }
}

async function start(outbox: MemoryOutbox, setup: Setup = {}): Promise<Started> {
  const started = startQueue({ ...setup, queue: { outbox, ...setup.queue } });
  ({ queue } = started);
  await turns();
  return started;
}

describe("writes that end in another order than they began", () => {
  it("let nothing be sent before all of its batch is stored", async () => {
    const outbox = new HeldOutbox();
    const { fetch } = await start(outbox);
    void queue.add(user("1"), event("a"));
    void queue.add(user("1"), event("b"));
    const flushed = queue.flush();
    await outbox.writes[1]?.end();
    expect(fetch.requests).toHaveLength(0);
    await outbox.writes[0]?.end();
    await flushed;
    expect(namesOf(fetch.accepted())).toEqual(["a", "b"]);
  });

  it("give no event two ids when the first of them fails", async () => {
    const outbox = new HeldOutbox();
    const { fetch } = await start(outbox);
    const added = queue.add(user("1"), event("a"));
    void queue.add(user("1"), event("b"));
    const flushed = queue.flush();
    await outbox.writes[1]?.end();
    await outbox.writes[0]?.end(new Error("full"));
    await expect(added).rejects.toThrow("full");
    // What its caller does then.
    const again = queue.add(user("1"), event("a"));
    await outbox.writes[2]?.end();
    await again;
    await queue.flush();
    await flushed;
    expect(namesOf(fetch.accepted())).toEqual(["b", "a"]);
    expect(queue.stats().events).toMatchObject({ added: 2, accepted: 2 });
  });

  it("carry the user each, until one of them has it stored", async () => {
    const outbox = new HeldOutbox();
    await start(outbox);
    for (const name of ["a", "b"]) void queue.add(user("1"), event(name));
    await outbox.writes[0]?.end();
    void queue.add(user("1"), event("c"));
    expect(outbox.writes.map(({ entries }) => entries[0]?.context === undefined)).toEqual([false, false, true]);
    for (const { end } of outbox.writes.slice(1)) await end();
  });

  it("keep no batch of which nothing could be stored", async () => {
    const outbox = new HeldOutbox();
    const { fetch } = await start(outbox);
    const added = [queue.add(user("1"), event("a")), queue.add(user("1"), event("b"))];
    for (const { end } of outbox.writes) await end(new Error("full"));
    expect((await Promise.allSettled(added)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await queue.flush();
    expect(fetch.requests).toHaveLength(0);
    expect(queue.stats()).toMatchObject({ bufferedBytes: 0, batches: { added: 0, pending: 0 }, events: { added: 0 } });
  });

  it("let a batch that was dropped meanwhile leave the store when the last of them has ended", async () => {
    const outbox = new HeldOutbox();
    const { outcomes } = await start(outbox, { queue: { overflow: "drop-oldest", maxBufferedBytes: 2_500 } });
    for (const name of ["a", "b"]) void queue.add(user("1"), event(name, 500));
    void queue.add(user("2"), event("c", 1_000));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["undelivered"]);
    await outbox.writes[1]?.end();
    expect(outbox.removed).toEqual([]);
    await outbox.writes[0]?.end();
    expect(outbox.removed).toHaveLength(1);
    await outbox.writes[2]?.end();
    await queue.close();
    expect(outbox.stored.size).toBe(0);
  });
});

/** Stores, and then says that it has not: a connection that is lost after the commit. */
class DoubtfulOutbox extends MemoryOutbox {
  fails = true;
  removes = true;

  override async append(entries: readonly OutboxEntry[]): Promise<void> {
    await super.append(entries);
    if (this.fails) throw new Error("the connection is lost");
  }

  override async remove(requestIds: readonly string[]): Promise<void> {
    await turns(1);
    if (!this.removes) throw new Error("there is no connection");
    await super.remove(requestIds);
  }
}

describe("an outbox that has stored what it rejects", () => {
  it("is told to forget it, so that what is added again comes once", async () => {
    const outbox = new DoubtfulOutbox();
    const { fetch } = await start(outbox, { script: "hang" });
    await expect(queue.add(user("1"), event("a"))).rejects.toMatchObject({ code: "OUTBOX" });
    outbox.fails = false;
    await queue.add(user("1"), event("a"));
    await queue.close({ timeoutMs: 0 });
    expect(fetch.acceptedIds().size).toBe(0);
    expect(outbox.stored.size).toBe(1);
    const next = await start(outbox);
    await queue.flush();
    expect(namesOf(next.fetch.accepted())).toEqual(["a"]);
  });

  it("forgets it with the next that leaves, when it cannot at once", async () => {
    const outbox = new DoubtfulOutbox();
    outbox.removes = false;
    await start(outbox);
    await expect(queue.add(user("1"), event("a"))).rejects.toMatchObject({ code: "OUTBOX" });
    await turns();
    expect(outbox.stored.size).toBe(1);
    outbox.fails = false;
    outbox.removes = true;
    await queue.add(user("1"), event("a"));
    await queue.flush();
    await queue.close();
    expect(outbox.stored.size).toBe(0);
  });

  it("keeps the batch whose other events are stored, and sends these alone", async () => {
    const outbox = new DoubtfulOutbox();
    const { fetch } = await start(outbox);
    outbox.fails = false;
    await queue.add(user("1"), event("a"));
    outbox.fails = true;
    await expect(queue.add(user("1"), event("b"))).rejects.toMatchObject({ code: "OUTBOX" });
    expect(outbox.stored.size).toBe(1);
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["a"]);
  });

  it("is told to forget what beforeSend holds back, which is then not held", async () => {
    const outbox = new DoubtfulOutbox();
    let isAsked = false;
    const beforeSend: BeforeSend = (batch, { hold, release }) => {
      if (!isAsked) return hold("not asked yet");
      release();
      return batch;
    };
    const { fetch } = await start(outbox, { queue: { beforeSend } });
    await expect(queue.add(user("1"), event("a"))).rejects.toMatchObject({ code: "OUTBOX" });
    expect(queue.stats().events).toMatchObject({ added: 0, pending: 0 });
    await turns();
    expect(outbox.stored.size).toBe(0);
    outbox.fails = false;
    isAsked = true;
    await queue.add(user("1"), event("a"));
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["a"]);
  });

  it("is closed also when it can forget nothing", async () => {
    const outbox = new DoubtfulOutbox();
    outbox.fails = false;
    outbox.removes = false;
    const close = vi.spyOn(outbox, "close");
    await start(outbox, { client: { logger: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() } } });
    await queue.add(user("1"), event("a"));
    await queue.flush();
    await queue.close();
    expect(close).toHaveBeenCalledTimes(1);
  });
});

describe("a long list", () => {
  const LIST = Array.from({ length: full(7_000, 12_000) }, (_, n) => event(n));
  const sizeOf = (entries: readonly OutboxEntry[]): number =>
    entries.reduce((sum, { events }) => sum + events.join("").length, 0);

  it("is put into batches over many turns of the event loop", async () => {
    ({ queue } = startQueue({ script: "hang" }));
    const added = queue.add(user("1"), LIST);
    let before = 0;
    let most = 0;
    while (queue.stats().events.added < LIST.length) {
      await turns(1);
      most = Math.max(most, queue.stats().events.added - before);
      before = queue.stats().events.added;
    }
    await added;
    expect(most).toBeLessThanOrEqual(5_000);
  });

  it("is stored in several writes, sent when all of them have ended, and before what was added after it", async () => {
    const outbox = new HeldOutbox();
    const { fetch } = await start(outbox);
    const added = [queue.add(user("1"), LIST), queue.add(user("1"), event("after"))];
    const flushed = queue.flush();
    const isAfter = ({ entries }: (typeof outbox.writes)[number]): boolean =>
      entries.some(({ events }) => events.join("").includes('"after"'));
    const sentBefore: number[] = [];
    for (let [written, isLast] = [0, false]; !isLast;) {
      await turns(1);
      const write = outbox.writes[written];
      if (write === undefined) continue;
      isLast = isAfter(write);
      if (!isLast) sentBefore.push(fetch.requests.length);
      await write.end();
      written++;
    }
    expect(sentBefore.length).toBeGreaterThan(5);
    expect(Math.max(...sentBefore)).toBe(0);
    expect(Math.max(...outbox.writes.map(({ entries }) => sizeOf(entries)))).toBeLessThan(400_000);
    await Promise.all(added);
    await flushed;
    expect(namesOf(fetch.accepted())).toEqual([...LIST.map((_, n) => String(n)), "after"]);
    await queue.close();
    expect(outbox.stored.size).toBe(0);
  });

  it("is not taken in at all when one of its writes fails, and nothing of it is left in the store", async () => {
    const outbox = new HeldOutbox();
    const { fetch } = await start(outbox);
    const added = queue.add(user("1"), LIST);
    const next = async (number: number): Promise<HeldOutbox["writes"][number]> => {
      for (;;) {
        const write = outbox.writes[number];
        if (write !== undefined) return write;
        await turns(1);
      }
    };
    for (const number of [0, 1, 2]) await (await next(number)).end();
    expect(outbox.stored.size).toBeGreaterThan(0);
    await (await next(3)).end(new Error("full"));
    await expect(added).rejects.toThrow("full");
    await turns();
    expect(outbox.stored.size).toBe(0);
    expect(queue.stats()).toMatchObject({ bufferedBytes: 0, batches: { added: 0 }, events: { added: 0, pending: 0 } });
    const again = queue.add(user("1"), event("a"));
    await (await next(4)).end();
    await again;
    await queue.flush();
    expect(namesOf(fetch.accepted())).toEqual(["a"]);
  });

  it("is handed back as a whole by a close in the middle of it", async () => {
    const { queue: closed } = startQueue({ script: "hang", queue: { maxBufferedBytes: 1e8 } });
    queue = closed;
    const added = closed.add(user("1"), LIST);
    added.catch(() => undefined);
    while (closed.stats().events.added === 0) await turns(1);
    expect(closed.stats().events.added).toBeLessThan(LIST.length);
    const { unsent, undelivered } = await closed.close({ timeoutMs: 0 });
    const byNumber = namesOf(unsent).sort((one, other) => Number(one) - Number(other));
    expect(byNumber).toEqual(LIST.map((_, n) => String(n)));
    expect(undelivered).toBe(LIST.length);
  });
});

describe("a record of an outbox that cannot be read", () => {
  const good = (requestId: string): StoredBatch => ({
    requestId,
    context: JSON.stringify(user(requestId)),
    events: [JSON.stringify(event(requestId))],
  });

  it.each<[string, unknown, string | undefined]>([
    ["is nothing", undefined, undefined],
    ["is a text", "rubbish", undefined],
    ["has no id", { ...good("x"), requestId: 5 }, undefined],
    ["has an empty id", { ...good("x"), requestId: "" }, undefined],
    ["has lost its user", { requestId: "bad", events: [] }, "what it says of its user is no JSON object."],
    [
      "has half of its user",
      { ...good("bad"), context: '{"environment":' },
      "what it says of its user is no JSON object.",
    ],
    ["has a list for a user", { ...good("bad"), context: "[]" }, "what it says of its user is no JSON object."],
    ["has no list of events", { ...good("bad"), events: "{}" }, "its events are no list."],
    ["has half of an event", { ...good("bad"), events: ["{}", '{"event_type":'] }, "its event 1 is no JSON object."],
    ["has an event that is none", { ...good("bad"), events: ["5"] }, "its event 0 is no JSON object."],
    ["has an event that is no text", { ...good("bad"), events: [{}] }, "its event 0 is no JSON object."],
  ])("because it %s is set aside with the reason, and the others go on", async (_, record, reason) => {
    const outbox = new MemoryOutbox();
    outbox.recover = async function* () {
      yield await Promise.resolve(good("before"));
      yield record as StoredBatch;
      yield good("after");
    };
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const { fetch } = await start(outbox, { client: { logger } });
    await queue.add(user("1"), event("new"));
    expect(await queue.flush()).toBe(true);
    expect(namesOf(fetch.accepted())).toEqual(["before", "after", "new"]);
    const letters = outbox.deadLetters.map(({ requestId, reason: { code, message } }) => [requestId, code, message]);
    expect(letters).toEqual(reason === undefined ? [] : [["bad", "UNREADABLE", `It cannot be sent: ${reason}`]]);
    expect(logger.error).toHaveBeenCalledTimes(1);
    expect(logger.error.mock.calls[0]?.[0]).toMatch(reason ?? /stays there/);
  });

  it("is told of on the console when there is no logger", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const outbox = new MemoryOutbox();
    outbox.stored.set("bad", { requestId: "bad", context: "{", events: [] });
    await start(outbox);
    await queue.flush();
    expect(warn.mock.calls).toEqual([[expect.stringContaining("A batch in the outbox, bad, cannot be sent")]]);
    warn.mockRestore();
  });
});

describe("an outbox with much in it", () => {
  it("is taken in a turn of the event loop at a time", async () => {
    const outbox = new MemoryOutbox();
    const COUNT = full(400, 500);
    for (let n = 0; n < COUNT; n++) {
      const requestId = String(n);
      const stored = { requestId, context: JSON.stringify(user(n)), events: [JSON.stringify(event(n, 4_000))] };
      outbox.stored.set(requestId, stored);
    }
    const stop = countTurns();
    await start(outbox, { script: "hang" });
    while (queue.stats().batches.added < COUNT) await turns(1);
    // Much more than a megabyte, 128 kB at a time.
    expect(stop()).toBeGreaterThan(10);
  });

  it.each(["reject", "drop-newest", "drop-oldest"] as const)(
    "holds no more than its bound of what is added meanwhile, users included, with %s",
    async (overflow) => {
      const outbox = new MemoryOutbox();
      outbox.open = () => new Promise(() => undefined);
      await start(outbox, { queue: { overflow, maxBufferedBytes: 100_000 } });
      const large = { user_attributes: { text: "x".repeat(10_000) } };
      for (let n = 0; n < 50; n++) void queue.add({ ...user(n), ...large }, customEvent(String(n), "other"));
      expect(queue.stats().waitingAdds).toBe(10);
    },
  );
});
