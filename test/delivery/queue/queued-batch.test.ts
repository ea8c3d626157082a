import { describe, expect, it } from "vitest";
import { textOfBatch } from "../../../src/delivery/outbox.ts";
import {
  FRAME_BYTES,
  textsOf,
  toBatch,
  toBatches,
  toStored,
  type QueuedBatch,
} from "../../../src/delivery/queue/queued-batch.ts";
import { countTurns } from "./a-queue.ts";

/** A batch as `PendingBatches` makes it. */
function batchOf(events: readonly string[], requestId = "r", context = '{"environment":"development","ip":"ü"}') {
  const contextBytes = Buffer.byteLength(context);
  const eventBytes = events.reduce((sum, event) => sum + Buffer.byteLength(event) + 1, 0);
  const bytes = contextBytes + FRAME_BYTES + eventBytes;
  return { requestId, context: { text: context, bytes: contextBytes, laneKey: "l" }, events, bytes } as QueuedBatch;
}

describe("the texts of a batch", () => {
  it.each<[string, readonly string[]]>([
    ["no event", []],
    ["one event", ['{"a":"€"}']],
    ["several events", ['{"a":"€"}', "{}", '{"b":1}']],
  ])("are its JSON as it is stored, and so are their bytes, with %s", (_, events) => {
    for (const requestId of ["r", 'an "id" of ours, ü']) {
      const batch = batchOf(events, requestId);
      const { texts, bytes } = textsOf(batch);
      expect(texts.join("")).toBe(textOfBatch(toStored(batch)));
      expect(bytes).toBe(Buffer.byteLength(texts.join("")));
    }
  });

  it("begin with what all batches of a user have in common", () => {
    expect(textsOf(batchOf(["{}"])).texts[0]).toBe('{"environment":"development","ip":"ü"');
  });
});

describe("a batch that was kept as text", () => {
  it("is read with every digit of its numbers", () => {
    const stored = {
      requestId: "r",
      context: '{"environment":"production","mpid":7346244611012968789}',
      events: ["{}"],
    };
    expect(toBatch(stored)).toEqual({
      environment: "production",
      mpid: "7346244611012968789",
      source_request_id: "r",
      events: [{}],
    });
  });

  it("is read with others in their order, as many in a turn of the event loop as it has time for", async () => {
    const text = "x".repeat(20_000);
    const byEvents = Array.from({ length: 20 }, (_, index) =>
      toStored(batchOf([JSON.stringify({ text }), "{}"], String(index))),
    );
    const byUser = Array.from({ length: 20 }, (_, index) =>
      toStored(batchOf([], String(index), JSON.stringify({ environment: "development", user_attributes: { text } }))),
    );
    const small = Array.from({ length: 20 }, (_, index) => toStored(batchOf(["{}"], String(index))));
    for (const [all, least, most] of [
      [byEvents, 2, 4],
      [byUser, 2, 4],
      [small, 0, 1],
    ] as const) {
      const stop = countTurns();
      const read = await toBatches(all);
      const turns = stop();
      expect(read.map(({ source_request_id }) => source_request_id)).toEqual(all.map(({ requestId }) => requestId));
      expect(turns).toBeGreaterThanOrEqual(least);
      expect(turns).toBeLessThanOrEqual(most);
    }
  });
});
