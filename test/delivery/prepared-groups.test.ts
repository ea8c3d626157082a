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
    expect(calls).toBeLessThan(5);
    expect(texts).toEqual(batches.map((batch) => JSON.stringify(batch)));
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
