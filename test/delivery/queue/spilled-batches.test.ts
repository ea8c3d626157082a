import { describe, expect, it, vi } from "vitest";
import type { StoredBatch } from "mparticle-events";
import { EndSignal } from "../../../src/transport/abort.ts";
import type { QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";
import { SpilledBatches, type SpilledOptions, type SpilledPart } from "../../../src/delivery/queue/spilled-batches.ts";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import { Turns, YIELD_AFTER_BYTES } from "../../../src/delivery/turns.ts";
import { countTurns, turns } from "./a-queue.ts";

const verdictOf = (kind: Verdict["kind"]): Verdict => ({ kind }) as Verdict;

function storedOf(requestId: string, events: readonly string[] = ["{}"]): StoredBatch {
  return { requestId, context: '{"environment":"development"}', events };
}

const partsOf = (...ids: readonly string[]): readonly SpilledPart[] =>
  ids.map((id) => ({ kind: "batch", batch: storedOf(id) }));

function make(options: Partial<SpilledOptions> = {}) {
  const signal = new EndSignal();
  const taken: { readonly id: string; readonly batch: QueuedBatch }[] = [];
  const onRead = vi.fn();
  const spilled = new SpilledBatches({
    turns: new Turns(),
    signal,
    isFull: () => false,
    restoreHeld: () => false,
    restore: ({ requestId }) => {
      const batch = { requestId } as QueuedBatch; // as far as it is looked at
      taken.push({ id: requestId, batch });
      return batch;
    },
    onRead,
    ...options,
  });
  const settle = (id: string, kind: Verdict["kind"]): void => {
    for (const { batch } of taken.filter((one) => one.id === id)) spilled.settled(batch, verdictOf(kind));
  };
  return { spilled, signal, onRead, settle, ids: () => taken.map(({ id }) => id) };
}

describe("what an earlier process has spilled", () => {
  it("is taken in, and ends when all of it is settled: what was not delivered is handed back", async () => {
    const { spilled, onRead, settle, ids } = make();
    expect(spilled.isReading).toBe(false);
    let isOver = false;
    const end = spilled.restore(partsOf("a", "b", "c")).finally(() => (isOver = true));
    await spilled.whenRead;
    expect([spilled.isReading, ids(), onRead.mock.calls.length]).toEqual([false, ["a", "b", "c"], 1]);
    settle("b", "rejected");
    settle("a", "undelivered");
    spilled.settled({ requestId: "other" } as QueuedBatch, verdictOf("undelivered"));
    await turns(1);
    expect(isOver).toBe(false);
    settle("c", "accepted");
    settle("c", "undelivered"); // once is enough
    expect(await end).toEqual({ isWhole: true, undelivered: [storedOf("a")] });
  });

  it("is held again where it was held, and does not keep its end waiting", async () => {
    const { spilled, ids } = make({ restoreHeld: ({ requestId }) => requestId === "held" });
    const end = spilled.restore(partsOf("held"));
    expect(await end).toEqual({ isWhole: true, undelivered: [] });
    expect(ids()).toEqual([]);
  });

  it("waits for room, as often as there is none", async () => {
    const asked: number[] = [];
    let isFull = true;
    const { spilled, ids } = make({
      isFull: (bytes) => {
        asked.push(bytes);
        return isFull;
      },
    });
    void spilled.restore([{ kind: "batch", batch: storedOf("a", ['{"a":"ü"}', "{}"]) }]);
    spilled.wake();
    await turns(1);
    expect([ids(), spilled.isReading]).toEqual([[], true]);
    isFull = false;
    spilled.wake();
    await spilled.whenRead;
    expect(ids()).toEqual(["a"]);
    // In UTF-8, each with a comma.
    expect(asked).toEqual([14, 14, 14]);
  });

  it("is being read until all who read have ended, and is waited for so", async () => {
    let isFull = true;
    const { spilled, settle, onRead } = make({ isFull: () => isFull });
    void spilled.restore(partsOf("a"));
    const second = spilled.restore([]);
    expect(await second).toEqual({ isWhole: true, undelivered: [] });
    expect([spilled.isReading, onRead.mock.calls.length]).toEqual([true, 1]);
    let isRead = false;
    void spilled.whenRead.then(() => (isRead = true));
    await turns(1);
    expect(isRead).toBe(false);
    isFull = false;
    spilled.wake();
    await turns(1);
    expect([isRead, spilled.isReading]).toEqual([true, false]);
    settle("a", "accepted");
  });

  it("stays where it is when the queue gives up, before a batch and after one", async () => {
    for (const progress of [[], [{ kind: "progress", bytes: 1 } as const]]) {
      const { spilled, signal, ids } = make({ isFull: () => true });
      const end = spilled.restore([...progress, ...partsOf("a")]);
      signal.abort();
      spilled.wake();
      expect(await end).toEqual({ isWhole: false, undelivered: [] });
      expect(ids()).toEqual([]);
    }
    const { spilled, signal, settle, ids } = make();
    const parts = function* (): Generator<SpilledPart> {
      yield* partsOf("a");
      throw new Error("it is read no further");
    };
    signal.abort();
    expect(await spilled.restore(parts())).toEqual({ isWhole: false, undelivered: [] });
    expect(ids()).toEqual([]);

    const other = make();
    const end = other.spilled.restore(
      (function* (): Generator<SpilledPart> {
        yield* partsOf("a");
        other.signal.abort();
        yield { kind: "progress", bytes: 1 };
        throw new Error("it is read no further");
      })(),
    );
    other.settle("a", "undelivered");
    expect(await end).toEqual({ isWhole: false, undelivered: [storedOf("a")] });
    settle("a", "accepted");
  });

  it("of which something cannot be read is waited for no longer", async () => {
    const { spilled, onRead } = make();
    const end = spilled.restore(
      (function* (): Generator<SpilledPart> {
        yield* partsOf("a");
        throw new Error("EIO");
      })(),
    );
    await expect(end).rejects.toThrow("EIO");
    await spilled.whenRead;
    expect([spilled.isReading, onRead.mock.calls.length]).toEqual([false, 1]);
  });

  it("is looked at a turn of the event loop at a time, with a request's worth in each", async () => {
    const { spilled } = make();
    const pieces = (count: number): readonly SpilledPart[] =>
      Array.from({ length: count }, () => ({ kind: "progress", bytes: YIELD_AFTER_BYTES }));
    const stop = countTurns();
    await spilled.restore(pieces(1));
    expect(stop()).toBe(0);
    const stopAgain = countTurns();
    await spilled.restore(pieces(9));
    expect(stopAgain()).toBe(5);
  });
});
