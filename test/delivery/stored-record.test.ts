import { describe, expect, it } from "vitest";
import { parse, problemOfRecord } from "../../src/delivery/stored-record.ts";

const GOOD = { requestId: "r-1", context: '{"environment":"development"}', events: ['{"event_type":"profile"}', "{}"] };

describe("a record of a store", () => {
  it.each([
    ["with events", GOOD],
    ["without events", { ...GOOD, events: [] }],
    ["with more members than it needs", { ...GOOD, more: true }],
  ])("%s can be sent", (_, record) => {
    expect(problemOfRecord(record)).toBeUndefined();
  });

  it.each<[unknown, string]>([
    [undefined, "it is no batch."],
    [null, "it is no batch."],
    [[], "it is no batch."],
    ["r-1", "it is no batch."],
    [{ ...GOOD, requestId: undefined }, "it has no id."],
    [{ ...GOOD, requestId: "" }, "it has no id."],
    [{ ...GOOD, requestId: 17 }, "it has no id."],
    ...["", "[]", "null", "1", '{"mpid":1', undefined, {}].map((context): [unknown, string] => [
      { ...GOOD, context },
      "what it says of its user is no JSON object.",
    ]),
    [{ ...GOOD, events: undefined }, "its events are no list."],
    [{ ...GOOD, events: "{}" }, "its events are no list."],
    [{ ...GOOD, events: [""] }, "its event 0 is no JSON object."],
    [{ ...GOOD, events: ["{}", '["a",,"c"]'] }, "its event 1 is no JSON object."],
    [{ ...GOOD, events: ["{}", "{}", "5", "["] }, "its event 2 is no JSON object."],
    [{ ...GOOD, events: [{}] }, "its event 0 is no JSON object."],
  ])("that cannot be sent is named for what is wrong, without its data: %j", (record, problem) => {
    expect(problemOfRecord(record)).toBe(problem);
  });
});

describe("a text", () => {
  it.each<[string, unknown]>([
    ["{}", {}],
    ["5", 5],
    ["null", null],
    ["", undefined],
    ["{", undefined],
  ])("is read as JSON where it is JSON: %j", (text, value) => {
    expect(parse(text)).toEqual(value);
  });
});
