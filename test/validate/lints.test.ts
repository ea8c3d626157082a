import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../generated/contract.ts";
import type { EventType } from "../../src/model/types.ts";
import { UUID_KEYS } from "../../src/validate/lints/identity.ts";
import { checkBatch, LINTS, type CheckOptions, type Profile } from "../../src/validate/validate.ts";
import { FULL_EVENT_DATA, FULL_USER } from "../contract/full-batch.ts";
import { REQUIRED_DATA, type Members } from "../spec/payload-tables.ts";
import {
  both,
  custom,
  cyclic,
  DAY_MS,
  EMAIL,
  events,
  GOOD,
  LINT_ROWS,
  LONG,
  many,
  NOW,
  without,
} from "./lint-table.ts";

const OPTIONS: CheckOptions = { now: NOW };

function codesOf(batch: Members, options: CheckOptions): string[] {
  return checkBatch(batch, options).map(({ code }) => code);
}

describe("a lint", () => {
  const cases = LINT_ROWS.flatMap((row) => (row.profiles ?? both).map((profile) => ({ ...row, profile })));

  it.each(cases)("finds $code in the $profile profile: $of", (row) => {
    const options = { ...OPTIONS, profile: row.profile, endpoint: row.endpoint };
    const findings = checkBatch({ ...GOOD, ...row.wrong }, options).filter(({ code }) => code !== row.besides);
    expect(findings.map(({ severity, code, path }) => [severity, code, path])).toEqual([
      [row.severity ?? "warning", row.code, row.path],
    ]);
    const text = `${findings[0]?.message ?? ""} ${findings[0]?.hint ?? ""}`;
    expect(
      row.says.filter((part) => !text.includes(part)),
      text,
    ).toEqual([]);
  });

  it.each(cases)("has nothing against what only looks like $code in the $profile profile: $of", (row) => {
    const options = { ...OPTIONS, profile: row.profile, endpoint: row.endpoint };
    const found = row.right.map((members) => checkBatch({ ...GOOD, ...members }, options));
    expect(found.flat()).toEqual([]);
  });

  it.each(cases)("is switched off by its code, and by lints: false: $code, $profile, $of", (row) => {
    const batch = { ...GOOD, ...row.wrong };
    const options = { ...OPTIONS, profile: row.profile, endpoint: row.endpoint };
    const others = codesOf(batch, options).filter((code) => code !== row.code);
    const left = codesOf(batch, { ...options, lints: { [row.code]: false } });
    const switchedOn = codesOf(batch, { ...options, lints: { [row.code]: true } });
    const none = codesOf(batch, { ...options, lints: false });
    // As one expectation: there are hundreds of rows. Left is perhaps what it has kept from being told of the same field.
    const missing = others.filter((code) => !left.includes(code));
    const told = [left.includes(row.code), switchedOn.includes(row.code)];
    expect({ missing, told, none }).toEqual({ missing: [], told: [false, true], none: [] });
  });

  it("has a row for every code", () => {
    const shown = new Set<string>(LINT_ROWS.map(({ code }) => code));
    shown.add("duplicate-request-id"); // which takes two batches to show
    const missing = Object.keys(LINTS).filter((code) => !shown.has(code));
    expect(missing.map((code) => `test/validate/lint-table.ts has no row for "${code}"`)).toEqual([]);
  });
});

describe("the profiles", () => {
  const inBoth: readonly (readonly [string, Members, string])[] = [
    ["a batch without an environment", without("environment"), "environment-missing"],
    ["an unknown key", { user_atributes: {} }, "unknown-key"],
    ["a malformed UUID", { mp_deviceid: "device-1" }, "malformed-uuid"],
    ["too many user attributes", { user_attributes: many(101) }, "too-many-attributes"],
    ["a list that is too long", { user_attributes: { a: Array<string>(1001).fill("x") } }, "list-too-long"],
    ["a text that is too long", { user_attributes: { a: "x".repeat(4097) } }, "value-too-long"],
    ["a user attribute name that is too long", { user_attributes: { [LONG]: "x" } }, "attribute-name-too-long"],
    ["an empty event name", custom({ event_name: "" }), "empty-value"],
  ];
  it.each(inBoth)("agree on the code for %s: an error for a sender, a warning in a replay", (_, members, code) => {
    const found = (profile: Profile) =>
      checkBatch({ ...GOOD, ...members }, { ...OPTIONS, profile }).map((finding) => [finding.severity, finding.code]);
    expect(found("canonical")).toEqual([["error", code]]);
    expect(found("wire")).toEqual([["warning", code]]);
  });

  it("keep an error of the contract when the lint of the same code is switched off", () => {
    const batch = { ...GOOD, user_atributes: {} };
    expect(codesOf(batch, { ...OPTIONS, lints: { "unknown-key": false } })).toEqual(["unknown-key"]);
    expect(codesOf(batch, { ...OPTIONS, profile: "wire", lints: { "unknown-key": false } })).toEqual([]);
  });

  it("leave a known way out of the wire profile alone: a breadcrumb without the event around it", () => {
    const batch = { ...GOOD, ...events("crash_report", { breadcrumbs: [{ label: "here" }, {}, "here"] }) };
    expect(checkBatch(batch, { ...OPTIONS, profile: "wire" })).toEqual([]);
  });

  it("look into breadcrumbs, but not at how old they are", () => {
    const crumb = (data: Members) => ({ event_type: "breadcrumb", data: { label: "here", ...data } });
    const crash = (data: Members) => ({ ...GOOD, ...events("crash_report", { breadcrumbs: [crumb(data)] }) });
    for (const profile of both) {
      for (const endpoint of ["events", "historical"] as const) {
        const options = { ...OPTIONS, profile, endpoint };
        expect(checkBatch(crash({ timestamp_unixtime_ms: NOW - 400 * DAY_MS }), options)).toEqual([]);
        expect(checkBatch(crash({}), options)).toEqual([]);
        expect(checkBatch(crash({ timestamp_unixtime_ms: 5 }), options)).toMatchObject([
          { code: "seconds-not-milliseconds", path: "/events/0/data/breadcrumbs/0/data/timestamp_unixtime_ms" },
        ]);
      }
    }
  });
});

describe("a custom flag", () => {
  it("that JSON cannot hold is one error of the contract for a sender, and no lint besides", () => {
    for (const flag of [[Number.NaN], new Set(["a"]), Symbol("a"), [() => 1], cyclic])
      expect(codesOf({ ...GOOD, ...custom({ custom_flags: { flag } }) }, OPTIONS)).toEqual(["wrong-type"]);
  });
});

describe("what explains what", () => {
  it("is told once when a key is misspelt, and what seems absent for it is not told", () => {
    const misspelt = { environment: "development", events: GOOD["events"], userIdentities: { customer_id: "42" } };
    expect(codesOf(misspelt, OPTIONS)).toEqual(["unknown-key"]);
    expect(codesOf(misspelt, { ...OPTIONS, profile: "wire" })).toEqual(["unknown-key"]);
  });

  it("still has the batch refused when a warning alone would explain why it will be lost", () => {
    const batch = { ...GOOD, ...custom({ timestamp_unixtime_ms: undefined, timestamp: NOW - 5 * DAY_MS }) };
    expect(codesOf(batch, { ...OPTIONS, profile: "wire", endpoint: "historical" })).toEqual([
      "historical-timestamp-missing",
      "unknown-key",
    ]);
  });

  it("says of an event that is not wrapped nothing else", () => {
    const batch = { ...GOOD, events: [{ event_type: "custom_event", ...REQUIRED_DATA.custom_event }] };
    for (const profile of both) {
      for (const endpoint of ["events", "historical"] as const)
        expect(codesOf(batch, { ...OPTIONS, profile, endpoint })).toEqual(["event-not-wrapped"]);
    }
  });
});

describe("now", () => {
  const batch = { ...GOOD, ...custom({ timestamp_unixtime_ms: NOW }) };

  it("is a number, or a function that is asked at each check", () => {
    let time = NOW;
    const clock = () => time;
    expect(codesOf(batch, { now: clock })).toEqual([]);
    time = NOW + 31 * DAY_MS;
    expect(codesOf(batch, { now: clock })).toEqual(["older-than-30-days"]);
    expect(codesOf(batch, { now: NOW - 2 * DAY_MS })).toEqual(["timestamp-in-future"]);
  });

  it("is the time of the machine when nothing else is said", () => {
    const at = (offset: number) => ({ ...GOOD, ...custom({ timestamp_unixtime_ms: Date.now() + offset }) });
    expect(codesOf(at(0), {})).toEqual([]);
    expect(codesOf(at(2 * DAY_MS), {})).toEqual(["timestamp-in-future"]);
    expect(codesOf(at(-31 * DAY_MS), {})).toEqual(["older-than-30-days"]);
  });
});

describe("a batch that says everything there is to say", () => {
  const further: Partial<Record<EventType, Members>> = {
    commerce_event: {
      product_action: { action: "purchase", transaction_id: "T-1", products: [{ id: "sku-1" }] },
      currency_code: "EUR",
    },
    screen_view: { screen_name: "Home" },
    session_end: { session_duration_ms: 61_000 },
    user_identity_change: { new: EMAIL, old: null },
  };
  const full = {
    ...FULL_USER,
    events: EVENT_TYPES.map((type) => ({
      event_type: type,
      data: { ...FULL_EVENT_DATA, ...REQUIRED_DATA[type], ...further[type] },
    })),
  };

  it("has no findings", () => {
    expect(checkBatch(full, OPTIONS)).toEqual([]);
  });

  it("has only its attributes that are no text against it on the wire", () => {
    expect(checkBatch(full, { ...OPTIONS, profile: "wire" }).map(({ code, path }) => [code, path])).toEqual([
      ["attribute-not-string", "/user_attributes/$age"],
      ["attribute-not-string", "/user_attributes/subscribed"],
    ]);
  });

  it("may be sent as history once it is old enough", () => {
    expect(checkBatch(full, { now: NOW + 3 * DAY_MS, endpoint: "historical" })).toEqual([]);
  });
});

describe("the keys that hold a UUID", () => {
  it("are those that the canonical profile wants to be one", () => {
    const places: readonly ((key: string) => Members)[] = [
      (key) => ({ [key]: "no-uuid" }),
      (key) => ({ device_info: { [key]: "no-uuid" } }),
      (key) => custom({ [key]: "no-uuid" }),
    ];
    for (const key of UUID_KEYS) {
      const found = places.flatMap((place) => codesOf({ ...GOOD, ...place(key) }, { ...OPTIONS, lints: false }));
      expect([key, found.filter((code) => code !== "unknown-key")]).toEqual([key, ["malformed-uuid"]]);
    }
  });
});
