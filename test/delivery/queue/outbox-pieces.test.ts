import { describe, expect, it } from "vitest";
import { onePieceOf, piecesOf } from "../../../src/delivery/queue/outbox-pieces.ts";
import type { BatchParts } from "../../../src/delivery/queue/pending-batches.ts";
import type { QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";

/** What one write takes. */
const WRITE = 256 * 1024;

/** Parts with events of these lengths. */
function partsOf(...lengths: readonly (readonly number[])[]): BatchParts {
  return lengths.map((own, index) => ({
    batch: {
      requestId: String(index),
      context: { text: `{"user":${String(index)}}` },
      contextStored: false,
    } as QueuedBatch,
    items: own.map((length) => ({ text: "x".repeat(length), bytes: length })),
  }));
}

const idsOf = (entries: readonly { readonly requestId: string }[]): readonly string[] =>
  entries.map(({ requestId }) => requestId);

const piecesOfIds = (parts: BatchParts): readonly (readonly string[])[] => [...piecesOf(parts)].map(idsOf);

describe("what was put into batches", () => {
  it("is one piece as long as there is room for more before the last of it", () => {
    expect(onePieceOf(partsOf([1, 2], []))).toEqual([
      { requestId: "0", context: '{"user":0}', events: ["x", "xx"] },
      { requestId: "1", context: '{"user":1}', events: [] },
    ]);
    expect(idsOf(onePieceOf(partsOf([WRITE - 11, 10], [9])) ?? [])).toEqual(["0", "1"]);
    expect(onePieceOf(partsOf([WRITE - 10, 10], [9]))).toBeUndefined();
    expect(idsOf(onePieceOf(partsOf([2 * WRITE])) ?? [])).toEqual(["0"]);
    expect(onePieceOf([])).toEqual([]);
  });

  it("is several pieces otherwise, each as large as it must be to be enough", () => {
    expect(piecesOfIds(partsOf([WRITE - 1], [1], [WRITE], [5], [6]))).toEqual([["0", "1"], ["2"], ["3", "4"]]);
    expect(piecesOfIds(partsOf([WRITE], [WRITE - 1, 1]))).toEqual([["0"], ["1"]]);
    expect(piecesOfIds([])).toEqual([]);
  });

  it("has a user with it unless that is stored when the piece is written", () => {
    const parts = partsOf([WRITE], [1]);
    const pieces = piecesOf(parts);
    expect(pieces.next().value).toMatchObject([{ context: '{"user":0}' }]);
    Object.assign(parts[1]!.batch, { contextStored: true });
    expect(pieces.next().value).toEqual([{ requestId: "1", context: undefined, events: ["x"] }]);
    expect(pieces.next().done).toBe(true);
    expect(onePieceOf(parts.slice(1))).toEqual([{ requestId: "1", context: undefined, events: ["x"] }]);
  });
});
