import { describe, expect, it } from "vitest";
import type { Batch, CustomEventData, Event } from "../../generated/schema.ts";
import { createBatch } from "../../src/model/batch.ts";
import { customEvent } from "../../src/model/events.ts";
import { stampBatch } from "../../src/model/stamp.ts";
import type { UserContext } from "../../src/model/types.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("createBatch", () => {
  it("gives each batch an id of its own, and keeps one that the caller has", () => {
    const user: UserContext = { environment: "development", user_identities: { customer_id: "42" } };
    const [one, two] = [createBatch(user), createBatch(user)];
    expect(one.source_request_id).toMatch(UUID);
    expect(one.source_request_id).not.toBe(two.source_request_id);
    expect(createBatch({ ...user, source_request_id: "mine" }).source_request_id).toBe("mine");
  });

  it("refuses a batch without its environment, which the service would take for production", () => {
    expect(() => createBatch({} as UserContext)).toThrow(
      '`environment` is missing; expected "development" or "production".',
    );
    expect(() => createBatch({ environment: "prod" } as unknown as UserContext)).toThrow('`environment` is "prod"');
  });

  it("leaves the user and the events as they are", () => {
    const user: UserContext = Object.freeze({ environment: "production" });
    const events = Object.freeze([customEvent("a", "other")]);
    expect(createBatch(user, events).events).toEqual(events);
  });
});

describe("stampBatch", () => {
  const stamps = { newId: () => "id", now: () => 7 };

  it("returns a complete batch itself, so that a retry repeats it to the letter", () => {
    const batch = createBatch({ environment: "development" }, [customEvent("a", "other")]);
    expect(stampBatch(batch, true)).toBe(batch);
  });

  it("fills in what a hand-written batch lacks, on a copy", () => {
    const data: CustomEventData = Object.freeze({ event_name: "a", custom_event_type: "other" });
    const events: readonly Event[] = Object.freeze([{ event_type: "custom_event", data }]);
    const batch: Batch = Object.freeze({ environment: "development", events });
    expect(stampBatch(batch, true, stamps)).toEqual({
      environment: "development",
      source_request_id: "id",
      events: [{ event_type: "custom_event", data: { ...data, source_message_id: "id", timestamp_unixtime_ms: 7 } }],
    });
  });

  it("does not date historical events: their time is their point", () => {
    const batch = { source_request_id: "r", events: [{ data: {} }] };
    expect(stampBatch(batch, false, stamps).events[0]?.data).not.toHaveProperty("timestamp_unixtime_ms", 7);
  });

  it.each([[{ events: [null, 5, { data: null }, { data: [] }, {}] }], [{ events: "no" }]])(
    "leaves what is no event for validation to name: %j",
    (batch) => {
      const stamped = stampBatch(batch as unknown as { events: [] }, true, stamps);
      expect(stamped.events).toEqual(batch.events);
    },
  );
});
