import { describe, expect, it } from "vitest";
import type { OutgoingBatch } from "../../src/delivery/outgoing-batch.ts";
import { UnorderedLine } from "../../src/delivery/outgoing-line.ts";

function batchOf(id: number, bytes = 1_000): OutgoingBatch {
  return { texts: [], bytes, requestId: String(id), handedOverAtMs: 0, settle: () => undefined };
}

/** A line that batches of 1,000 bytes have entered. */
function lineOf(count: number): UnorderedLine {
  const line = new UnorderedLine();
  for (let id = 0; id < count; id++) line.add(batchOf(id));
  return line;
}

const idsOf = (batches: readonly OutgoingBatch[] | undefined): number[] | undefined =>
  batches?.map(({ requestId }) => Number(requestId));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe("a line of batches in the order in which they came", () => {
  it("gives full requests, and what is left only where it is asked for that", () => {
    const line = lineOf(250);
    expect(idsOf(line.take(false))).toEqual(range(0, 100));
    expect(idsOf(line.take(true))).toEqual(range(100, 200));
    expect(line.take(false)).toBeUndefined();
    expect(idsOf(line.take(true))).toEqual(range(200, 250));
    expect(line.take(true)).toBeUndefined();
  });

  it("knows how many wait, in full requests and beside them, and is full with the first full request", () => {
    const line = new UnorderedLine();
    expect([line.size, line.isFull]).toEqual([0, false]);
    for (let id = 0; id < 99; id++) line.add(batchOf(id));
    expect([line.size > 0, line.isFull]).toEqual([true, false]);
    line.add(batchOf(99));
    expect([line.size > 0, line.isFull]).toEqual([true, true]);
    line.take(false);
    expect([line.size, line.isFull]).toEqual([0, false]);
  });

  it("gives all that waits in one piece when the delivery has ended", () => {
    const line = lineOf(250);
    expect(idsOf(line.takeAll())).toEqual(range(0, 250));
    expect([line.size, line.isFull]).toEqual([0, false]);
    expect(line.takeAll()).toEqual([]);
  });
});
