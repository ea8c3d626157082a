import { describe, expect, it } from "vitest";
import type { Batch, Event } from "../../generated/schema.ts";
import { textOfBatch } from "../../src/delivery/outbox.ts";
import { serializeBatch, serializeEvent } from "../../src/transport/json.ts";

describe("textOfBatch", () => {
  it.each([0, 1, 2, 3])("makes of a context and %i events the text of the whole batch", (count) => {
    const events: Event[] = [
      { event_type: "session_start", data: { source_message_id: "ü" } },
      { event_type: "session_start", data: {} },
      { event_type: "profile", data: { profile_event_type: "login", previous_mpid: "7346244611012968789" } },
    ];
    const context: Omit<Batch, "events"> = { environment: "production", mpid: 9007199254740993n };
    const stored = {
      requestId: 'a "quoted" id',
      context: serializeBatch(context),
      events: events.slice(0, count).map(serializeEvent),
    };
    expect(textOfBatch(stored)).toBe(
      serializeBatch({ ...context, source_request_id: stored.requestId, events: events.slice(0, count) }),
    );
  });
});
