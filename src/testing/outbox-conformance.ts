import assert from "node:assert/strict";
import { show } from "../rules/show.ts";
import type { Outbox, OutboxEntry, StoredBatch } from "../delivery/outbox.ts";

/** A place where outboxes keep things: a file, a table, a key of a cache. */
export interface OutboxStorage {
  /** Makes another outbox on this very place; it is opened by whoever asked for it. */
  connect(): Outbox;
  /**
   * Ends the outboxes that are open as the death of their process would: without `close`, and nothing they hold in memory
   * gets there any more. What `connect` makes next finds what is there at this moment, and nobody who owns it. For a
   * database that may be a lost connection, for files a copy of them.
   *
   * Without it nobody checks whether the outbox survives a crash: one that writes only in `close` passes.
   */
  crash?(): Promise<void> | void;
  /** Removes the place with all that is in it. */
  dispose?(): Promise<void> | void;
}

/** One thing an outbox has to do. */
export interface ConformanceCase {
  /** A sentence that ends "an outbox …". */
  readonly title: string;
  /** Rejects with an `AssertionError` when it does not. */
  readonly run: () => Promise<void>;
}

/**
 * What a store has to do to be the outbox of an `EventQueue`, as cases for any test runner.
 *
 * @param makeStorage - makes an empty place for each case.
 * @throws TypeError - for what is no function.
 * @returns the cases; they are independent of each other.
 * @example
 * for (const { title, run } of outboxConformance(() => redisStorage(randomUUID()))) test(title, run);
 */
export function outboxConformance(
  makeStorage: () => OutboxStorage | Promise<OutboxStorage>,
): readonly ConformanceCase[] {
  const given: unknown = makeStorage;
  if (typeof given !== "function") throw new TypeError(`\`makeStorage\` is ${show(given)}; expected a function.`);
  return Object.entries(CASES).map(([title, check]) => ({
    title,
    run: async () => {
      const storage = await makeStorage();
      const opened: Outbox[] = [];
      const open = async (): Promise<Outbox> => {
        const outbox = storage.connect();
        await outbox.open();
        opened.push(outbox);
        return outbox;
      };
      const crash =
        storage.crash &&
        (async (): Promise<void> => {
          await storage.crash?.();
          opened.length = 0;
        });
      try {
        await check({ storage, open, crash });
      } finally {
        for (const outbox of opened) await outbox.close();
        await storage.dispose?.();
      }
    },
  }));
}

interface Tools {
  readonly storage: OutboxStorage;
  /** An outbox that is open; it is closed at the end of the case. */
  readonly open: () => Promise<Outbox>;
  /** Where the storage can: nobody closes those any more that were open. */
  readonly crash: (() => Promise<void>) | undefined;
}

const CONTEXT =
  '{"environment":"development","mpid":9223372036854775807,"user_attributes":{"name":"Zoë \\n \\u0000 😀"}}';
const EVENT = '{"event_type":"custom_event","data":{"event_name":"tab\\t, line\\n, quote\\" and 終"}}';

function entry(requestId: string, ...events: readonly string[]): OutboxEntry {
  return { requestId, context: CONTEXT, events };
}

function event(name: string | number): string {
  return `{"event_type":"custom_event","data":{"event_name":${JSON.stringify(String(name))}}}`;
}

async function pendingIn(outbox: Outbox): Promise<readonly StoredBatch[]> {
  const batches: StoredBatch[] = [];
  for await (const { requestId, context, events } of outbox.recover()) batches.push({ requestId, context, events });
  return batches;
}

/** What the next owner finds. */
async function reopened(outbox: Outbox, { open }: Tools): Promise<readonly StoredBatch[]> {
  await outbox.close();
  return pendingIn(await open());
}

async function idsAfter(outbox: Outbox, tools: Tools): Promise<readonly string[]> {
  return (await reopened(outbox, tools)).map(({ requestId }) => requestId);
}

const CASES: Readonly<Record<string, (tools: Tools) => Promise<void>>> = {
  "has nothing pending at first": async ({ open }) => {
    assert.deepEqual(await pendingIn(await open()), []);
  },

  "gives back what was appended, to the byte": async (tools) => {
    const outbox = await tools.open();
    await outbox.append([entry("r-1", EVENT, event(2))]);
    const expected = [{ requestId: "r-1", context: CONTEXT, events: [EVENT, event(2)] }];
    assert.deepEqual(await reopened(outbox, tools), expected);
  },

  "gives back batches in the order in which they came first": async (tools) => {
    const outbox = await tools.open();
    await outbox.append([entry("z", event(1)), entry("a", event(2))]);
    await outbox.append([entry("m", event(3))]);
    await outbox.append([{ requestId: "z", events: [event(4)] }]);
    assert.deepEqual(await idsAfter(outbox, tools), ["z", "a", "m"]);
  },

  "joins what is appended to a batch later, in order": async (tools) => {
    const outbox = await tools.open();
    await outbox.append([entry("r-1", event(1), event(2))]);
    await outbox.append([{ requestId: "r-1", events: [event(3)] }, entry("r-2", event(9))]);
    await outbox.append([{ requestId: "r-1", events: [event(4)] }]);
    const [first] = await reopened(outbox, tools);
    assert.deepEqual(first?.events, [1, 2, 3, 4].map(event));
  },

  "keeps the order of writes that nobody waited for, each with the context": async (tools) => {
    const outbox = await tools.open();
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    await Promise.all(numbers.map((number) => outbox.append([entry("r-1", event(number))])));
    assert.deepEqual(await reopened(outbox, tools), [
      { requestId: "r-1", context: CONTEXT, events: numbers.map(event) },
    ]);
  },

  "tells what is pending again when asked again": async ({ open }) => {
    const outbox = await open();
    await outbox.append([entry("r-1", event(1))]);
    assert.deepEqual(await pendingIn(outbox), await pendingIn(outbox));
  },

  "forgets what was removed, and only that": async (tools) => {
    const outbox = await tools.open();
    await outbox.append(["a", "b", "c"].map((id) => entry(id, event(id))));
    await outbox.remove(["a", "c", "never-there"]);
    await outbox.remove([]);
    assert.deepEqual(await idsAfter(outbox, tools), ["b"]);
  },

  "takes what was set aside out of what is pending": async (tools) => {
    const outbox = await tools.open();
    await outbox.append([entry("good", event(1)), entry("bad", event(2))]);
    const reason = { code: "BAD_REQUEST", message: "refused", atMs: 1_700_000_000_000 };
    await outbox.setAside([
      { requestId: "bad", reason },
      { requestId: "never-there", reason },
    ]);
    assert.deepEqual(await idsAfter(outbox, tools), ["good"]);
  },

  "stores all of a write or nothing of it": async (tools) => {
    const outbox = await tools.open();
    const contextUnknown: OutboxEntry = { requestId: "r-2", events: [event(2)] };
    await assert.rejects(outbox.append([entry("r-1", event(1)), contextUnknown]));
    assert.deepEqual(await reopened(outbox, tools), []);
  },

  "is not put off by a neighbour's write that fails": async (tools) => {
    const outbox = await tools.open();
    const [, failed] = await Promise.allSettled([
      outbox.append([entry("r-1", event(1))]),
      outbox.append([{ requestId: "r-2", events: [event(2)] }]),
      outbox.append([entry("r-3", event(3))]),
    ]);
    assert.equal(failed.status, "rejected");
    assert.deepEqual(await idsAfter(outbox, tools), ["r-1", "r-3"]);
  },

  "has one owner at a time": async ({ storage, open }) => {
    const outbox = await open();
    await assert.rejects(storage.connect().open());
    await outbox.append([entry("r-1", event(1))]);
    await outbox.close();
    assert.equal((await pendingIn(await open())).length, 1);
  },

  "refuses to write when it is not open": async ({ storage, open }) => {
    await assert.rejects(async () => storage.connect().append([entry("r-1", event(1))]));
    const outbox = await open();
    await outbox.close();
    await assert.rejects(async () => outbox.append([entry("r-1", event(1))]));
  },

  "can be closed twice, and when it was never open": async ({ storage, open }) => {
    const outbox = await open();
    await outbox.close();
    await outbox.close();
    await storage.connect().close();
  },

  "has what was appended when its process dies, if the storage can crash": async ({ open, crash }) => {
    if (crash === undefined) return;
    const outbox = await open();
    await outbox.append([entry("r-1", event(1)), entry("r-2", event(2))]);
    await outbox.append([{ requestId: "r-1", events: [event(3)] }]);
    await crash();
    const afterFirst = await open();
    assert.deepEqual(await pendingIn(afterFirst), [
      { requestId: "r-1", context: CONTEXT, events: [event(1), event(3)] },
      { requestId: "r-2", context: CONTEXT, events: [event(2)] },
    ]);
    // What was recovered is still there for the one after that.
    await afterFirst.append([entry("r-3", event(4))]);
    await crash();
    const ids = (await pendingIn(await open())).map(({ requestId }) => requestId);
    assert.deepEqual(ids, ["r-1", "r-2", "r-3"]);
  },

  "finishes what is being written when it is closed": async (tools) => {
    const outbox = await tools.open();
    const written = outbox.append([entry("r-1", event(1))]);
    const batches = await reopened(outbox, tools);
    await written;
    assert.equal(batches.length, 1);
  },

  "takes large batches, and many": async (tools) => {
    const outbox = await tools.open();
    const large = `{"event_type":"custom_event","data":{"event_name":"${"x".repeat(1_000_000)}"}}`;
    const many = Array.from({ length: 5_000 }, (_, index) => entry(`r-${String(index)}`, event(index)));
    await outbox.append([entry("large", large)]);
    await outbox.append(many);
    await outbox.remove(many.slice(0, 2_500).map(({ requestId }) => requestId));
    const batches = await reopened(outbox, tools);
    assert.equal(batches.length, 2_501);
    assert.deepEqual(batches[0]?.events, [large]);
    assert.deepEqual(
      batches.slice(1).map(({ requestId }) => requestId),
      many.slice(2_500).map(({ requestId }) => requestId),
    );
  },
};
