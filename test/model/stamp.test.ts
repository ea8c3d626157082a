import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Batch, CustomEventData } from "../../generated/schema.ts";
import { createBatch } from "../../src/model/batch.ts";
import { customEvent } from "../../src/model/events.ts";
import { stampBatch, stampEvent, stampEventData, type Stamps } from "../../src/model/stamp.ts";
import { EventsClient } from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";
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
  const stamps = { newId: () => "id", now: () => 7 };

  it("returns a complete batch itself, so that a retry repeats it to the letter", () => {
    const batch = createBatch({ environment: "development" }, [customEvent("a", "other")]);
    expect(stampBatch(batch, true)).toBe(batch);
  });

  it("fills in what a hand-written batch lacks, on a copy", () => {
    const data: CustomEventData = { event_name: "a", custom_event_type: "other" };
    const batch: Batch = deepFreeze({ environment: "development", events: [{ event_type: "custom_event", data }] });
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
      const stamped = stampBatch(batch as unknown as { events: [] }, true, stamps); // as JavaScript may pass
      expect(stamped.events).toEqual(batch.events);
    },
  );

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

/** As somebody writes it who uses no factory, in JavaScript perhaps. */
interface HandWrittenEvent {
  event_type: string;
  data: { event_name: string; custom_attributes?: Record<string, unknown>; source_message_id?: string };
}
interface HandWritten {
  source_request_id?: string;
  environment: string;
  user_attributes: Record<string, unknown>;
  events: HandWrittenEvent[];
}

const handWrittenEvent = (event_name = "a"): HandWrittenEvent => ({
  event_type: "custom_event",
  data: { event_name, custom_attributes: { seconds: 42 } },
});
const handWritten = (): HandWritten => ({
  environment: "development",
  user_attributes: { plan: "free", tags: ["a"], since: new Date(0), left: null, toJSON: "a name like any other" },
  events: [handWrittenEvent()],
});

describe("a hand-written batch that is handed over again", () => {
  it("gets the stamps it had, so that trying again after an error sends nothing twice", () => {
    const batch = deepFreeze(handWritten());
    const stamps = counting();
    const first = stampBatch(batch, true, stamps);
    expect(stampBatch(batch, true, stamps)).toEqual(first);
    expect(stamps.ids()).toBe(2);
  });

  it("travels under its first ids when the caller uploads it again after an error", async () => {
    const batch: Batch = { environment: "development", events: [{ event_type: "first_run", data: {} }] };
    const fetch = recordingFetch([503, 202]);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", retry: false, fetch });
    await expect(client.upload(batch)).rejects.toThrow("503");
    await client.upload(batch);
    const [first, second] = fetch.batches();
    expect(second).toEqual(first);
    expect(batch).toEqual({ environment: "development", events: [{ event_type: "first_run", data: {} }] });
  });

  it("is not the same as another one that says the same", () => {
    const stamps = counting();
    const [one, two] = [stampBatch(handWritten(), true, stamps), stampBatch(handWritten(), true, stamps)];
    expect(one.source_request_id).not.toBe(two.source_request_id);
    expect(one.events[0]?.data.source_message_id).not.toBe(two.events[0]?.data.source_message_id);
  });

  it.each<[string, (batch: HandWritten) => void]>([
    ["a member", (batch) => void (batch.environment = "production")],
    ["a new member", (batch) => void Object.assign(batch, { ip: "203.0.113.7" })],
    ["a removed member", (batch) => void Reflect.deleteProperty(batch, "user_attributes")],
    ["an attribute", (batch) => void (batch.user_attributes["plan"] = "premium")],
    ["an attribute that becomes a list", (batch) => void (batch.user_attributes["plan"] = ["free"])],
    ["an item of a list", (batch) => void (batch.user_attributes["tags"] = ["b"])],
    ["a list taken for its items", (batch) => void (batch.user_attributes["tags"] = { 0: "a" })],
    ["one event more", (batch) => void batch.events.push(handWrittenEvent("b"))],
    ["one event less", (batch) => void batch.events.pop()],
    ["an event's name", (batch) => void (batch.events[0]!.data.event_name = "b")],
    ["an event's attribute", (batch) => void (batch.events[0]!.data.custom_attributes!["seconds"] = 43)],
    ["an id of its own for an event", (batch) => void (batch.events[0]!.data.source_message_id = "mine")],
    ["a date", (batch) => void (batch.user_attributes["since"] as Date).setTime(1)],
    ["a 64-bit id", (batch) => void Object.assign(batch, { mpid: 7346244611012968790n })],
  ])("with %s changed is another batch, which the service must not take for a repetition", (_what, change) => {
    const batch = handWritten();
    Object.assign(batch, { mpid: 7346244611012968789n });
    const stamps = counting();
    const first = stampBatch(batch, true, stamps);
    change(batch);
    const second = stampBatch(batch, true, stamps);
    expect(second.source_request_id).not.toBe(first.source_request_id);
    expect(stampBatch(batch, true, stamps)).toEqual(second);
  });

  it("is another batch once it was accepted: who sends it again means to", async () => {
    const batch: Batch = { environment: "development", events: [{ event_type: "first_run", data: {} }] };
    const fetch = recordingFetch(202);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", fetch });
    await client.upload(batch);
    await client.upload(batch);
    await client.uploadBulk([batch]);
    await client.uploadBulk([batch]);
    expect(new Set(fetch.batches().map(({ source_request_id }) => source_request_id)).size).toBe(4);
  });

  it.each<[string, object]>([
    ["a cycle", cyclic()],
    [
      "a getter that throws",
      {
        get plan() {
          return refuse();
        },
      },
    ],
    ["a toJSON that throws", { toJSON: refuse }],
  ])("is stamped anew when it cannot be read, and left for serialising to refuse: %s", (_what, user_attributes) => {
    const batch = { user_attributes, source_request_id: undefined };
    const stamps = counting();
    expect(stampBatch(batch, true, stamps).source_request_id).toBe("id-1");
    expect(stampBatch(batch, true, stamps).source_request_id).toBe("id-2");
    Object.assign(batch, { user_attributes: {} });
    expect(stampBatch(batch, true, stamps).source_request_id).toBe("id-3");
    expect(stampBatch(batch, true, stamps).source_request_id).toBe("id-3");
    Object.assign(batch, { user_attributes });
    expect(stampBatch(batch, true, stamps).source_request_id).toBe("id-4");
  });
});

function cyclic(): object {
  const cycle = { itself: {} };
  cycle.itself = cycle;
  return cycle;
}

function refuse(): never {
  throw new Error("not to be read");
}
