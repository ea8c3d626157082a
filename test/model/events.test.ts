import { describe, expect, it, vi } from "vitest";
import { EVENT_TYPES } from "../../generated/contract.ts";
import { validateBatch } from "../../generated/validators/canonical.js";
import {
  addToCart,
  createBatch,
  customEvent,
  purchase,
  pushMessage,
  screenView,
  sessionStart,
  userAttributeChange,
  userIdentityChange,
} from "mparticle-events";
import { FULL_EVENT_DATA } from "../contract/full-batch.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { FACTORIES, FACTORY_CASES } from "./factory-table.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Of the validator: none when the event is one. */
function errorsOf(event: object): unknown {
  return validateBatch({ environment: "development", events: [event] }) ? [] : validateBatch.errors;
}

describe("the last argument of a factory", () => {
  const anything = (value: unknown): never => value as never;

  it.each<[string, () => unknown, string]>([
    ["a text", () => customEvent("x", "other", anything("y")), '`data` is "y"; expected an object, or nothing.'],
    ["a list", () => sessionStart(anything([1])), "`data` is an array of 1; expected an object, or nothing."],
    ["true", () => screenView("x", anything(true)), "`data` is true; expected an object, or nothing."],
    ["a number", () => addToCart([], {}, anything(5)), "`data` is 5; expected an object, or nothing."],
    ["a text for details", () => purchase([], anything("T-1")), '`details` is "T-1"; expected an object, or nothing.'],
    ["a text for a change", () => userAttributeChange("plan", anything("pro")), '`change` is "pro"; expected'],
    ["a list for a change", () => userIdentityChange(anything([])), "`change` is an array of 0; expected"],
  ])("is an object or nothing: %s is refused, because it would be lost or taken apart", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  it("may be null, as from a database", () => {
    expect(screenView("x", anything(null)).data.screen_name).toBe("x");
  });

  it("is not judged, nor are the others: that is for checkBatch", () => {
    expect(customEvent("x", anything("othre")).data.custom_event_type).toBe("othre");
  });
});

describe("the table of factories", () => {
  it("has every event type of the contract, and no other", () => {
    expect(Object.keys(FACTORIES).sort()).toEqual([...EVENT_TYPES].sort());
  });
});

describe.each(FACTORY_CASES)("$name", ({ type, make, says }) => {
  it("says what it was told, its id and its time, and nothing else", () => {
    const before = Date.now();
    const { event_type, data } = make();
    expect(event_type).toBe(type);
    expect(data).toEqual({
      ...says,
      source_message_id: expect.stringMatching(UUID) as unknown,
      timestamp_unixtime_ms: expect.any(Number) as unknown,
    });
    expect(data.timestamp_unixtime_ms).toBeGreaterThanOrEqual(before);
    expect(data.timestamp_unixtime_ms).toBeLessThanOrEqual(Date.now());
  });

  it("makes what the validator accepts, with nothing more said and with everything", () => {
    expect(errorsOf(make())).toEqual([]);
    expect(errorsOf(make(FULL_EVENT_DATA))).toEqual([]);
  });

  it("lets the caller's values win", () => {
    expect(make(FULL_EVENT_DATA)).toEqual({ event_type: type, data: { ...FULL_EVENT_DATA, ...says } });
  });

  it("takes null for a value and undefined for none", () => {
    const { data } = make({ source_message_id: null, timestamp_unixtime_ms: undefined, custom_flags: undefined });
    expect(data.source_message_id).toBeNull();
    expect(data.timestamp_unixtime_ms).toEqual(expect.any(Number));
  });

  it("gives each event an id of its own", () => {
    expect(make().data.source_message_id).not.toBe(make().data.source_message_id);
  });

  it("leaves what it was given as it is", () => {
    const data = deepFreeze({ custom_attributes: { a: 1 } });
    const event = make(data);
    expect(event.data).not.toBe(data);
    expect(data).toEqual({ custom_attributes: { a: 1 } });
  });
});

describe("an event", () => {
  it("keeps its id and its time from the moment it is made, however often it is sent", () => {
    vi.useFakeTimers();
    try {
      const event = customEvent("a", "other");
      const text = JSON.stringify(event);
      vi.advanceTimersByTime(60_000);
      const batch = createBatch({ environment: "development" }, [event]);
      expect(batch.events?.[0]).toBe(event);
      expect(JSON.stringify(batch.events?.[0])).toBe(text);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is plain data: a structured clone is the same, and a bigint is the only thing that JSON does not know", () => {
    for (const { make } of FACTORY_CASES) {
      const event = make(FULL_EVENT_DATA);
      expect(structuredClone(event)).toEqual(event);
      const text = JSON.stringify(event, (_, value: unknown) =>
        typeof value === "bigint" ? `${String(value)}n` : value,
      );
      const read: unknown = JSON.parse(text, (_, value: unknown) =>
        typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
      );
      expect(read).toEqual(event);
    }
  });

  it("says what its positional arguments say, whatever JavaScript puts into the rest", () => {
    const rest: object = { event_name: "b", custom_event_type: "media" };
    expect(customEvent("a", "other", rest).data).toMatchObject({ event_name: "a", custom_event_type: "other" });
    const change: object = { user_attribute_name: "b" };
    expect(userAttributeChange("a", { old: null, new: 1, ...change }).data).toMatchObject({ user_attribute_name: "a" });
  });

  it("holds the fields of its own type beside those of all", () => {
    const data = { network: "apn", message: "On its way", push_notification_payload: "{}" } as const;
    const event = pushMessage("received", data);
    expect(event.data).toMatchObject({ ...data, push_message_type: "received" });
    expect(errorsOf(event)).toEqual([]);
  });

  it("of a changed identity takes null for none, on either side", () => {
    const identity = {
      identity_type: "customer_id",
      identity: "42",
      timestamp_unixtime_ms: 1_795_000_000_000,
      created_this_batch: false,
    } as const;
    expect(errorsOf(userIdentityChange({ old: null, new: identity }))).toEqual([]);
    expect(errorsOf(userIdentityChange({ old: identity, new: null }))).toEqual([]);
  });
});
