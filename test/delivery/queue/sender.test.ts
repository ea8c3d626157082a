import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it, vi } from "vitest";
import type { Dispatcher, DispatchOptions } from "../../../src/delivery/dispatcher.ts";
import type { OutgoingBatch } from "../../../src/delivery/outgoing-batch.ts";
import { PendingBatches } from "../../../src/delivery/queue/pending-batches.ts";
import { FRAME_BYTES, type EventText, type QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";
import { Sender } from "../../../src/delivery/queue/sender.ts";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import { EndSignal } from "../../../src/transport/abort.ts";
import { turns } from "./a-queue.ts";

const CONTEXT_BYTES = 100;
/** Of a request without any batch, and of a batch in it without any event, with its comma. */
const [BRACKETS, EMPTY_BATCH] = [2, CONTEXT_BYTES + FRAME_BYTES + 1];
/** A request stays below it. */
const REQUEST_BYTES = 256_000;

interface Sent {
  readonly batches: readonly OutgoingBatch[];
  readonly options: DispatchOptions;
  /** What is in the store that a test asks, in whose context it was sent. */
  readonly context: unknown;
  end(): Promise<void>;
}

function make({ concurrency = 4, persistent = false, maxEventsPerBatch = 1 } = {}) {
  const storage = new AsyncLocalStorage<string>();
  const sent: Sent[] = [];
  const settled: (readonly [string, Verdict["kind"]])[] = [];
  const signal = new EndSignal();
  const pending = new PendingBatches({
    maxEventsPerBatch,
    maxBatchBytes: 10_000_000,
    growsWhenDue: true,
    now: () => 0,
    onReady: () => {
      sender.schedule();
    },
  });
  const dispatch = (batches: readonly OutgoingBatch[], options: DispatchOptions): Promise<void> =>
    new Promise((resolve) => {
      const end = async (): Promise<void> => {
        for (const batch of batches) batch.settle({ kind: "accepted" } as Verdict);
        resolve();
        await turns(2);
      };
      sent.push({ batches, options, context: storage.getStore(), end });
    });
  const sender: Sender = new Sender(pending, {
    dispatcher: { dispatch } as unknown as Dispatcher, // as far as it is used
    now: () => 7,
    concurrency,
    persistent,
    signal,
    settle: (batch, { kind }) => {
      settled.push([batch.requestId, kind]);
      pending.settle(batch, kind);
    },
  });
  /** A batch of its own, of a user, as large as it is said. */
  const add = (user: string, bytes = 10): QueuedBatch => {
    const item: EventText = { text: "x".repeat(5), bytes };
    pending.put({ text: '{"u":1}', bytes: CONTEXT_BYTES, laneKey: user }, [item]);
    const batch = pending.list().at(-1);
    if (batch === undefined) throw new Error("nothing is pending");
    return batch;
  };
  const sizes = (): readonly number[] => sent.map(({ batches }) => batches.length);
  return { pending, sender, sent, settled, signal, storage, add, sizes };
}

describe("what is due", () => {
  it("is sent soon, together, as it was taken in, and settled one by one", async () => {
    const { pending, sent, settled, signal, add } = make({ maxEventsPerBatch: 100 });
    const batches = [add("a"), add("b")];
    pending.makeDue();
    expect(sent).toEqual([]);
    await turns(1);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.options).toEqual({ path: "/bulkevents", signal, background: true, persistent: false });
    expect(sent[0]?.batches).toMatchObject(
      batches.map(({ requestId, lane }) => ({ requestId, lane, origins: undefined, handedOverAtMs: 7 })),
    );
    for (const { texts } of sent[0]?.batches ?? []) expect(texts.join("")).toMatch(/^\{"u":1,.*xxxxx\]\}$/);
    expect(batches.map(({ state }) => state)).toEqual(["in flight", "in flight"]);
    await sent[0]?.end();
    expect(settled).toEqual(batches.map(({ requestId }) => [requestId, "accepted"]));
    expect(sent).toHaveLength(1);
  });

  it("is said to be stored where it is", async () => {
    const { sent, add } = make({ persistent: true });
    add("a");
    await turns(1);
    expect(sent[0]?.options.persistent).toBe(true);
  });

  it("is sent in the context of nobody who added, and knows the contexts of those who did", async () => {
    const { pending, storage, sent } = make();
    const origin = <Result>(task: () => Result): Result => task();
    storage.run("a request of the application", () => {
      pending.put({ text: "{}", bytes: 2, laneKey: "a" }, [{ text: "{}", bytes: 2 }], undefined, origin);
    });
    await turns(1);
    expect(sent).toMatchObject([{ context: undefined, batches: [{ origins: [origin] }] }]);
  });

  it("is not sent while it is being stored", async () => {
    const { pending, sent, sizes, add } = make({ maxEventsPerBatch: 2 });
    const batch = add("a");
    pending.beginWrite(batch);
    pending.makeDue();
    add("b");
    pending.makeDue();
    await turns(2);
    expect(sizes()).toEqual([1]);
    expect(sent[0]?.batches[0]?.lane).not.toBe(batch.lane);
    pending.endWrite(batch);
    await turns(1);
    expect(sizes()).toEqual([1, 1]);
  });

  it("of a user goes together up to what is being stored", async () => {
    const { pending, sent, add } = make();
    const [, second] = [add("a"), add("a"), add("a")];
    pending.beginWrite(second);
    await turns(1);
    expect(sent.map(({ batches }) => batches.length)).toEqual([1]);
    pending.endWrite(second);
    await sent[0]?.end();
    expect(sent.map(({ batches }) => batches.length)).toEqual([1, 2]);
  });

  it("is forgotten where it is gone by the time it would be sent", async () => {
    const { pending, sent, add } = make();
    const batch = add("a");
    pending.settle(batch, "undelivered");
    await turns(2);
    expect(sent).toEqual([]);
    add("b");
    await turns(1);
    expect(sent).toHaveLength(1);
  });
});

describe("a request", () => {
  it("has a hundred batches at most, the next ones follow in the next turn", async () => {
    const { sizes, add } = make();
    for (let n = 0; n < 201; n++) add(String(n));
    await turns(1);
    expect(sizes()).toEqual([100]);
    await turns(1);
    expect(sizes()).toEqual([100, 100]);
    await turns(1);
    expect(sizes()).toEqual([100, 100, 1]);
  });

  it("stays below its limit of bytes, and is filled up to it", async () => {
    // Two batches with a byte less than there may be, and two with as many as there must not be.
    const room = REQUEST_BYTES - BRACKETS - 2 * EMPTY_BATCH - 2;
    for (const [bytes, expected] of [
      [room - 1, [2]],
      [room, [1, 1]],
    ] as const) {
      const { sizes, add } = make();
      add("a", 1_000);
      add("b", bytes - 1_000);
      await turns(3);
      expect(sizes()).toEqual(expected);
    }
  });

  it("has a batch that is beyond that limit for itself", async () => {
    const { sizes, add } = make();
    add("a", REQUEST_BYTES);
    add("b");
    await turns(3);
    expect(sizes()).toEqual([1, 1]);
  });

  it("that is full leaves a user's other batches to wait until those in flight are settled", async () => {
    const { sent, sizes, add } = make();
    for (let n = 0; n < 150; n++) add("a");
    add("b");
    await turns(3);
    expect(sizes()).toEqual([100, 1]);
    await sent[0]?.end();
    expect(sizes()).toEqual([100, 1, 50]);
  });
});

describe("the requests of a queue", () => {
  it("are as many at once as there may be; the end of one sends the next", async () => {
    const { sent, sizes, add } = make({ concurrency: 2 });
    for (const user of ["a", "b", "c"]) {
      add(user);
      await turns(1);
    }
    add("d");
    await turns(3);
    expect(sizes()).toEqual([1, 1]);
    await sent[0]?.end();
    expect(sizes()).toEqual([1, 1, 2]);
    await sent[1]?.end();
    await sent[2]?.end();
    expect(sizes()).toEqual([1, 1, 2]);
  });

  it("are put together once for all that becomes ready in one turn", async () => {
    const { pending, sender, sizes, add } = make();
    const take = vi.spyOn(pending, "readyLanes", "get");
    sender.schedule();
    await turns(1);
    expect(take).toHaveBeenCalledTimes(1);
    for (const user of ["a", "b", "c"]) add(user);
    for (let n = 0; n < 5; n++) sender.schedule();
    await turns(3);
    expect(sizes()).toEqual([3]);
    // To see that there is something, to take it, and to see that there is nothing more.
    expect(take).toHaveBeenCalledTimes(4);
  });
});
