import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConsentState } from "../../generated/schema.ts";
import { ccpaOptOut, gdprConsent, hasGdprConsent, isCcpaOptedOut, mergeConsent } from "../../src/model/consent.ts";

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
    expect(mergeConsent()).toEqual({});
    expect(mergeConsent(undefined, null)).toEqual({});
  });

  it("takes a decision whole: the document of an older one does not survive in it", () => {
    const newer = gdprConsent("a", false, { timestamp_unixtime_ms: 2 });
    expect(mergeConsent(at("a", true, 1, "old"), newer)).toEqual(newer);
  });

  const states = fc.array(
    fc
      .record({ purpose: fc.constantFrom("a", "b", "c"), consented: fc.boolean(), time: fc.nat(5) })
      .map(({ purpose, consented, time }) => at(purpose, consented, time)),
  );

  it("changes none of its inputs and shares nothing with them", () => {
    fc.assert(
      fc.property(states, (inputs) => {
        const before = structuredClone(inputs);
        const merged = mergeConsent(...inputs);
        for (const decided of Object.values(merged.gdpr ?? {})) Object.assign(decided, { document: "changed" });
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
    expect(hasGdprConsent(undefined, "a")).toBeUndefined();
  });
});
