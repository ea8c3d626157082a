import { describe, expect, it, vi } from "vitest";
import {
  MParticleError,
  type DeadLetter,
  type Outbox,
  type OutboxEntry,
  type OutboxOwner,
  type StoredBatch,
} from "mparticle-events";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import { OutboxLink, type OutboxLinkOptions } from "../../../src/delivery/queue/outbox-link.ts";
import { PendingBatches, type BatchParts } from "../../../src/delivery/queue/pending-batches.ts";
import type { QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";
import { Telemetry } from "../../../src/delivery/telemetry.ts";
import { Turns, YIELD_AFTER_BYTES } from "../../../src/delivery/turns.ts";
import { EndSignal } from "../../../src/transport/abort.ts";
import { heldTime } from "../held-time.ts";
import { countTurns, turns } from "./a-queue.ts";

const ACCEPTED = { kind: "accepted" } as Verdict;
const verdictOf = (kind: "rejected" | "undelivered", code: "BAD_REQUEST" | "OVERFLOW" | "CLOSED"): Verdict =>
  ({ kind, error: new MParticleError(code, "because") }) as Verdict;

/** A store that notes what it is asked for; each write ends as it is told to. */
class NotedStore implements Outbox {
  readonly calls: (readonly [string, ...unknown[]])[] = [];
  left: readonly unknown[] = [];
  owner: OutboxOwner | undefined;
  /** What becomes of the next write of this kind. */
  readonly fates: Partial<
    Record<"open" | "append" | "remove" | "setAside" | "close", (() => Promise<void>) | undefined>
  > = {};

  #note(method: keyof NotedStore["fates"], ...given: readonly unknown[]): Promise<void> {
    this.calls.push([method, ...given]);
    return this.fates[method]?.() ?? Promise.resolve();
  }

  open(owner?: OutboxOwner): Promise<void> {
    this.owner = owner;
    return this.#note("open", ...Object.keys(owner ?? {}));
  }

  async *recover(): AsyncGenerator<StoredBatch> {
    await Promise.resolve();
    for (const record of this.left) yield record as StoredBatch; // or whatever a damaged store gives
  }

  append(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#note("append", ...entries.map(({ requestId }) => requestId));
  }

  remove(requestIds: readonly string[]): Promise<void> {
    return this.#note("remove", ...requestIds);
  }

  setAside(letters: readonly DeadLetter[]): Promise<void> {
    return this.#note("setAside", ...letters.map(({ requestId, reason }) => [requestId, reason.code, reason.message]));
  }

  close(): Promise<void> {
    return this.#note("close");
  }

  /** The calls of these since it was asked last. */
  take(): readonly (readonly [string, ...unknown[]])[] {
    return this.calls.splice(0);
  }
}

const fails =
  (message = "full") =>
  (): Promise<void> =>
    Promise.reject(new Error(message));
const hangs = (): Promise<void> => new Promise(() => undefined);

function make(options: Partial<OutboxLinkOptions> = {}, outbox = new NotedStore()) {
  const time = heldTime();
  const signal = new EndSignal();
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const telemetry = new Telemetry({}, { debug: log, info: log, warn: log, error: log });
  const pending = new PendingBatches({
    maxEventsPerBatch: 100,
    maxBatchBytes: 1_000_000,
    growsWhenDue: false,
    now: () => 0,
    onReady: () => undefined,
  });
  const [onOpen, onFailure] = [vi.fn(), vi.fn<(error: MParticleError) => void>()];
  const link = new OutboxLink({
    outbox,
    apiKey: "k",
    pending,
    telemetry,
    effects: time,
    turns: new Turns(),
    restoreHeld: () => false,
    signal,
    isFull: () => false,
    onOpen,
    onFailure,
    ...options,
  });
  /** Puts an event of a user into a batch. */
  const put = (user: string, text = '"x"'): { readonly parts: BatchParts; readonly batch: QueuedBatch } => {
    const parts: BatchParts = [];
    pending.put({ text: "{}", bytes: 2, laneKey: user }, [{ text, bytes: text.length }], parts);
    const batch = parts[0]?.batch;
    if (batch === undefined) throw new Error("nothing was put");
    return { parts, batch };
  };
  return { link, outbox, time, signal, logged, pending, onOpen, onFailure, put };
}

/** One that is open already; what that took is not noted. */
async function opened(...given: Parameters<typeof make>) {
  const made = make(...given);
  await made.link.recovery;
  made.outbox.take();
  return made;
}

describe("an outbox", () => {
  it("is opened once, for the input of its queue, and tells what goes wrong in it", async () => {
    const { link, outbox, logged, onOpen, onFailure } = make();
    expect([link.isOpen, link.failure]).toEqual([false, undefined]);
    link.open();
    await link.recovery;
    expect(link.isOpen).toBe(true);
    link.open();
    await turns(1);
    expect(outbox.take()).toEqual([["open", "apiKey", "warn"]]);
    expect([onOpen.mock.calls.length, onFailure.mock.calls.length]).toEqual([1, 0]);
    expect(outbox.owner?.apiKey).toBe("k");
    outbox.owner?.warn("something was cut off");
    expect(logged).toEqual(["something was cut off"]);
  });

  it("that cannot be opened is told of, and opened when it is asked for again", async () => {
    const outbox = new NotedStore();
    outbox.fates.open = fails("in use");
    const { link, logged, onOpen, onFailure } = make({}, outbox);
    await link.recovery;
    expect([link.isOpen, link.failure]).toEqual([false, undefined]);
    expect(onFailure.mock.calls).toMatchObject([[{ code: "OUTBOX", message: "The outbox failed: in use" }]]);
    expect(logged).toEqual(["The outbox could not be opened or read; nothing was added."]);
    outbox.fates.open = undefined;
    link.open();
    await link.recovery;
    expect([link.isOpen, onOpen.mock.calls.length]).toEqual([true, 1]);
  });

  it("that cannot be read is broken: nothing is tried again", async () => {
    const outbox = new NotedStore();
    outbox.recover = () => {
      throw new MParticleError("OUTBOX", "damaged");
    };
    const { link, onFailure } = make({}, outbox);
    await link.recovery;
    expect(link.isOpen).toBe(false);
    expect(link.failure?.message).toBe("damaged");
    expect(onFailure).toHaveBeenCalledTimes(1);
    outbox.take();
    link.open();
    await turns(1);
    expect(outbox.take()).toEqual([]);
    const held = { requestId: "held:0:r", context: "{}", events: [] };
    await expect(link.keep(held)).rejects.toThrow("damaged");
    expect(outbox.take()).toEqual([]);
  });

  it("that hangs keeps nobody waiting once the queue gives up, and is silent about what comes then", async () => {
    const outbox = new NotedStore();
    let fail: (error: Error) => void = () => undefined;
    outbox.fates.open = () => new Promise((_, reject) => (fail = reject));
    const { link, signal, logged, onFailure } = make({}, outbox);
    let isOver = false;
    void link.recovery.then(() => (isOver = true));
    await turns(1);
    expect(isOver).toBe(false);
    signal.abort();
    await link.recovery;
    fail(new Error("too late"));
    await turns(1);
    expect([logged, onFailure.mock.calls]).toEqual([[], []]);
    // There is no store yet: what is held back is handed back instead.
    await link.keep({ requestId: "held:0:r", context: "{}", events: [] });
    expect(outbox.take()).toEqual([["open", "apiKey", "warn"]]);
  });
});

describe("what an earlier process left", () => {
  const left = (requestId: string, size = 2): StoredBatch => ({
    requestId,
    context: '{"environment":"development"}',
    events: [JSON.stringify({ text: "ü".repeat(size) }), "{}"],
  });
  const bytesOf = ({ events }: StoredBatch): number =>
    events.reduce((sum, event) => sum + Buffer.byteLength(event) + 1, 0);

  it("is pending again, as it was, unless it was held back", async () => {
    const outbox = new NotedStore();
    outbox.left = [left("a"), left("held:0:b"), left("c")];
    const { pending, onOpen } = await opened({ restoreHeld: ({ requestId }) => requestId === "held:0:b" }, outbox);
    const restored = pending.list();
    expect(restored.map(({ requestId }) => requestId)).toEqual(["a", "c"]);
    expect(restored[0]).toMatchObject({
      events: left("a").events,
      state: "due",
      contextStored: true,
      context: { text: '{"environment":"development"}', bytes: 29 },
    });
    expect(pending.bufferedBytes).toBe(restored.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it("waits for room, and is not taken in any more once the queue gives up", async () => {
    const asked: number[] = [];
    let isFull = true;
    const outbox = new NotedStore();
    outbox.left = [left("a"), left("b")];
    const isFullFor = (bytes: number): boolean => {
      asked.push(bytes);
      return isFull;
    };
    const { link, pending, signal, onOpen } = make({ isFull: isFullFor }, outbox);
    await turns(1);
    expect([pending.list().length, asked]).toEqual([0, [bytesOf(left("a"))]]);
    link.wake();
    await turns(1);
    expect([pending.list().length, asked.length]).toEqual([0, 2]);
    isFull = false;
    link.wake();
    await turns(1);
    expect(pending.list()).toHaveLength(2);
    expect(onOpen).toHaveBeenCalledTimes(1);

    isFull = true;
    const other = make({ isFull: isFullFor }, outbox);
    await turns(1);
    other.signal.abort();
    other.link.wake();
    await turns(1);
    expect(other.pending.list()).toEqual([]);
    expect(signal.aborted).toBe(false);
  });

  it("is read a turn's worth at a time, and what cannot be read counts as well", async () => {
    const large = left("large", YIELD_AFTER_BYTES / 4);
    const many = Array.from({ length: 8 }, (_, index) => ({ ...large, requestId: String(index) }));
    const unreadable = Array.from({ length: 512 }, () => "rubbish");
    for (const [records, atLeast, atMost] of [
      [many, 4, 6],
      [unreadable, 4, 6],
      [[left("a")], 0, 1],
    ] as const) {
      const outbox = new NotedStore();
      outbox.left = records;
      const stop = countTurns();
      await make({}, outbox).link.recovery;
      const counted = stop();
      expect(counted).toBeGreaterThanOrEqual(atLeast);
      expect(counted).toBeLessThanOrEqual(atMost);
    }
  });
});

describe("what is stored", () => {
  it("of nothing is done at once, in its turn", async () => {
    const { link, outbox } = await opened();
    await link.store([]);
    let go: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => (go = resolve));
    expect(link.store([], turn)).toBe(turn);
    go();
    expect(outbox.take()).toEqual([]);
  });

  it("is not sent while it is written, nor before all of a list is there of which the first is held", async () => {
    const { link, outbox, put } = await opened();
    const { parts, batch } = put("a");
    link.hold(parts);
    link.hold(parts);
    expect(batch.openWrites).toBe(1);
    const more = put("a");
    expect(more.batch).toBe(batch);
    const stored = link.store(parts);
    expect(batch.openWrites).toBe(1);
    await stored;
    expect([batch.openWrites, batch.contextStored]).toEqual([0, true]);
    const [other, another] = [link.store(more.parts), link.store(put("b").parts)];
    expect(batch.openWrites).toBe(1);
    await Promise.all([other, another]);
    expect(batch.openWrites).toBe(0);
    expect(outbox.take().map(([method]) => method)).toEqual(["append", "append", "append"]);
  });

  it("of a list that is long is stored before what was added after it, in pieces", async () => {
    const { link, outbox, put } = await opened();
    const long = ["a", "b", "c"].flatMap((user) => put(user, `"${"x".repeat(256 * 1024)}"`).parts);
    const after = put("d").parts;
    const ids = [...long, ...after].map(({ batch }) => batch.requestId);
    const order: string[] = [];
    await Promise.all([
      link.store(long).then(() => order.push("long")),
      link.store(after).then(() => order.push("after")),
    ]);
    expect(order).toEqual(["long", "after"]);
    expect(outbox.take()).toEqual(ids.map((id) => ["append", id]));
    await link.store(put("e").parts);
    expect(outbox.take()).toHaveLength(1);
  });

  it("and could not be is taken out again, and must not be left in the store", async () => {
    const { link, outbox, pending, put } = await opened();
    outbox.fates.append = fails();
    const { parts, batch } = put("a");
    await expect(link.store(parts)).rejects.toMatchObject({ code: "OUTBOX", message: "The outbox failed: full" });
    expect(pending.list()).toEqual([]);
    expect(outbox.take()).toEqual([
      ["append", batch.requestId],
      ["remove", batch.requestId],
    ]);
  });

  it("and could not be is left in the store where the rest of its batch is, or where its end is known", async () => {
    const { link, outbox, pending, put } = await opened();
    const { parts, batch } = put("a");
    await link.store(parts);
    outbox.fates.append = fails();
    await expect(link.store(put("a").parts)).rejects.toThrow("full");
    expect(pending.list()).toEqual([batch]);
    expect(outbox.take().map(([method]) => method)).toEqual(["append", "append"]);

    // It was given up while it was written.
    const closed = put("b");
    const stored = link.store(closed.parts);
    pending.settle(closed.batch, "undelivered");
    link.settled(closed.batch, verdictOf("undelivered", "CLOSED"));
    await expect(stored).rejects.toThrow("full");
    await turns(1);
    expect(outbox.take().map(([method]) => method)).toEqual(["append"]);
  });

  it("is not removed by one write that failed while another is under way", async () => {
    const { link, outbox, put } = await opened();
    const ends: ((error?: Error) => void)[] = [];
    outbox.fates.append = () =>
      new Promise((resolve, reject) =>
        ends.push((error) => {
          if (error === undefined) resolve();
          else reject(error);
        }),
      );
    const [first, second] = [put("a"), put("a")];
    const stored = [link.store(first.parts), link.store(second.parts)].map((one) => one.catch(() => "failed"));
    ends[0]?.(new Error("full"));
    await turns(1);
    expect(outbox.take().map(([method]) => method)).toEqual(["append", "append"]);
    ends[1]?.(new Error("full"));
    expect(await Promise.all(stored)).toEqual(["failed", "failed"]);
    expect(outbox.take()).toEqual([["remove", first.batch.requestId]]);
  });

  it("of which nobody knows whether it is there is forgotten with the next that leaves, unless it is too much", async () => {
    const { link, outbox, put } = await opened();
    outbox.fates.append = fails();
    outbox.fates.remove = fails();
    const failed: string[] = [];
    for (let n = 0; n < 1_001; n++) {
      const { parts, batch } = put(String(n));
      failed.push(batch.requestId);
      await link.store(parts).catch(() => undefined);
    }
    await turns(1);
    outbox.fates.remove = undefined;
    outbox.take();
    link.forget("next");
    await turns(1);
    const removed = outbox.take().flatMap(([, ...ids]) => ids);
    expect(removed).toEqual([...failed.slice(0, 1_000), "next"]);
  });
});

describe("what is held back", () => {
  const held: StoredBatch = { requestId: "held:0:r", context: "{}", events: [] };

  it("is stored, and forgotten when it need not be any more", async () => {
    const { link, outbox } = await opened();
    await link.keep(held);
    link.forget(held.requestId);
    await turns(1);
    expect(outbox.take()).toEqual([
      ["append", held.requestId],
      ["remove", held.requestId],
    ]);
  });

  it("is stored as well while the queue gives up, where there is a store", async () => {
    const { link, outbox, signal } = await opened();
    signal.abort();
    await link.keep(held);
    expect(outbox.take()).toEqual([["append", held.requestId]]);
  });

  it("and cannot be stored is refused, and must not be left in the store", async () => {
    const { link, outbox } = await opened();
    outbox.fates.append = fails();
    await expect(link.keep(held)).rejects.toMatchObject({
      code: "OUTBOX",
      message: "The outbox failed: full",
      cause: new Error("full"),
    });
    expect(outbox.take()).toEqual([
      ["append", held.requestId],
      ["remove", held.requestId],
    ]);
  });
});

describe("a batch that is settled", () => {
  it.each<[string, Verdict, readonly (readonly unknown[])[]]>([
    ["accepted, and leaves", ACCEPTED, [["remove"]]],
    ["dropped for want of room, and leaves", verdictOf("undelivered", "OVERFLOW"), [["remove"]]],
    ["refused, and is set aside", verdictOf("rejected", "BAD_REQUEST"), [["setAside"]]],
    ["given up, and stays", verdictOf("undelivered", "CLOSED"), []],
  ])("was %s", async (_, verdict, expected) => {
    for (const when of ["stored", "being written"] as const) {
      const { link, outbox, pending, put } = await opened();
      const { parts, batch } = put("a");
      const stored = link.store(parts);
      if (when === "stored") await stored;
      pending.settle(batch, verdict.kind);
      link.settled(batch, verdict);
      // A removal that overtook the write would find nothing.
      if (when === "being written") expect(outbox.take()).toHaveLength(1);
      await stored;
      await turns(1);
      const calls = outbox.take().filter(([method]) => method !== "append");
      const details = verdict.kind === "rejected" ? [[batch.requestId, "BAD_REQUEST", "because"]] : [batch.requestId];
      expect(calls).toEqual(expected.map(([method]) => [method, ...details]));
    }
  });

  it("while two writes of it are under way leaves when the last of them has ended", async () => {
    const { link, outbox, pending, put } = await opened();
    const ends: (() => void)[] = [];
    outbox.fates.append = () => new Promise((resolve) => ends.push(resolve));
    const first = put("a");
    const other = put("b");
    const stored = [link.store([...first.parts, ...other.parts]), link.store(put("a").parts)];
    pending.settle(first.batch, "accepted");
    link.settled(first.batch, ACCEPTED);
    ends[0]?.();
    await turns(1);
    expect(outbox.take().map(([method]) => method)).toEqual(["append", "append"]);
    ends[1]?.();
    await Promise.all(stored);
    await turns(1);
    expect(outbox.take()).toEqual([["remove", first.batch.requestId]]);
  });

  it("and refused is not looked for in the store where it is in none", async () => {
    const { link, outbox, put } = await opened();
    link.settled(put("a").batch, verdictOf("rejected", "BAD_REQUEST"));
    await turns(1);
    expect(outbox.take()).toEqual([]);
  });

  it("leaves with all that are settled in one go, a thousand in a write", async () => {
    const { link, outbox } = await opened();
    for (const [count, sizes] of [
      [2_001, [1_000, 1_000, 1]],
      [1_000, [1_000]],
    ] as const) {
      const ids = Array.from({ length: count }, (_, n) => String(n));
      for (const id of ids) link.forget(id);
      expect(outbox.take()).toEqual([]);
      await turns(1);
      const removals = outbox.take();
      expect(removals.map(([, ...removed]) => removed.length)).toEqual(sizes);
      expect(removals.flatMap(([, ...removed]) => removed)).toEqual(ids);
    }
    link.forget("later");
    await turns(1);
    expect(outbox.take()).toEqual([["remove", "later"]]);
  });

  it("and cannot leave is told of, and leaves with the next", async () => {
    const { link, outbox, logged } = await opened();
    const ids = Array.from({ length: 2_500 }, (_, n) => String(n));
    let count = 0;
    outbox.fates.remove = () => (++count === 2 ? fails()() : Promise.resolve());
    for (const id of ids) link.forget(id);
    await turns(1);
    expect(logged).toEqual(["The outbox could not be updated."]);
    expect(outbox.take()).toHaveLength(2);
    link.forget("next");
    await turns(1);
    // What had left before it is not asked for again.
    expect(outbox.take().flatMap(([, ...removed]) => removed)).toEqual([...ids.slice(1_000), "next"]);
  });
});

describe("an outbox that is closed", () => {
  it("ends what is being written first, and what is still to leave", async () => {
    const { link, outbox, time, put } = await opened();
    let end: () => void = () => undefined;
    outbox.fates.append = () => new Promise((resolve) => (end = resolve));
    const { parts, batch } = put("a");
    const stored = link.store(parts);
    const closed = link.close(1_000);
    await turns(2);
    expect(outbox.take()).toHaveLength(1);
    end();
    await stored;
    await closed;
    expect(outbox.take()).toEqual([["close"]]);
    expect(time.timers).toBe(0);
    expect(batch.openWrites).toBe(0);
  });

  it("tries once more to forget what could not leave, and is closed whatever comes of it", async () => {
    for (const isGone of [true, false]) {
      const { link, outbox, logged } = await opened();
      outbox.fates.remove = fails();
      link.forget("a");
      await turns(1);
      outbox.take();
      if (isGone) outbox.fates.remove = undefined;
      await link.close(1_000);
      expect(outbox.take()).toEqual([["remove", "a"], ["close"]]);
      expect(logged).toEqual([
        "The outbox could not be updated.",
        ...(isGone ? [] : ["The outbox could not be closed."]),
      ]);
    }
  });

  it("and hangs is given up in time: who waits for a write is told", async () => {
    const { link, outbox, time, logged, put } = await opened();
    outbox.fates.append = hangs;
    const stored = link.store(put("a").parts).catch((error: unknown) => error);
    const closed = link.close(250);
    await time.advance(249);
    let isOver = false;
    void closed.then(() => (isOver = true));
    await turns(1);
    expect(isOver).toBe(false);
    await time.advance(1);
    await closed;
    expect(await stored).toMatchObject({ code: "CLOSED" });
    expect(logged).toEqual(["The outbox did not close within 250 ms."]);
  });
});
