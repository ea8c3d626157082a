import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stampBatch, stampEvent, stampEventData, type Stamps } from "../../src/model/stamp.ts";
import { deepFreeze } from "./deep-freeze.ts";

/** Ids and times that tell how often they were asked for. */
function counting(): Stamps & { readonly ids: () => number } {
  let ids = 0;
  let times = 1e15; // later than any time a caller gives
  return { newId: () => `id-${String(++ids)}`, now: () => ++times, ids: () => ids };
}

describe("stampEventData", () => {
  it("fills in what is missing or undefined, and only that", () => {
    const stamps = { newId: () => "id", now: () => 7 };
    expect(stampEventData({}, stamps)).toEqual({ source_message_id: "id", timestamp_unixtime_ms: 7 });
    expect(stampEventData({ source_message_id: undefined, timestamp_unixtime_ms: 0 }, stamps)).toEqual({
      source_message_id: "id",
      timestamp_unixtime_ms: 0,
    });
    expect(stampEventData({ source_message_id: "", timestamp_unixtime_ms: null }, stamps)).toEqual({
      source_message_id: "",
      timestamp_unixtime_ms: null,
    });
  });
});

describe("stampEvent", () => {
  it("returns a complete event itself", () => {
    const event = { data: { source_message_id: "mine", timestamp_unixtime_ms: 5 } };
    expect(stampEvent(event)).toBe(event);
  });

  it("completes a copy of any other", () => {
    const event = deepFreeze({ event_type: "first_run", data: { source_message_id: "mine" } });
    expect(stampEvent(event, { newId: () => "id", now: () => 7 })).toEqual({
      event_type: "first_run",
      data: { source_message_id: "mine", timestamp_unixtime_ms: 7 },
    });
  });

  it.each([[null], [undefined], [5], ["event"], [[]], [{}], [{ data: null }], [{ data: "x" }]])(
    "leaves what is no event as it is: %j",
    (nothing) => {
      expect(stampEvent(nothing)).toBe(nothing);
    },
  );
});

describe("stampBatch", () => {
  const stamp = { nil: undefined, freq: 3 };
  const batches = fc.record(
    {
      source_request_id: fc.option(fc.string(), stamp),
      environment: fc.constant("development"),
      events: fc.option(
        fc.array(
          fc.record({
            event_type: fc.constant("custom_event"),
            data: fc.record(
              {
                source_message_id: fc.option(fc.oneof(fc.string(), fc.constant(null)), stamp),
                timestamp_unixtime_ms: fc.option(fc.oneof(fc.integer(), fc.constant(null)), stamp),
              },
              { requiredKeys: [] },
            ),
          }),
        ),
        stamp,
      ),
    },
    { requiredKeys: ["environment"] },
  );

  it("stamps once: a stamped batch is complete, so that every later attempt sends the same", () => {
    fc.assert(
      fc.property(batches, fc.boolean(), (batch, dateEvents) => {
        const stamps = counting();
        const stamped = stampBatch(batch, dateEvents, stamps);
        const asked = stamps.ids();
        expect(stampBatch(stamped, dateEvents, stamps)).toBe(stamped);
        expect(stamps.ids()).toBe(asked);
      }),
    );
  });

  it("changes nothing that the caller gave, and not the caller's objects", () => {
    fc.assert(
      fc.property(batches, fc.boolean(), (batch, dateEvents) => {
        const stamped = stampBatch(deepFreeze(batch), dateEvents, counting());
        expect(stamped.environment).toBe(batch.environment);
        // An empty id is none: it would make one batch of all that have it.
        if (batch.source_request_id !== undefined && batch.source_request_id !== "") {
          expect(stamped.source_request_id).toBe(batch.source_request_id);
        }
        expect(stamped.source_request_id).not.toBe("");
        expect(stamped.events?.length).toBe(batch.events?.length);
        batch.events?.forEach(({ data }, index) => {
          const given = Object.entries(data).filter(([, value]) => value !== undefined);
          expect(stamped.events?.[index]?.data).toMatchObject(Object.fromEntries(given));
        });
      }),
    );
  });

  it("gives every event an id, and a time unless told not to", () => {
    fc.assert(
      fc.property(batches, fc.boolean(), (batch, dateEvents) => {
        for (const { data } of stampBatch(batch, dateEvents, counting()).events ?? []) {
          expect(data.source_message_id).not.toBeUndefined();
          if (dateEvents) expect(data.timestamp_unixtime_ms).not.toBeUndefined();
          else expect(data.timestamp_unixtime_ms ?? 0).toBeLessThan(1e15);
        }
      }),
    );
  });
});
