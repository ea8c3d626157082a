import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  customEvent,
  type EventQueueOptions,
  type Outbox,
  type StoredBatch,
} from "mparticle-events";
import { explain, problemOf } from "../../src/node/sqlite.ts";
import { sqliteOutbox, type SqliteOutbox, type SqliteOutboxOptions } from "../../src/node/sqlite-outbox.ts";
import {
  outboxConformance,
  poison,
  recordingFetch,
  startFakeServer,
  type OutboxStorage,
} from "../../src/testing/testing.ts";
import { countTurns } from "../delivery/queue/a-queue.ts";
import { FULL, full } from "../full.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";

let folder: string;
let path: string;
const opened: SqliteOutbox[] = [];

beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-outbox-");
  path = join(folder, "events.db");
});

afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: SqliteOutboxOptions = {}): Promise<SqliteOutbox> {
  const outbox = sqliteOutbox(path, options);
  await outbox.open();
  opened.push(outbox);
  return outbox;
}

const CONTEXT = '{"environment":"development","mpid":9223372036854775807}';
const EVENT = '{"event_type":"first_run","data":{}}';
const REASON = { code: "BAD_REQUEST", message: "no such thing", atMs: 1_700_000_000_000 };

async function setAside(outbox: Outbox, ...requestIds: readonly string[]): Promise<void> {
  await outbox.append(requestIds.map((requestId) => ({ requestId, context: CONTEXT, events: [EVENT, EVENT] })));
  await outbox.setAside(requestIds.map((requestId) => ({ requestId, reason: REASON })));
}

async function pendingIds(outbox: Outbox): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { requestId } of outbox.recover()) ids.push(requestId);
  return ids;
}

/** A file in a folder of its own; when its owner crashes, the next one finds a copy of what was on disk. */
function fileStorage(options: SqliteOutboxOptions): OutboxStorage {
  let file = path;
  const connected: SqliteOutbox[] = [];
  return {
    connect() {
      const outbox = sqliteOutbox(file, { takeoverTimeoutMs: 1, ...options });
      connected.push(outbox);
      return outbox;
    },
    crash() {
      const copy = `${file}-copy`;
      for (const part of ["", "-wal"]) copyFileSync(file + part, copy + part);
      file = copy;
    },
    async dispose() {
      for (const outbox of connected) await outbox.close();
    },
  };
}

describe("an outbox in a file", () => {
  const cases = outboxConformance(() => fileStorage({}));
  it.each(cases.map((one) => [one.title, one] as const))("%s", (_, { run }) => run());

  /** Those that tell what is on the disk, and when. */
  const onDisk = /^(gives back what was appended|has what was appended|stores all of a write)/;
  const waiting = full(
    cases.filter(({ title }) => onDisk.test(title)),
    cases,
  );
  it.each(waiting.map(({ title }) => title))("%s, when it waits for the disk", (title) => {
    const synced = outboxConformance(() => fileStorage({ durability: "power" }));
    return synced.find((one) => one.title === title)!.run();
  });

  it("is one file that only its owner can read once it is closed", async () => {
    const outbox = await open();
    await outbox.append([{ requestId: "r-1", context: CONTEXT, events: [EVENT] }]);
    expect(existsSync(`${path}-wal`)).toBe(true);
    await outbox.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  /** Batches that began in one commit and went on in others, more of them than are held in memory at a time. */
  async function fillWithMuch(outbox: Outbox, count: number, eventBytes: number): Promise<readonly StoredBatch[]> {
    const batches = Array.from({ length: count }, (_, n): StoredBatch => ({
      requestId: `r-${String(99 - n)}`,
      context: CONTEXT,
      events: ["a", "b"].map((part) => JSON.stringify({ text: `${String(n)}${part}${"x".repeat(eventBytes)}` })),
    }));
    const fours = Array.from({ length: batches.length / 4 }, (_, n) => batches.slice(n * 4, n * 4 + 4));
    for (const four of fours) {
      await outbox.append(four.map(({ events, ...rest }) => ({ ...rest, events: events.slice(0, 1) })));
    }
    for (const four of fours) {
      await outbox.append(four.map(({ requestId, events }) => ({ requestId, events: events.slice(1) })));
    }
    return batches;
  }

  /** Of a backlog that is read in many pieces, and in which most rows hold more than one batch. */
  const MUCH = [full(24, 48), full(100_000, 200_000)] as const;

  it("tells all of a large backlog, in order, each batch once", async () => {
    const first = await open();
    const batches = await fillWithMuch(first, ...MUCH);
    await first.close();
    const found: StoredBatch[] = [];
    for await (const batch of (await open()).recover()) found.push(batch);
    expect(found).toEqual(batches);
  });

  it("tells the rest of a large backlog while it is delivered, and what is delivered no more", async () => {
    const outbox = await open();
    const batches = await fillWithMuch(outbox, ...MUCH);
    const ids = batches.map(({ requestId }) => requestId);
    // Every tenth is gone before it is asked for.
    const early = ids.filter((_, n) => n % 10 === 9);
    const told: StoredBatch[] = [];
    for await (const batch of outbox.recover()) {
      told.push(batch);
      await outbox.remove(told.length === 5 ? early : [batch.requestId]);
      await outbox.append([{ requestId: `new-${batch.requestId}`, context: CONTEXT, events: [EVENT] }]);
    }
    expect(told).toEqual(batches.filter(({ requestId }) => !early.includes(requestId)));
  });

  it("gives the space of what was delivered back to the disk", async () => {
    const outbox = await open();
    const batches = await fillWithMuch(outbox, full(36, 48), 200_000);
    expect(statSync(path).size).toBeGreaterThan(full(12_000_000, 15_000_000));
    for (const { requestId } of batches) await outbox.remove([requestId]);
    await outbox.close();
    expect(statSync(path).size).toBeLessThan(10_000_000);
  });
});

describe("a queue with an outbox", () => {
  const USER = { environment: "development", user_identities: { customer_id: "1" } } as const;

  function makeQueue(outbox: Outbox, fetch: typeof globalThis.fetch, options: EventQueueOptions = {}): EventQueue {
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch });
    return new EventQueue(client, { outbox, ...options });
  }

  it("leaves there what it could not deliver", async () => {
    const queue = makeQueue(sqliteOutbox(path), recordingFetch("hang"));
    await queue.add(USER, customEvent("sent in vain", "other"));
    const { unsent } = await queue.close({ timeoutMs: 20 });
    expect(unsent).toHaveLength(1);
    expect(await pendingIds(await open())).toEqual(unsent.map((batch) => batch.source_request_id));
  });

  it("removes from there what it had to drop", async () => {
    const outbox = sqliteOutbox(path);
    opened.push(outbox);
    const dropped: unknown[] = [];
    const queue = makeQueue(outbox, recordingFetch("hang"), {
      overflow: "drop-oldest",
      maxBufferedBytes: 3_000,
      onOutcome: ({ batch }) => {
        dropped.push(batch.source_request_id);
      },
    });
    for (const customer_id of ["1", "2", "3"]) {
      await queue.add({ ...USER, user_identities: { customer_id } }, customEvent("x".repeat(1_500), "other"));
    }
    expect(dropped).toHaveLength(2);
    const { unsent } = await queue.close({ timeoutMs: 20 });
    expect(await pendingIds(await open())).toEqual(unsent.map((batch) => batch.source_request_id));
    expect(unsent).toHaveLength(1);
  });

  it("sends nothing before it is stored", async () => {
    const outbox = sqliteOutbox(path);
    const fetch = recordingFetch(202);
    let store: () => void = () => {};
    const slow: Outbox = {
      open: () => outbox.open(),
      close: () => outbox.close(),
      recover: () => outbox.recover(),
      remove: (ids) => outbox.remove(ids),
      setAside: (letters) => outbox.setAside(letters),
      append: async (entries) => {
        await new Promise<void>((resolve) => (store = resolve));
        await outbox.append(entries);
      },
    };
    await using queue = makeQueue(slow, fetch, { flushIntervalMs: 1 });
    const added = queue.add(USER, customEvent("e", "other"));
    const flushed = queue.flush();
    await sleep(50);
    expect(fetch.requests).toHaveLength(0);
    store();
    await Promise.all([added, flushed]);
    expect(fetch.accepted()).toHaveLength(1);
  });
});

describe("whatever is done to an outbox", () => {
  /** Ids few enough to meet again. */
  const id = fc.integer({ min: 0, max: 5 }).map((n) => `r-${String(n)}`);
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), ids: fc.array(id, { minLength: 1, maxLength: 4 }) }),
    fc.record({ kind: fc.constant("refused append" as const), ids: fc.array(id, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant("remove" as const), ids: fc.array(id, { maxLength: 3 }) }),
    fc.record({ kind: fc.constant("set aside" as const), ids: fc.array(id, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant("restore" as const), ids: fc.array(id, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant("reopen" as const), ids: fc.constant([]) }),
  );

  it("is what the next owner finds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        let outbox = await open();
        const pending = new Map<string, string[]>();
        const rejected = new Map<string, string[]>();
        const move = (from: typeof pending, to: typeof pending | undefined, ids: readonly string[]): void => {
          for (const requestId of new Set(ids)) {
            const events = from.get(requestId);
            if (events !== undefined) to?.set(requestId, events);
            from.delete(requestId);
          }
        };
        let count = 0;
        for (const { kind, ids } of [...steps, { kind: "reopen", ids: [] }] as typeof steps) {
          switch (kind) {
            case "append": {
              const entries = ids.map((requestId) => ({
                requestId,
                context: CONTEXT,
                events: [`{"n":${String(count++)}}`],
              }));
              await outbox.append(entries);
              for (const { requestId, events } of entries) {
                pending.set(requestId, [...(pending.get(requestId) ?? []), ...events]);
              }
              break;
            }
            case "refused append": {
              const entries = ids.map((requestId) => ({ requestId, context: CONTEXT, events: ["{}"] }));
              await expect(outbox.append([...entries, { requestId: "new", events: [] }])).rejects.toThrow("context");
              break;
            }
            case "remove":
              await outbox.remove(ids);
              move(pending, undefined, ids);
              break;
            case "set aside":
              await outbox.setAside(ids.map((requestId) => ({ requestId, reason: REASON })));
              move(pending, rejected, ids);
              break;
            case "restore": {
              const free = ids.filter((requestId) => !pending.has(requestId));
              await outbox.restore(free);
              move(
                rejected,
                pending,
                [...rejected.keys()].filter((requestId) => free.includes(requestId)),
              );
              break;
            }
            case "reopen": {
              await outbox.close();
              outbox = await open();
              const found = new Map<string, readonly string[]>();
              for await (const { requestId, context, events } of outbox.recover()) {
                expect(context).toBe(CONTEXT);
                found.set(requestId, events);
              }
              expect(found).toEqual(pending);
            }
          }
        }
        const letters = await outbox.deadLetters();
        expect(new Set(letters.map(({ batch }) => batch.source_request_id))).toEqual(new Set(rejected.keys()));
        await outbox.close();
        rmSync(path);
      }),
      { numRuns: full(10, 100) },
    );
  });
});

describe("the conformance cases", () => {
  const refused = async (outbox: () => Outbox, title: string): Promise<void> => {
    const found = outboxConformance(() => ({ connect: outbox })).find((one) => one.title === title);
    await expect(found!.run()).rejects.toThrow();
  };

  it("notice a store that forgets, one that lets two in, and one that writes half", async () => {
    const forgetful = (): Outbox => ({
      open: () => Promise.resolve(),
      close: () => Promise.resolve(),
      append: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      setAside: () => Promise.resolve(),
      // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
      recover: async function* () {
        yield* [];
      },
    });
    await refused(forgetful, "gives back what was appended, to the byte");
    await refused(forgetful, "has one owner at a time");
    await refused(forgetful, "stores all of a write or nothing of it");
  });

  it("notice a store that writes when it is closed, if they are told how it crashes", async () => {
    /** All that an outbox has to do, but for the end of the process. */
    const makeLazyStorage = (canCrash: boolean): OutboxStorage => {
      let stored = new Map<string, { context: string; events: string[] }>();
      let owner: Outbox | undefined;
      const connect = (): Outbox => {
        let held: typeof stored | undefined;
        const opened = (): typeof stored => held ?? assert.fail("not open");
        const outbox: Outbox = {
          // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
          async open() {
            assert.equal(owner, undefined);
            owner = outbox;
            held = structuredClone(stored);
          },
          // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
          async close() {
            if (held === undefined) return;
            stored = held;
            held = owner = undefined;
          },
          // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
          async append(entries) {
            const batches = structuredClone(opened());
            for (const { requestId, context, events } of entries) {
              const batch = batches.get(requestId) ?? { context: context ?? assert.fail("no context"), events: [] };
              batches.set(requestId, { ...batch, events: [...batch.events, ...events] });
            }
            held = batches;
          },
          // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
          async remove(ids) {
            for (const id of ids) opened().delete(id);
          },
          setAside: (letters) => outbox.remove(letters.map(({ requestId }) => requestId)),
          // eslint-disable-next-line @typescript-eslint/require-await -- the shape of the interface
          recover: async function* () {
            for (const [requestId, batch] of opened()) yield { requestId, ...batch };
          },
        };
        return outbox;
      };
      return { connect, ...(canCrash && { crash: () => void (owner = undefined) }) };
    };
    // Many batches show nothing more of it, and copying them takes long.
    const casesOf = (canCrash: boolean) =>
      outboxConformance(() => makeLazyStorage(canCrash)).filter(
        ({ title }) => FULL || title !== "takes large batches, and many",
      );
    for (const { run } of casesOf(false)) await run();
    const failed: string[] = [];
    for (const { title, run } of casesOf(true)) {
      await run().catch(() => failed.push(title));
    }
    expect(failed).toEqual(["has what was appended when its process dies, if the storage can crash"]);
  });
});

describe("dead letters", () => {
  it("are listed with their reasons, ids exact", async () => {
    const outbox = await open();
    await setAside(outbox, "r-1", "r-2");
    const letters = await outbox.deadLetters();
    expect(letters.map(({ batch }) => batch.source_request_id)).toEqual(["r-1", "r-2"]);
    expect(letters[0]).toEqual({
      reason: REASON,
      batch: {
        source_request_id: "r-1",
        environment: "development",
        mpid: "9223372036854775807",
        events: [JSON.parse(EVENT), JSON.parse(EVENT)],
      },
    });
    expect(await pendingIds(outbox)).toEqual([]);
  });

  it("are pending again when they are restored, one or all", async () => {
    const outbox = await open();
    await setAside(outbox, "r-1", "r-2", "r-3");
    expect(await outbox.restore(["r-2", "never-there"])).toBe(1);
    expect(await pendingIds(outbox)).toEqual(["r-2"]);
    expect(await outbox.restore()).toBe(2);
    expect(await outbox.deadLetters()).toEqual([]);
    expect(await pendingIds(outbox)).toEqual(["r-2", "r-1", "r-3"]);
  });

  it("are set aside, listed, restored and discarded over many turns of the event loop, when they are large", async () => {
    const outbox = await open();
    const ids = Array.from({ length: 40 }, (_, n) => `r-${String(n)}`);
    const events = [JSON.stringify({ text: "x".repeat(100_000) })];
    for (const requestId of ids) await outbox.append([{ requestId, context: CONTEXT, events }]);
    const turnsOf = async (work: () => Promise<unknown>): Promise<number> => {
      const stop = countTurns();
      await work();
      return stop();
    };
    const setAsideAll = (): Promise<unknown> =>
      Promise.all(ids.map((requestId) => outbox.setAside([{ requestId, reason: REASON }])));
    expect(await turnsOf(setAsideAll)).toBeGreaterThanOrEqual(2);
    expect(
      await turnsOf(async () => {
        expect(await outbox.deadLetters()).toHaveLength(40);
      }),
    ).toBeGreaterThanOrEqual(20);
    // 4 MB, half a megabyte at a time.
    expect(
      await turnsOf(async () => {
        expect(await outbox.restore()).toBe(40);
      }),
    ).toBeGreaterThanOrEqual(7);
    expect(await pendingIds(outbox)).toHaveLength(40);
    await setAsideAll();
    expect(await turnsOf(() => outbox.discard())).toBeGreaterThanOrEqual(2);
    expect(await outbox.deadLetters()).toEqual([]);
  });

  it("are gone when they are discarded, one or all", async () => {
    const outbox = await open();
    await setAside(outbox, "r-1", "r-2", "r-3");
    expect(await outbox.discard(["r-2"])).toBe(1);
    expect((await outbox.deadLetters()).map(({ batch }) => batch.source_request_id)).toEqual(["r-1", "r-3"]);
    expect(await outbox.discard()).toBe(2);
    expect(await outbox.deadLetters()).toEqual([]);
  });

  it("are restored and discarded as they were listed, those that cannot be read as well", async () => {
    const outbox = await open();
    await setAside(outbox, "r-1", "r-2", "r-3");
    await outbox.append([{ requestId: "r-4", context: "no JSON", events: [EVENT] }]);
    await outbox.setAside([{ requestId: "r-4", reason: REASON }]);
    const letters = await outbox.deadLetters();
    expect(await outbox.restore(letters.slice(1))).toBe(2); // what cannot be read stays
    expect(await outbox.discard([letters[0]!, "r-4", "r-4"])).toBe(2);
    expect(await outbox.deadLetters()).toEqual([]);
    expect(await pendingIds(outbox)).toEqual(["r-2", "r-3"]);
  });

  describe("stay as they are, and so does the process, when", () => {
    it.each<[unknown, string]>([
      [undefined, "was given undefined; expected an array of `source_request_id`s, or of what deadLetters() lists."],
      [null, "was given null; expected an array"],
      ["r-1", 'was given "r-1"; expected an array'],
      [5, "was given 5; expected an array"],
      [{ batch: { source_request_id: "r-1" } }, "was given an object; expected an array"],
      [[true], "was given an array with true at index 0; expected a `source_request_id`, or what deadLetters() lists."],
      [["r-1", undefined], "was given an array with undefined at index 1; expected"],
      [[null], "was given an array with null at index 0; expected"],
      [[5], "was given an array with 5 at index 0; expected"],
      [[["r-1"]], "was given an array with an array of 1 at index 0; expected"],
      [[{ batch: {} }], "was given an array with an object at index 0; expected"],
      [[{ source_request_id: true }], "was given an array with an object at index 0; expected"],
    ])("%j is to be restored or discarded", async (letters, message) => {
      const outbox = await open();
      await setAside(outbox, "r-1");
      await expect(outbox.restore(letters as string[])).rejects.toThrow(`restore() ${message}`);
      // @ts-expect-error -- a list that was not made is not all of them
      await expect(outbox.discard(undefined)).rejects.toThrow("discard() was given undefined");
      await expect(outbox.discard(letters as string[])).rejects.toThrow(`discard() ${message}`);
      expect(await outbox.deadLetters()).toHaveLength(1);
      expect(await pendingIds(outbox)).toEqual([]);
    });

    it("there is more than one list of those to discard", async () => {
      const outbox = await open();
      await setAside(outbox, "r-1");
      // @ts-expect-error -- the second list would go unheard
      await expect(outbox.discard(["r-0"], ["r-1"])).rejects.toThrow(
        "discard() was given 2 arguments; expected an array",
      );
      expect(await outbox.deadLetters()).toHaveLength(1);
    });

    it("an id that is none comes from who writes to an outbox without a queue", async () => {
      const outbox = await open();
      await setAside(outbox, "r-1");
      for (const id of [true, { a: 1 }, ["r-1"], 5n] as unknown as string[]) {
        const letters = [{ requestId: "r-1", reason: { ...REASON, message: id } }];
        await outbox.append([{ requestId: "r-1", context: CONTEXT, events: [EVENT] }]);
        await expect(outbox.setAside(letters)).rejects.toThrow(
          "is no value for SQLite; expected text, a finite number or null.",
        );
        await outbox.remove(["r-1"]);
      }
      expect(await outbox.deadLetters()).toHaveLength(1);
    });
  });

  it("are told of by the queue that opens the outbox, once, with how to look at them", async () => {
    const outbox = await open();
    await setAside(outbox, "r-1", "r-2");
    await outbox.close();
    const log = vi.fn();
    const logger = { debug: log, info: log, warn: log, error: log };
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch: recordingFetch(), logger });
    const start = async (): Promise<void> => {
      const next = sqliteOutbox(path);
      opened.push(next);
      await using queue = new EventQueue(client, { outbox: next });
      await queue.add({ environment: "development" }, customEvent("e", "other"));
      await next.discard([(await next.deadLetters())[0]!]);
    };
    const told = (): readonly unknown[] =>
      log.mock.calls.map(([text]) => text as unknown).filter((text) => String(text).includes("set aside"));
    await start();
    expect(told()).toEqual([
      `The outbox ${path} has 2 batches set aside that the service refused, or that could not be read. ` +
        "`await outbox.deadLetters()` lists them with the reason; `restore` has them sent again, `discard` forgets them.",
    ]);
    await start();
    expect(told()).toHaveLength(2);
    expect(told()[1]).toContain("has 1 batch set aside");
    const empty = sqliteOutbox(path);
    opened.push(empty);
    await empty.open({ apiKey: "k", warn: log });
    expect(told()).toHaveLength(2);
  });

  it("of an outbox that nobody has opened are told of with what to do, and while it is being opened waited for", async () => {
    const outbox = sqliteOutbox(path);
    opened.push(outbox);
    const advice = /is not open\. The queue that has it .* without a queue call `await outbox\.open\(\)` first/;
    await expect(outbox.deadLetters()).rejects.toThrow(advice);
    await expect(outbox.restore()).rejects.toThrow(advice);
    await expect(outbox.discard([])).rejects.toThrow(advice);
    const owner = await open();
    const opening = outbox.open(); // waits for the owner to end
    const asked = Promise.all([outbox.deadLetters(), outbox.restore(), outbox.discard(["r-1"])]);
    await owner.close();
    expect(await asked).toEqual([[], 0, 0]);
    await opening;
  });

  it("are not kept when nobody wants them", async () => {
    const outbox = await open({ keepRejected: false });
    await setAside(outbox, "r-1");
    expect(await outbox.deadLetters()).toEqual([]);
    expect(await pendingIds(outbox)).toEqual([]);
  });

  it("are what the service refused of a queue, and the queue sends them again after the next start", async () => {
    await using server = await startFakeServer({
      script: poison((batch) => batch.user_identities?.customer_id === "bad"),
    });
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: server.url });
    const outbox = sqliteOutbox(path);
    opened.push(outbox);
    const queue = new EventQueue(client, { outbox });
    for (const customer_id of ["good", "bad"]) {
      await queue.add({ environment: "development", user_identities: { customer_id } }, customEvent("e", "other"));
    }
    await queue.flush();
    const [letter, ...others] = await outbox.deadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      batch: { user_identities: { customer_id: "bad" } },
      reason: { code: "BAD_REQUEST" },
    });
    await outbox.restore();
    await queue.close();

    server.script(202);
    await using next = new EventQueue(client, { outbox: sqliteOutbox(path) });
    await next.flush();
    expect([...server.acceptedIds().keys()]).toContain(letter!.batch.source_request_id);
    expect(server.counts()).toMatchObject({ acceptedEventsOnce: 2, acceptedEvents: 2 });
  });
});

describe("what cannot be an outbox", () => {
  it.each([
    ["", /`path` is ""/],
    ["./data/", /`path` is ".\/data\/"; expected the path of a file./],
    [":memory:", /`path` is ":memory:"/],
    [42 as unknown as string, /`path` is 42/],
  ])("is a path such as %j", (bad, message) => {
    expect(() => sqliteOutbox(bad)).toThrow(message);
  });

  it("is one with options that there are not", () => {
    expect(() => sqliteOutbox(path, { durability: "disk" as "power" })).toThrow(/`durability` is "disk"/);
    expect(() => sqliteOutbox(path, { maxBytes: 0 })).toThrow(/`maxBytes` is 0/);
    expect(() => sqliteOutbox(5n as never)).toThrow("`path` is 5n; expected the path of a file.");
    expect(() => sqliteOutbox(path, { maxBytes: 10 })).toThrow(/`maxBytes` is 10; expected at least \d+/);
    expect(() => sqliteOutbox(path, { keepRejected: "no" as unknown as boolean })).toThrow(/`keepRejected` is "no"/);
    expect(() => sqliteOutbox(path, { takeoverTimeoutMs: -1 })).toThrow(/`takeoverTimeoutMs` is -1/);
  });

  it("is a file in a folder that is not there", async () => {
    path = join(folder, "missing", "events.db");
    await expect(open()).rejects.toMatchObject({
      code: "OUTBOX",
      message: expect.stringMatching(/missing does not exist/) as string,
    });
  });

  it("is a folder, or in what is no folder, or no regular file", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const device = [["/dev/null", "/dev/null is no regular file; choose another path"]] as const;
    for (const [bad, says] of [
      [folder, `${folder} is a folder; expected the path of a file, such as ${join(folder, "mparticle.db")}.`],
      [join(file, "events.db"), `${file} is no folder`],
      ...(process.platform === "win32" ? [] : device),
    ] as const) {
      path = bad;
      await expect(open()).rejects.toMatchObject({ code: "OUTBOX", message: expect.stringContaining(says) as string });
    }
  });

  it("is one that SQLite cannot open, whatever the library calls that", () => {
    const ofLibsql = new Error('ConnectionFailed("Unable to open connection to local database /a/b: 14")');
    expect(problemOf(ofLibsql)).toBe("cannot-open");
    expect(explain(ofLibsql, "/a/b").message).toMatch(
      /\/a\/b cannot be written to: it, its folder or its disk is read-only/,
    );
    expect(problemOf(new Error("ConnectionFailed"))).toBeUndefined();
  });

  it("is a file of something else, which stays as it was", async () => {
    const text = "these are not the bytes you are looking for\n".repeat(200);
    writeFileSync(path, text);
    await expect(open()).rejects.toThrow(/damaged, or no SQLite database .* it was not changed/);
    expect(readFileSync(path, "utf8")).toBe(text);
  });
});
