import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { EventQueue, Outbox, UserContext } from "mparticle-events";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { heldTime } from "../held-time.ts";
import { event, namesOf, startQueue, turns, user } from "./a-queue.ts";
import { EventQueue as Queue, EventsClient } from "mparticle-events";
import { recordingFetch } from "../../../src/testing/testing.ts";

let queue: EventQueue;

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => {
  process.on("unhandledRejection", note);
});
afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
});
afterAll(() => {
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

// Typed as what fits wherever a function is expected.
const never = (): never => new Promise(() => undefined) as never;
const rejects = (): never => Promise.reject(new Error("on purpose")) as never;
const throws = (): never => {
  throw new Error("on purpose");
};

/** What whoever is called by a queue may do instead of what its type says. */
const MISDEEDS = [
  ["throws", throws],
  ["rejects", rejects],
  ["never ends", never],
] as const;

describe.each(MISDEEDS)("a function of the application that %s", (_, misdeed) => {
  it("for onOutcome keeps nothing from being sent, and told of", async () => {
    const errors = vi.fn();
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: errors };
    const started = startQueue({ client: { logger }, queue: { onOutcome: misdeed } });
    ({ queue } = started);
    for (const name of ["a", "b"]) await queue.add(user(name), event(name));
    expect(await queue.flush()).toBe(true);
    expect(namesOf(started.fetch.accepted())).toEqual(["a", "b"]);
    await turns();
    expect(errors.mock.calls.length).toBe(misdeed === never ? 0 : 2);
  });

  it("for waitUntil keeps nothing from being sent", async () => {
    const started = startQueue({ queue: { waitUntil: misdeed } });
    ({ queue } = started);
    await queue.add(user("1"), event("a"));
    await queue.flush();
    expect(namesOf(started.fetch.accepted())).toEqual(["a"]);
  });

  it("for the logger keeps nothing from being sent", async () => {
    const logger = { debug: misdeed, info: misdeed, warn: misdeed, error: misdeed } as never;
    const started = startQueue({ script: [503, 202], client: { logger, retry: { baseDelayMs: 1 } } });
    ({ queue } = started);
    await queue.add(user("1"), event("a"));
    await queue.flush();
    expect(namesOf(started.fetch.accepted())).toEqual(["a"]);
  });

  it.each(["remove", "setAside", "close"] as const)("for %s of an outbox keeps nobody waiting", async (method) => {
    const outbox = new MemoryOutbox();
    outbox[method] = misdeed;
    const time = heldTime();
    const fetch = recordingFetch(({ body }) => (body.includes("poison") ? 400 : 202));
    queue = new Queue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch }, time), { outbox });
    await queue.add(user("1"), event("a"));
    await queue.add(user("2"), event("poison"));
    const flushed = queue.flush();
    await time.advance(1_000);
    expect(await flushed).toBe(true);
    const closed = queue.close({ timeoutMs: 100 });
    await time.advance(5_000);
    expect(await closed).toMatchObject({ accepted: 1, rejected: 1 });
    expect(time.now()).toBe(6_000);
  });

  it("for append of an outbox ends every wait in its time", async () => {
    const outbox = new MemoryOutbox();
    outbox.append = misdeed;
    const time = heldTime();
    const fetch = recordingFetch(202);
    queue = new Queue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch }, time), { outbox });
    await turns();
    const added = queue.add(user("1"), event("a"));
    const flushed = queue.flush({ timeoutMs: 100 });
    await time.advance(100);
    expect(await flushed).toBe(misdeed !== never);
    const closed = queue.close({ timeoutMs: 100 });
    await time.advance(5_000);
    const { unsent } = await closed;
    await expect(added).rejects.toMatchObject({ code: misdeed === never ? "CLOSED" : "OUTBOX" });
    // What was not taken in is not handed back: whoever added it was told.
    expect(namesOf(unsent)).toEqual(misdeed === never ? ["a"] : []);
    expect(fetch.requests).toHaveLength(0);
  });

  it.each(["open", "recover"] as const)("for %s of an outbox ends every wait in its time", async (method) => {
    const outbox = new MemoryOutbox();
    const made = { [method]: method === "recover" && misdeed === never ? hangingRecovery : misdeed };
    const given: Outbox = Object.assign(outbox, made);
    const time = heldTime();
    queue = new Queue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch: recordingFetch(202) }, time), {
      outbox: given,
    });
    const added = queue.add(user("1"), event("a"));
    const flushed = queue.flush();
    await turns();
    const closed = queue.close({ timeoutMs: 100 });
    await time.advance(5_000);
    await closed;
    expect(await flushed).toBe(true);
    await expect(added).rejects.toMatchObject({ code: misdeed === never ? "CLOSED" : "OUTBOX" });
    expect(queue.stats()).toMatchObject({ waitingAdds: 0, events: { pending: 0 } });
  });
});

const hangingRecovery = (): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: never }),
});

describe("whoever is read or told calls back", () => {
  it("from within what it adds, and closes the queue", async () => {
    const started = startQueue();
    ({ queue } = started);
    const closing = {
      ...user("1"),
      toJSON() {
        void queue.close();
        return user("1");
      },
    } as UserContext;
    await expect(queue.add(closing, event("a"))).rejects.toMatchObject({ code: "CLOSED" });
    expect(await queue.close()).toMatchObject({ accepted: 0, undelivered: 0 });
    expect(queue.stats().events.pending).toBe(0);
  });

  it("from within onOutcome, and flushes or closes the queue", async () => {
    const ends: string[] = [];
    const started = startQueue({
      queue: {
        onOutcome: () => {
          void queue.flush().then(() => ends.push("flushed"));
          void queue.close().then(() => ends.push("closed"));
        },
      },
    });
    ({ queue } = started);
    await queue.add(user("1"), event("a"));
    await queue.flush();
    await sleep(5);
    expect(ends).toEqual(["flushed", "closed"]);
  });

  it("from within waitUntil, and adds", async () => {
    let calls = 0;
    const started = startQueue({
      queue: {
        waitUntil: () => {
          if (calls++ < 10) void queue.add(user("1"), event("more"));
        },
      },
    });
    ({ queue } = started);
    await queue.add(user("1"), event("a"));
    await queue.flush();
    expect(calls).toBe(1);
    expect(namesOf(started.fetch.accepted())).toEqual(["a", "more"]);
  });
});
