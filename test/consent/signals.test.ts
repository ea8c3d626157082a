import { GppModel, Sections } from "@iabgpp/cmpapi";
import fc from "fast-check";
import { ccpaFromGpc, ccpaFromGpp, ccpaFromUsp, consentFromTcf } from "mparticle-events/consent";
import { describe, expect, it } from "vitest";
import { writeTcString } from "./tc-string.ts";

const AT = 1_767_225_600_000;
const optedOut = { ccpa: { data_sale_opt_out: { consented: true, timestamp_unixtime_ms: AT } } };
const notOptedOut = { ccpa: { data_sale_opt_out: { consented: false, timestamp_unixtime_ms: AT } } };

/** What the user's privacy signal says, in the words of a lawyer, and what mParticle is told. */
const SITUATIONS: readonly (readonly [situation: string, text: string, told: object | undefined])[] = [
  ["has objected to the sale of their data", "1YYN", optedOut],
  ["was given notice and has not objected", "1YNN", notOptedOut],
  ["is not a Californian, so that the law does not apply", "1---", undefined],
  ["has objected without having been given notice", "1NYN", optedOut],
  ["was given notice, and nothing is known of an objection", "1Y-N", undefined],
];

describe("a US Privacy string of a user who", () => {
  it.each(SITUATIONS)("%s: %s", (_, text, told) => {
    expect(ccpaFromUsp(text, { atMs: AT })).toEqual(told);
  });

  it.each([" 1YYN\n", '"1YYN"', "'1YYN'", "%221YYN%22", "1yyn", "1YYN%20"])("is read from %j", (text) => {
    expect(ccpaFromUsp(text, { atMs: AT })).toEqual(optedOut);
  });

  it.each(["2YYN", "1YY", "1YYNN", "1XYN", "YYN", "true", "%E0%A4%A"])("is not read from %j", (text) => {
    expect(() => ccpaFromUsp(text)).toThrow(
      new TypeError(
        `The US Privacy string is ${JSON.stringify(text)}; expected four characters such as "1YNN": version 1, then "Y", "N" or "-" three times.`,
      ),
    );
  });
});

describe("Global Privacy Control", () => {
  it.each(["1", 1, true, " 1 ", "1, 1"])("with %j is an opt-out", (value) => {
    expect(ccpaFromGpc(value, { atMs: AT })).toEqual(optedOut);
  });

  it.each(["0", 0, false, "", null, undefined])("with %j states nothing: silence is no permission", (value) => {
    expect(ccpaFromGpc(value, { atMs: AT })).toBeUndefined();
  });

  it.each(["yes", "2", "true", "1; q=1", 2])("refuses %j by name", (value) => {
    expect(() => ccpaFromGpc(value)).toThrow(/^The Sec-GPC signal is .*; expected "1"/);
  });
});

/** A GPP string with these fields of one section. */
function writeGpp(sections: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string {
  const model = new GppModel();
  for (const [section, fields] of Object.entries(sections)) {
    for (const [field, value] of Object.entries(fields)) model.setFieldValue(section, field, value);
  }
  return model.encode();
}

const STATES = [...Sections.SECTION_ID_NAME_MAP.values()].filter((name) => /^us(?!pv1)/.test(name));

describe("a GPP string", () => {
  it("knows the national section and those of twenty states", () => {
    expect(STATES.length).toBeGreaterThanOrEqual(21);
  });

  it.each(STATES)("tells of an opt-out of sale in section %s", async (section) => {
    expect(await ccpaFromGpp(writeGpp({ [section]: { SaleOptOut: 1 } }), { atMs: AT })).toEqual(optedOut);
    expect(await ccpaFromGpp(writeGpp({ [section]: { SaleOptOut: 2 } }), { atMs: AT })).toEqual(notOptedOut);
    expect(await ccpaFromGpp(writeGpp({ [section]: { SaleOptOut: 0 } }), { atMs: AT })).toBeUndefined();
  });

  it.each([
    ["an opt-out of sharing, in the section of California", { usca: { SaleOptOut: 2, SharingOptOut: 1 } }, optedOut],
    ["an opt-out of sharing, in the national section", { usnat: { SharingOptOut: 1 } }, optedOut],
    ["sharing that was not objected to", { usnat: { SharingOptOut: 2 } }, notOptedOut],
    ["a browser's signal, against a choice that says otherwise", { usco: { SaleOptOut: 2, Gpc: true } }, optedOut],
    ["a browser without the signal", { usco: { SaleOptOut: 0, Gpc: false } }, undefined],
    [
      "one state's opt-out beside the other's permission",
      { usca: { SaleOptOut: 2 }, usva: { SaleOptOut: 1 } },
      optedOut,
    ],
    [
      "an opt-out of targeted advertising alone, which is not a sale",
      { usva: { TargetedAdvertisingOptOut: 1 } },
      undefined,
    ],
    ["the old string within the new one", { uspv1: { OptOutSale: "Y" } }, optedOut],
    ["the old string that permits", { uspv1: { OptOutSale: "N" } }, notOptedOut],
  ])("tells of %s", async (_, sections, told) => {
    expect(await ccpaFromGpp(writeGpp(sections), { atMs: AT })).toEqual(told);
  });

  it("states nothing about the sale of data when it only holds a European section", async () => {
    expect(await ccpaFromGpp(`DBABMA~${writeTcString({ purposes: [1] })}`, { atMs: AT })).toBeUndefined();
  });

  it("is read when it is padded, quoted or percent-encoded", async () => {
    const text = writeGpp({ usnat: { SaleOptOut: 1 } });
    for (const worn of [
      ` ${text}\n`,
      `"${text}"`,
      encodeURIComponent(text),
      text.replaceAll("~", "%7E"),
      `${text}==`,
    ]) {
      expect(await ccpaFromGpp(worn, { atMs: AT })).toEqual(optedOut);
    }
  });

  it.each(["x", "1YNN", "DBABLA~", "DBABLA~B", "DBABLA", "DBABLA~BVQqAAAAAgA.QA~BVQqAAAAAgA.QA", "DBABLA~!!", "DB"])(
    "is named when it is junk: %j",
    async (text) => {
      await expect(ccpaFromGpp(text)).rejects.toThrow(
        /^The GPP string is ".*"; expected a string of the Global Privacy/,
      );
    },
  );
});

describe("a TCF string", () => {
  const options = { purposes: { 1: "storage", 3: "ads_profile" }, vendors: { 755: "google" }, atMs: AT };
  const said = (storage: boolean, ads_profile: boolean, google: boolean): object => ({
    gdpr: Object.fromEntries(
      Object.entries({ storage, ads_profile, google }).map(([name, consented]) => [
        name,
        { consented, timestamp_unixtime_ms: AT },
      ]),
    ),
  });

  it.each([
    ["agreed to all that is asked", { purposes: [1, 3], vendors: [755] }, said(true, true, true)],
    ["agreed to a purpose, and not to the vendor", { purposes: [1], vendors: [2] }, said(true, false, false)],
    ["refused everything", {}, said(false, false, false)],
    [
      "did not object to a legitimate interest, which is no consent",
      { legitimateInterests: [3] },
      said(false, false, false),
    ],
  ])("of a user who %s", async (_, facts, told) => {
    expect(await consentFromTcf(writeTcString(facts), options)).toEqual(told);
  });

  it("agrees with the example of the specification", async () => {
    const text =
      "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw";
    const state = await consentFromTcf(text, { purposes: { 1: "a", 2: "b", 3: "c", 4: "d" }, vendors: { 2: "v" } });
    expect(Object.values(state?.gdpr ?? {}).map((one) => one?.consented)).toEqual([true, true, true, false, true]);
  });

  it("has consent to a name when each purpose of that name has it", async () => {
    const text = writeTcString({ purposes: [1, 4] });
    const state = await consentFromTcf(text, { purposes: { 1: "ads", 3: "ads", 4: "both" }, vendors: {} });
    expect([state?.gdpr?.["ads"]?.consented, state?.gdpr?.["both"]?.consented]).toEqual([false, true]);
  });

  it("says for each purpose and vendor what it was written with", async () => {
    const purpose = fc.integer({ min: 1, max: 11 });
    const vendor = fc.integer({ min: 1, max: 900 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(purpose),
        fc.uniqueArray(vendor),
        purpose,
        vendor,
        async (purposes, vendors, p, v) => {
          const state = await consentFromTcf(writeTcString({ purposes, vendors }), {
            purposes: { [p]: "p" },
            vendors: { [v]: "v" },
          });
          expect(state?.gdpr?.["p"]?.consented).toBe(purposes.includes(p));
          expect(state?.gdpr?.["v"]?.consented).toBe(vendors.includes(v));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("that was cut off anywhere is refused, or says what the whole one says", async () => {
    const whole = writeTcString({ purposes: [1, 3], vendors: [755] });
    for (let length = 1; length < whole.length; length++) {
      const told = await consentFromTcf(whole.slice(0, length), options).catch((error: unknown) => String(error));
      if (typeof told === "string") expect(told).toMatch(/^TypeError: The TCF string is "C/);
      else expect(told).toEqual(said(true, true, true));
    }
  });

  it("is read when it is padded, quoted, percent-encoded or in Base64 of another alphabet", async () => {
    const text = writeTcString({ purposes: [1, 3], vendors: [755] });
    const other = text.replaceAll("-", "+").replaceAll("_", "/");
    for (const worn of [` ${text}\n`, `"${text}"`, `${text}==`, `%22${text}%22`, encodeURIComponent(`${other}=`)]) {
      expect(await consentFromTcf(worn, options)).toEqual(said(true, true, true));
    }
  });

  it.each([
    "x",
    "CPX",
    "!!!!",
    "1YNN",
    "DBABLA~BVQqAAAAAgA.QA",
    "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA",
    "CAAA.",
    "C".repeat(60),
  ])("is named when it is junk: %j", async (text) => {
    const error = await consentFromTcf(text, options).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/^TypeError: The TCF string is ".*; expected a TC string of version 2/);
  });

  it.each([
    [{}, /Neither `purposes` nor `vendors` names anything/],
    [{ purposes: { 12: "x" } }, /`purposes` has the key "12"; expected a number from 1 to 11/],
    [{ purposes: { storage: 1 } as never }, /`purposes` has the key "storage"/],
    [{ purposes: { 1: "" } }, /`purposes\[1\]` is ""; expected the name of a purpose/],
    [{ vendors: [] as never }, /`vendors` is an array of 0; expected an object/],
    [undefined as never, /The options are undefined/],
  ])("refuses the mapping %j", async (mapping, message) => {
    await expect(consentFromTcf(writeTcString({}), mapping)).rejects.toThrow(message);
  });
});

it("a TCF string refuses an option that there is not", async () => {
  const misspelt: object = { purpose: { 1: "storage" } };
  await expect(consentFromTcf(writeTcString({}), misspelt)).rejects.toThrow(
    "There is no option `purpose`; expected `purposes`.",
  );
});

describe("each signal", () => {
  const readers = {
    consentFromTcf: (text: never, atMs?: number) => consentFromTcf(text, { purposes: { 1: "a" }, atMs }),
    ccpaFromGpp: (text: never, atMs?: number) => ccpaFromGpp(text, { atMs }),
    ccpaFromUsp: async (text: never, atMs?: number) => Promise.resolve(ccpaFromUsp(text, { atMs })),
    ccpaFromGpc: async (text: never, atMs?: number) => Promise.resolve(ccpaFromGpc(text, { atMs })),
  };

  it.each(Object.entries(readers))("that is absent states nothing: %s", async (_, read) => {
    for (const nothing of [undefined, null, "", "  ", '""']) {
      expect(await read(nothing as never)).toBeUndefined();
    }
  });

  it.each(Object.entries(readers))("that is not text is refused: %s", async (_, read) => {
    const attempt = async (value: unknown): Promise<unknown> => read(value as never);
    await expect(attempt({})).rejects.toThrow(TypeError);
    await expect(attempt(["1YNN"])).rejects.toThrow(TypeError);
  });

  it.each(Object.entries(readers))("refuses a time in seconds: %s", async (_, read) => {
    const attempt = async (): Promise<unknown> => read(undefined as never, 1_767_225_600);
    await expect(attempt()).rejects.toThrow("`atMs` is 1767225600; expected milliseconds since 1970");
  });

  it("counts as decided now when nothing else is said", () => {
    const before = Date.now();
    const time = Number(ccpaFromUsp("1YYN")?.ccpa?.data_sale_opt_out?.timestamp_unixtime_ms);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });
});
