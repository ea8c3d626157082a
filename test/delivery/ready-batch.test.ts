import { describe, expect, it } from "vitest";
import { createBatch, customEvent } from "mparticle-events";
import { ENVIRONMENTS, EXACT_INTEGERS } from "../../generated/contract.ts";
import { isReadyBatch } from "../../src/delivery/ready-batch.ts";

const READY = createBatch({ environment: "development" }, [customEvent("e", "other")]);
const [EVENT] = READY.events as [{ readonly event_type: string; readonly data: Readonly<Record<string, unknown>> }];

function withData(data: Readonly<Record<string, unknown>>): unknown {
  return { ...READY, events: [EVENT, { ...EVENT, data: { ...EVENT.data, ...data } }] };
}

describe("a batch that is ready", () => {
  it("is one that createBatch made, with events or without", () => {
    expect(isReadyBatch(READY, true)).toBe(true);
    expect(isReadyBatch(createBatch({ environment: "production", mpid: 7 }), true)).toBe(true);
    expect(isReadyBatch({ environment: "production", source_request_id: "r" }, true)).toBe(true);
    expect(isReadyBatch(withData({ session_id: 5, event_id: null }), true)).toBe(true);
  });

  it.each(ENVIRONMENTS)("has the environment %s, or any other that there is", (environment) => {
    expect(isReadyBatch({ ...READY, environment }, true)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["no batch", null],
    ["a list", [READY]],
    ["without an id", { ...READY, source_request_id: undefined }],
    ["with an empty id", { ...READY, source_request_id: "" }],
    ["without an environment", { ...READY, environment: undefined }],
    ["with an environment of old", { ...READY, environment: "unknown" }],
    ["with events that are no list", { ...READY, events: EVENT }],
    ["with a hole in its events", { ...READY, events: Array(1) }],
    ["with an event that is none", { ...READY, events: ["e"] }],
    ["with an event without data", { ...READY, events: [{ event_type: "opt_out" }] }],
    ["with an event that is a list", { ...READY, events: [Object.assign([], EVENT)] }],
    ["with data that are a list", { ...READY, events: [{ ...EVENT, data: Object.assign([], EVENT.data) }] }],
    ["with an event without an id", withData({ source_message_id: undefined })],
    ["with an event without a time", withData({ timestamp_unixtime_ms: undefined })],
    ["with breadcrumbs", withData({ breadcrumbs: [] })],
    ["with a toJSON of its own", { ...READY, toJSON: () => READY }],
    ["with an event with a toJSON", { ...READY, events: [{ ...EVENT, toJSON: () => EVENT }] }],
    ["with data with a toJSON", withData({ toJSON: () => ({}) })],
    ["with a list with a toJSON", { ...READY, events: Object.assign([EVENT], { toJSON: () => [] }) }],
  ])("is none %s", (_, batch) => {
    expect(isReadyBatch(batch, true)).toBe(false);
  });

  it.each(Object.keys(EXACT_INTEGERS.batch))("is none with a %s that JSON does not write as it is", (name) => {
    for (const id of ["12", 5n, 2 ** 60, 0.5]) expect(isReadyBatch({ ...READY, [name]: id }, true)).toBe(false);
  });

  it.each(Object.keys(EXACT_INTEGERS.eventData))("is none with such a %s in an event", (name) => {
    for (const id of ["12", 5n, 2 ** 60, 0.5]) expect(isReadyBatch(withData({ [name]: id }), true)).toBe(false);
  });

  it("is none with one such id behind another that is null", () => {
    expect(isReadyBatch(withData({ event_id: null, current_mpid: "12" }), true)).toBe(false);
    expect(isReadyBatch({ ...READY, mpid: null, origin_mpid: "12" }, true)).toBe(false);
  });

  it("may lack times where they are not filled in", () => {
    expect(isReadyBatch(withData({ timestamp_unixtime_ms: undefined }), false)).toBe(true);
  });
});
