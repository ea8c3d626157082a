import { expect, it } from "vitest";
import { bodyOf, oldestOf, originsOf, type OutgoingBatch } from "../../src/delivery/outgoing-batch.ts";

const batchOf = (text: string, more: Partial<OutgoingBatch> = {}): OutgoingBatch => ({
  texts: [text.slice(0, 1), text.slice(1)],
  bytes: Buffer.byteLength(text),
  requestId: "r",
  handedOverAtMs: 0,
  settle: () => undefined,
  ...more,
});

it.each([
  ["/events", ['{"a":"ü"}'], '{"a":"ü"}'],
  ["/bulkevents", ['{"a":"ü"}'], '[{"a":"ü"}]'],
  ["/bulkevents", ['{"a":"ü"}', "{}", "{}"], '[{"a":"ü"},{},{}]'],
  ["/bulkevents/historical", ["{}", "{}"], "[{},{}]"],
] as const)("the body of a request to %s is its one batch, or a list, with its bytes: %j", (path, batches, text) => {
  const { texts, bytes } = bodyOf(
    path,
    batches.map((batch) => batchOf(batch)),
  );
  expect(texts.join("")).toBe(text);
  expect(bytes).toBe(Buffer.byteLength(text));
});

it("a request is as old as its oldest batch, and has the contexts of all who handed something over", () => {
  const contexts = ["a", "b", "c"].map((name) => (): never => name as never);
  const batches = [
    batchOf("{}", { handedOverAtMs: 7, origins: contexts.slice(0, 2) }),
    batchOf("{}", { handedOverAtMs: 3 }),
    batchOf("{}", { handedOverAtMs: 9, origins: contexts.slice(2) }),
  ];
  expect(oldestOf(batches)).toBe(3);
  expect(originsOf(batches)).toEqual(contexts);
});
