import { describe, expect, it, vi } from "vitest";
import { createBatch, customEvent, type Batch } from "../../src/index.ts";
import { PreparedGroups } from "../../src/delivery/prepared-groups.ts";
import { Turns } from "../../src/delivery/turns.ts";

const PREPARATION = { path: "/bulkevents", maxBatchBytes: 128_000 } as const;

function batchOf(name: string): Batch {
  return createBatch({ environment: "development" }, [customEvent(name, "other")]);
}

describe("the batches of a list", () => {
  it("are written several at a time, each as it is by itself", () => {
    const batches = Array.from({ length: 30 }, (_, index) => batchOf(`event ${String(index)}`));
    const groups = new PreparedGroups(batches, PREPARATION, new Turns());
    const stringify = vi.spyOn(JSON, "stringify");
    const texts = batches.map((batch, index) => groups.prepare(index, batch).text);
    const calls = stringify.mock.calls.length;
    stringify.mockRestore();
    // Ten of which nothing is known, and then all that a request has room for.
    expect(calls).toBe(2);
    expect(texts).toEqual(batches.map((batch) => JSON.stringify(batch)));
  });

  it.each([
    [60_000, 1 + 5],
    [200_000, 1 + 10],
  ])("are as many at a time as about fill a request, and two at least: of %i characters each", (characters, calls) => {
    const batches = Array.from({ length: 30 }, () => batchOf("x".repeat(characters)));
    const groups = new PreparedGroups(batches, { ...PREPARATION, maxBatchBytes: 255_000 }, new Turns());
    const stringify = vi.spyOn(JSON, "stringify");
    for (const [index, batch] of batches.entries()) groups.prepare(index, batch);
    expect(stringify).toHaveBeenCalledTimes(calls);
    stringify.mockRestore();
  });

  it("count as work of the turn in which they are written", () => {
    const turns = new Turns();
    const batches = Array.from({ length: 3 }, () => batchOf("x".repeat(50_000)));
    const groups = new PreparedGroups(batches, PREPARATION, turns);
    expect(turns.isSpent).toBe(false);
    groups.prepare(0, batches[0]!);
    expect(turns.isSpent).toBe(true);
  });

  it("are what is in the list when their turn comes", () => {
    const batches = [batchOf("a"), batchOf("b"), batchOf("c")];
    const groups = new PreparedGroups(batches, PREPARATION, new Turns());
    groups.prepare(0, batches[0]!);
    const other = batchOf("other");
    batches[1] = other;
    expect(groups.prepare(1, other).batch).toBe(other);
    expect(groups.prepare(2, batches[2]!).text).toBe(JSON.stringify(batches[2]));
  });

  it("are prepared once more where they are asked for again", () => {
    const batches = [batchOf("a"), batchOf("b")];
    const groups = new PreparedGroups(batches, PREPARATION, new Turns());
    const texts = [0, 1, 0].map((index) => groups.prepare(index, batches[index]!).text);
    expect(texts[2]).toBe(texts[0]);
  });
});
