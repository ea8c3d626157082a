import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConsentState } from "../../generated/schema.ts";
import { ccpaOptOut, gdprConsent, hasGdprConsent, isCcpaOptedOut, mergeConsent } from "../../src/model/consent.ts";
import { deepFreeze } from "./deep-freeze.ts";

describe("what only JavaScript can pass", () => {
  const anything = (value: unknown): never => value as never;

  it.each<[string, () => unknown, string]>([
    [
      "a decision that is a text",
      () => gdprConsent("p", anything("no")),
      '`consented` is "no"; expected true or false.',
    ],
    ["no decision", () => ccpaOptOut(anything(undefined)), "`optedOut` is undefined; expected true or false."],
    ["no purpose", () => gdprConsent(anything(undefined), true), "`purpose` is undefined"],
    ["details that are a text", () => gdprConsent("p", true, anything("v3")), '`details` is "v3"; expected an object'],
    ["a list of states", () => mergeConsent(anything([{}])), "`states[0]` is an array of 1; expected an object"],
    ["decisions that are a text", () => mergeConsent(anything({ gdpr: "yes" })), '`gdpr` is "yes"; expected an object'],
    ["decisions that are a number", () => mergeConsent(anything({ ccpa: 1 })), "`ccpa` is 1; expected an object"],
    [
      "a stored decision that is a text",
      () => mergeConsent(anything({ gdpr: { p: "no" } })),
      '`gdpr["p"]` is "no"; expected a decision such as { consented: true }',
    ],
    [
      "a stored decision whose consent is a text",
      () => mergeConsent(anything({ gdpr: { p: { consented: "false" } } })),
      '`gdpr["p"].consented` is "false"; expected true or false.',
    ],
    [
      "a stored opt-out that is no decision",
      () => mergeConsent(anything({ ccpa: { data_sale_opt_out: true } })),
      '`ccpa["data_sale_opt_out"]` is true; expected a decision',
    ],
    ["a state that is a text", () => mergeConsent({}, anything("{}")), '`states[1]` is "{}"; expected an object'],
  ])("is refused where a decision would be lost or turned round: %s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});

describe("gdprConsent", () => {
  it("states one decision, dated now, with the details beside it", () => {
    const before = Date.now();
    const state = gdprConsent("marketing", true, { document: "terms_v3", location: "checkout" });
    const decided = state.gdpr?.["marketing"];
    expect(decided).toMatchObject({ consented: true, document: "terms_v3", location: "checkout" });
    expect(decided?.timestamp_unixtime_ms).toBeGreaterThanOrEqual(before);
    expect(state).not.toHaveProperty("ccpa");
  });

  it("keeps the caller's time", () => {
    expect(gdprConsent("p", false, { timestamp_unixtime_ms: 5 })).toEqual({
      gdpr: { p: { consented: false, timestamp_unixtime_ms: 5 } },
    });
  });

  it("takes a purpose by any name as a purpose of its own", () => {
    const state = gdprConsent("__proto__", true, { timestamp_unixtime_ms: 1 });
    expect(JSON.stringify(state)).toBe('{"gdpr":{"__proto__":{"timestamp_unixtime_ms":1,"consented":true}}}');
    expect(hasGdprConsent(mergeConsent(state, gdprConsent("other", false)), "__proto__")).toBe(true);
  });
});

describe("ccpaOptOut", () => {
  it("writes an opt-out as `consented: true`, as the wire wants it", () => {
    expect(ccpaOptOut(true, { timestamp_unixtime_ms: 5 })).toEqual({
      ccpa: { data_sale_opt_out: { consented: true, timestamp_unixtime_ms: 5 } },
    });
    expect(isCcpaOptedOut(ccpaOptOut(true))).toBe(true);
    expect(isCcpaOptedOut(ccpaOptOut(false))).toBe(false);
  });

  it("is undecided where nothing says otherwise", () => {
    const nothing: readonly unknown[] = [undefined, null, {}, { ccpa: null }, { ccpa: {} }];
    for (const state of [...nothing, { ccpa: { data_sale_opt_out: null } }])
      expect(isCcpaOptedOut(state as ConsentState)).toBeUndefined(); // also as it may be stored
  });
});

describe("mergeConsent", () => {
  const at = (purpose: string, consented: boolean, timestamp_unixtime_ms: number, document = "d"): ConsentState =>
    gdprConsent(purpose, consented, { timestamp_unixtime_ms, document });

  it("takes the newest decision on each purpose, wherever it stands", () => {
    const merged = mergeConsent(at("a", true, 2), at("a", false, 1), at("b", false, 1), at("b", true, 2));
    expect(hasGdprConsent(merged, "a")).toBe(true);
    expect(hasGdprConsent(merged, "b")).toBe(true);
  });

  it("takes the later argument of two decisions made at the same time", () => {
    expect(hasGdprConsent(mergeConsent(at("a", true, 1), at("a", false, 1)), "a")).toBe(false);
  });

  it("joins regulations, and reads undefined and null as nothing", () => {
    const gdpr = at("a", true, 1);
    const ccpa = ccpaOptOut(true, { timestamp_unixtime_ms: 1 });
    expect(mergeConsent(undefined, gdpr, null, ccpa, {}, { gdpr: null, ccpa: null })).toEqual({ ...gdpr, ...ccpa });
    const undecided = { gdpr: { a: null, b: undefined }, ccpa: { data_sale_opt_out: null } } as unknown; // as stored
    expect(mergeConsent(undecided as ConsentState, gdpr, undecided as ConsentState)).toEqual(gdpr);
    expect(mergeConsent()).toEqual({});
    expect(mergeConsent(undefined, null)).toEqual({});
  });

  it("keeps a decision that says how it was made, and not which it is", () => {
    const state = { gdpr: { a: { document: "terms_v3", timestamp_unixtime_ms: 1 } } };
    expect(mergeConsent(state as unknown as ConsentState)).toEqual(state); // as stored
  });

  it("takes a decision whole: the document of an older one does not survive in it", () => {
    const newer = gdprConsent("a", false, { timestamp_unixtime_ms: 2 });
    expect(mergeConsent(at("a", true, 1, "old"), newer)).toEqual(newer);
  });

  /** A state as another program stored it: what the type promises of its time, it need not keep. */
  const stored = (consented: boolean, time?: unknown, purpose = "a"): ConsentState =>
    ({ gdpr: { [purpose]: { consented, timestamp_unixtime_ms: time } } }) as ConsentState;

  it.each<[string, unknown]>([
    ["left out", undefined],
    ["null", null],
    ["not a number", NaN],
    ["infinite", Infinity],
    ["empty", ""],
    ["blank", " "],
    ["a word", "soon"],
    ["a date", "2026-01-01"],
    ["digits with an exponent", "1e3"],
    ["hexadecimal", "0x10"],
    ["a list of one", [5]],
    ["more digits than a number holds", "9".repeat(400)],
    ["true", true],
    ["an object", {}],
  ])("takes a decision whose time is %s for older than any that has one", (_what, time) => {
    const dated = at("a", true, 0);
    expect(mergeConsent(stored(false, time), dated)).toEqual(dated);
    expect(mergeConsent(dated, stored(false, time))).toEqual(dated);
    expect(mergeConsent(stored(true), stored(false, time))).toEqual(stored(false, time));
    expect(mergeConsent(stored(false, time), stored(true, null))).toEqual(stored(true, null));
  });

  it("compares times as numbers where they are digits, as the service's outputs write them, and makes them numbers", () => {
    expect(mergeConsent(stored(true, "999"), stored(false, "1000"))).toEqual(stored(false, 1000));
    expect(mergeConsent(stored(false, "1000"), stored(true, "999"))).toEqual(stored(false, 1000));
    expect(mergeConsent(stored(true, "1700000000000"), stored(false, 1_699_999_999_999))).toEqual(
      stored(true, 1_700_000_000_000),
    );
    expect(mergeConsent(stored(true, 5), stored(false, "5"))).toEqual(stored(false, 5));
    expect(mergeConsent(stored(true, 5n), stored(false, "-6"))).toEqual(stored(true, 5));
  });

  it("reads times of the CCPA as it reads those of the GDPR", () => {
    const undated = { ccpa: { data_sale_opt_out: { consented: true } } } as ConsentState; // as stored
    const dated = ccpaOptOut(false, { timestamp_unixtime_ms: 1 });
    expect(mergeConsent(undated, dated)).toEqual(dated);
    expect(mergeConsent(dated, undated)).toEqual(dated);
  });

  /** Each with what it comes to as a number. */
  const times = fc.oneof(
    fc.nat(5).map((time) => ({ time: time, is: time })),
    fc.nat(5).map((time) => ({ time: String(time), is: time })),
    fc.constantFrom(undefined, null, NaN, "", "soon").map((time) => ({ time: time, is: -Infinity })),
  );
  const decisions = fc.array(
    fc.record({ purpose: fc.constantFrom("a", "b", "c"), consented: fc.boolean(), when: times }),
  );
  const states = decisions.map((all) =>
    all.map(({ purpose, consented, when }) => stored(consented, when.time, purpose)),
  );

  it("keeps of each purpose the newest decision, the later one of two of the same time, whatever its time is written like", () => {
    fc.assert(
      fc.property(decisions, (all) => {
        const merged = mergeConsent(
          ...all.map(({ purpose, consented, when }) => stored(consented, when.time, purpose)),
        );
        for (const purpose of ["a", "b", "c"]) {
          const own = all.filter((decision) => decision.purpose === purpose);
          const newest = Math.max(...own.map(({ when }) => when.is));
          expect(hasGdprConsent(merged, purpose)).toBe(own.findLast(({ when }) => when.is === newest)?.consented);
        }
      }),
    );
  });

  it("changes none of its inputs and shares nothing with them", () => {
    fc.assert(
      fc.property(states, (inputs) => {
        const before = structuredClone(inputs);
        const merged = mergeConsent(...inputs.map(deepFreeze));
        for (const decided of Object.values(merged.gdpr ?? {})) Object.assign(decided ?? {}, { document: "changed" });
        expect(inputs).toEqual(before);
      }),
    );
  });

  it("comes to the same however the states are grouped", () => {
    fc.assert(
      fc.property(states, fc.nat(), (inputs, cut) => {
        const at = inputs.length === 0 ? 0 : cut % inputs.length;
        const grouped = mergeConsent(mergeConsent(...inputs.slice(0, at)), mergeConsent(...inputs.slice(at)));
        expect(grouped).toEqual(mergeConsent(...inputs));
      }),
    );
  });
});

describe("hasGdprConsent", () => {
  it("tells no decision from a refusal", () => {
    expect(hasGdprConsent(gdprConsent("a", false), "a")).toBe(false);
    expect(hasGdprConsent(gdprConsent("a", false), "b")).toBeUndefined();
    expect(hasGdprConsent({}, "toString")).toBeUndefined();
    for (const state of [undefined, null, { gdpr: null }, { gdpr: { a: null } }])
      expect(hasGdprConsent(state as ConsentState, "a")).toBeUndefined(); // also as it may be stored
  });
});

describe("merging", () => {
  const PURPOSES = ["analytics", "marketing"] as const;
  /** States whose decisions are all of different times. */
  const states = fc
    .array(fc.record({ purpose: fc.constantFrom(...PURPOSES, undefined), consented: fc.boolean() }), { maxLength: 8 })
    .map((decisions) =>
      decisions.map(({ purpose, consented }, index) => {
        const details = { timestamp_unixtime_ms: 1_700_000_000_000 + index };
        return purpose === undefined ? ccpaOptOut(consented, details) : gdprConsent(purpose, consented, details);
      }),
    );

  it("gives the same whatever is merged first, and in whatever order, when no two decisions are of one time", () => {
    fc.assert(
      fc.property(states, fc.nat(8), fc.func(fc.integer()), (all, cut, order) => {
        const merged = mergeConsent(...all);
        expect(mergeConsent(mergeConsent(...all.slice(0, cut)), mergeConsent(...all.slice(cut)))).toEqual(merged);
        expect(mergeConsent(...all.toSorted((one, other) => order(one) - order(other)))).toEqual(merged);
      }),
    );
  });
});
