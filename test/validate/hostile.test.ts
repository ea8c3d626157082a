import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Finding } from "../../src/errors.ts";
import { checkBatch, LINTS, SCHEMA_CODES, type CheckOptions } from "../../src/validate/validate.ts";
import { deepFreeze } from "../model/deep-freeze.ts";
import { batch, eventBatch, OBJECTS, type Members } from "../spec/payload-tables.ts";
import { full } from "../full.ts";

const NOW = 1_795_000_000_000;
const CODES = new Set(Object.keys({ ...SCHEMA_CODES, ...LINTS }));

/** Each way of looking at a batch; usually each profile and each endpoint once, because neither asks for the other. */
const WAYS: readonly CheckOptions[] = full(
  [
    { profile: "canonical", endpoint: "events", now: NOW },
    { profile: "wire", endpoint: "historical", now: NOW },
  ],
  (["canonical", "wire"] as const).flatMap((profile) =>
    (["events", "historical"] as const).map((endpoint) => ({ profile, endpoint, now: NOW })),
  ),
);

/** Whatever the batch: findings that can be shown, counted and looked up, errors first, one for each place. */
function expectFindings(payload: unknown, options: CheckOptions = {}): Finding[] {
  const findings = checkBatch(payload, options);
  expect(findings.length).toBeLessThanOrEqual(options.maxFindings ?? 100);
  const firstWarning = findings.findIndex(({ severity }) => severity === "warning");
  if (firstWarning >= 0) expect(findings.slice(firstWarning).map(({ severity }) => severity)).not.toContain("error");
  // As one expectation: there may be thousands.
  expect(
    findings.filter(({ code, path, message }) => !CODES.has(code) || !/^(?:\/|$)/.test(path) || message.length >= 1000),
  ).toEqual([]);
  expect(new Set(findings.map(({ path }) => path)).size).toBe(findings.length);
  return findings;
}

function count(findings: readonly Finding[], severity: Finding["severity"]): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

/** An object within an object within an object, as far down as asked for. */
function nested(levels: number, key: string): unknown {
  let value: unknown = {};
  for (let level = 0; level < levels; level++) value = { [key]: value };
  return value;
}

/** `count` keys of nobody's, a megabyte of them and more. */
function manyKeys(count: number): Members {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_number_${String(index)}`, index]));
}

/** Somewhere to put the values of a property test, so that they reach every part of the contract. */
const field = fc
  .constantFrom(...OBJECTS)
  .chain((table) => fc.tuple(fc.constant(table), fc.constantFrom(...Object.keys(table.fields), "__proto__")));

describe("any value at all", () => {
  it("is judged, when it is JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...WAYS), (value, way) => {
        expectFindings(value, way);
      }),
    );
  });

  it("is judged in every key of every object of the contract, when it is JSON", () => {
    fc.assert(
      fc.property(field, fc.jsonValue(), fc.constantFrom(...WAYS), ([{ place, required }, key], value, way) => {
        expectFindings(place({ ...required, [key]: value }), way);
      }),
      { numRuns: full(40, 1_000) },
    );
  });

  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  // Made where they are used: fast-check looks into the values it hands out, which some of these do not allow.
  const unheardOf = fc.oneof(
    anything.map((value) => () => value),
    anything.map((value) => () => [Symbol("a"), () => value]),
    anything.map((value) => () => cyclic(value)),
    anything.map((thrown) => () => throwing(thrown)),
    anything.map((value) => () => new Proxy({ value }, {})),
    fc
      .constantFrom("get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor")
      .map((trap) => () => trapped(trap)),
  );

  it("is judged, when it is no JSON by far", () => {
    fc.assert(
      fc.property(unheardOf, fc.constantFrom(...WAYS), (make, way) => {
        expectFindings(make(), way);
      }),
    );
  });

  it("is judged in every key of every object of the contract, when it is no JSON by far", () => {
    fc.assert(
      fc.property(field, unheardOf, fc.constantFrom(...WAYS), ([{ place, required }, key], make, way) => {
        expectFindings(place({ ...required, [key]: make() }), way);
      }),
      { numRuns: full(40, 1_000) },
    );
  });

  it("is left as it was", () => {
    fc.assert(
      fc.property(field, fc.jsonValue(), ([{ place, required }, key], value) => {
        const frozen = deepFreeze(place({ ...required, [key]: value }));
        for (const way of WAYS) expectFindings(frozen, way);
      }),
    );
  });

  it("is left as it was when it can be refused for anything", () => {
    const wrong = deepFreeze(
      eventBatch("custom_event", { ...manyKeys(50), custom_attributes: { a: {} }, event_name: 5 }),
    );
    for (const way of WAYS) expect(expectFindings(wrong, way)).not.toEqual([]);
  });
});

function cyclic(value: unknown): unknown {
  const object: Record<string, unknown> = { value };
  object["self"] = object;
  object["list"] = [object];
  return object;
}

function throwing(thrown: unknown): unknown {
  return {
    get value(): unknown {
      throw thrown;
    },
  };
}

/** A proxy with one trap, which throws. */
function trapped(trap: string): unknown {
  return new Proxy(
    { value: 1 },
    {
      [trap]: () => {
        throw new TypeError(`no ${trap} here`);
      },
    },
  );
}

describe("nesting of 100,000 levels", () => {
  const LEVELS = 100_000;
  const deep = nested(LEVELS, "a");
  const places: readonly (readonly [string, unknown])[] = [
    ["instead of a batch", deep],
    ["in a key that nobody knows", batch({ unheard_of: deep })],
    ["in a user attribute", batch({ user_attributes: { a: deep } })],
    ["in a custom flag", eventBatch("first_run", { custom_flags: { a: deep } })],
    ["in device_info", batch({ device_info: deep })],
    ["in consent", batch({ consent_state: { gdpr: deep, ccpa: deep } })],
    ["of data within data", batch({ events: [{ event_type: "first_run", data: nested(LEVELS, "data") }] })],
    ["of events within events", batch({ events: [nested(LEVELS, "events")] })],
    ["of breadcrumbs", eventBatch("crash_report", { breadcrumbs: [nested(LEVELS, "data")] })],
    ["of arrays", JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`)],
  ];
  it.each(places)("is refused or passed over %s", (_, payload) => {
    for (const way of WAYS) {
      const findings = expectFindings(payload, way);
      expect(findings.map(({ code }) => code)).not.toContain("unreadable");
      expect(findings.length).toBeLessThan(10);
    }
  });

  it("is an error in a custom flag on the wire, where it could not be sent", () => {
    const payload = eventBatch("first_run", { custom_flags: { a: deep } });
    expect(checkBatch(payload, { profile: "wire", now: NOW })[0]).toMatchObject({
      severity: "error",
      code: "not-serializable",
      path: "/events/0/data/custom_flags/a",
    });
  });
});

describe("thousands of keys", () => {
  const keys = manyKeys(full(1_200, 60_000));
  const places: readonly (readonly [string, unknown])[] = [
    ["on the batch", batch(keys)],
    ["in user_identities", batch({ user_identities: keys })],
    ["in user_attributes", batch({ user_attributes: keys })],
    ["in integration_attributes", batch({ integration_attributes: keys })],
    ["in consent", batch({ consent_state: { ccpa: keys, gdpr: keys } })],
    ["on an event", batch({ events: [keys] })],
    [
      "in the data of an event whose own keys are missing",
      batch({ events: [{ event_type: "custom_event", data: keys }] }),
    ],
    ["in the attributes of an event", eventBatch("first_run", { custom_attributes: keys, custom_flags: keys })],
  ];
  it.each(places)("has as many findings as were asked for, %s", (_, payload) => {
    for (const way of WAYS) expectFindings(payload, way);
    expect(expectFindings(payload, { profile: "wire", maxFindings: 3 }).length).toBeLessThanOrEqual(3);
  });

  it("costs no more than 1,000 errors when all of them are wanted", () => {
    const findings = expectFindings(batch(keys), { lints: false, maxFindings: Infinity });
    expect(findings).toHaveLength(1000);
  });
});

describe("keys that every object seems to have", () => {
  const inherited = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "prototype"];

  /** As JSON.parse makes them: own keys, `__proto__` among them. */
  function withInherited(holder: string): unknown {
    const keys = inherited.map((key) => `"${key}":{"polluted":true}`).join();
    return JSON.parse(holder.replace("…", keys));
  }

  const holders: readonly (readonly [string, string, string])[] = [
    ["the batch", '{"environment":"development",…}', ""],
    ["identities", '{"environment":"development","user_identities":{…}}', "/user_identities"],
    ["a location", '{"environment":"development","context":{"location":{…}}}', "/context/location"],
    [
      "the data of an event",
      '{"environment":"development","events":[{"event_type":"first_run","data":{…}}]}',
      "/events/0/data",
    ],
    ["an event", '{"environment":"development","events":[{"event_type":"first_run","data":{},…}]}', "/events/0"],
  ];
  it.each(holders)("are unknown keys of %s", (_, holder, path) => {
    for (const way of WAYS) {
      const findings = expectFindings(withInherited(holder), way);
      const unknown = findings.filter(({ code }) => code === "unknown-key").map((finding) => finding.path);
      expect(unknown).toEqual(inherited.map((key) => `${path}/${key}`));
    }
    expect({}).not.toHaveProperty("polluted");
  });

  const maps: readonly (readonly [string, string])[] = [
    ["user attributes", '{"environment":"development","user_attributes":{…}}'],
    ["consent", '{"environment":"development","consent_state":{"gdpr":{…}}}'],
    ["integrations", '{"environment":"development","integration_attributes":{…}}'],
  ];
  it.each(maps)("are keys like any other of %s, and pollute nothing", (_, holder) => {
    for (const way of WAYS) {
      const findings = expectFindings(withInherited(holder), way);
      expect(findings.map(({ code }) => code)).not.toContain("unreadable");
      expect(findings.map(({ path }) => path.split("/").slice(1))).toContainEqual(
        expect.arrayContaining(["__proto__"]),
      );
    }
    expect({}).not.toHaveProperty("polluted");
  });

  it("are no event types", () => {
    for (const event_type of inherited) {
      for (const way of WAYS) {
        expect(expectFindings(batch({ events: [{ event_type, data: {} }] }), way)[0]).toMatchObject({
          code: "unknown-event-type",
          path: "/events/0/event_type",
        });
      }
    }
  });

  it("are no environments, and no lints to switch off", () => {
    for (const key of inherited) {
      expect(checkBatch({ environment: key }, { lints: false })).toMatchObject([{ code: "value-not-allowed" }]);
      expect(() => checkBatch({}, { lints: { [key]: false } })).toThrow(
        `\`lints\` is "${key}"; expected a code of LINTS`,
      );
    }
  });

  it("stay the keys of one batch alone when what a batch lacks is on the prototype of another", () => {
    const heir: unknown = Object.create({ environment: "production" });
    for (const way of WAYS) {
      expect(expectFindings(heir, way)).toContainEqual(
        expect.objectContaining({ severity: "error", code: "lost-in-json", path: "/environment" }),
      );
    }
  });
});

describe("a batch that is an instance of a class", () => {
  class Sent {
    readonly environment = "production";
    readonly user_identities = { customer_id: "42" };
    readonly user_attributes = { tier: "gold" };
  }
  class Lazy extends Sent {
    readonly #id = 5n;
    get mpid(): bigint {
      return this.#id;
    }
    get size(): number {
      return Object.keys(this).length;
    }
    send(): void {}
  }

  it("is one like any other when its fields are all there is", () => {
    for (const way of WAYS) expect(checkBatch(new Sent(), { ...way, endpoint: "events" })).toEqual([]);
  });

  it("has an error for each key that a getter of its class holds, and none for what is no key of a batch", () => {
    for (const way of WAYS) {
      const found = checkBatch(new Lazy(), { ...way, endpoint: "events" });
      expect(found.map(({ severity, code, path }) => [severity, code, path])).toEqual([
        ["error", "lost-in-json", "/mpid"],
      ]);
    }
  });

  it("is held against the contract for what JSON sends of it alone", () => {
    expect(checkBatch(new Lazy(), { lints: false })).toEqual([]);
    const missing = Object.defineProperties(new Lazy(), { environment: { enumerable: false } });
    expect(checkBatch(missing, { lints: false })).toMatchObject([{ code: "lost-in-json", path: "/environment" }]);
  });

  it("is believed when it has a toJSON, though nobody knows what that does", () => {
    class Written extends Lazy {
      toJSON(): unknown {
        return { environment: this.environment, mpid: String(this.mpid) };
      }
    }
    const unseen = Object.defineProperties(new Written(), { environment: { enumerable: false } });
    for (const way of WAYS) {
      expect(checkBatch(unseen, { ...way, endpoint: "events" })).toMatchObject([
        { severity: "warning", code: "to-json-present", path: "" },
      ]);
    }
  });

  it("is judged in bounded time, whatever it claims to descend from", () => {
    const endless: unknown = new Proxy({}, { getPrototypeOf: () => endless as object });
    const deep = Array.from({ length: full(2_000, 100_000) }).reduce<object>(
      (above) => Object.create(above) as object,
      {},
    );
    for (const descendant of [endless, deep]) {
      for (const way of WAYS) {
        expectFindings(descendant, way);
        expectFindings(batch({ user_attributes: descendant, events: [descendant] }), way);
      }
    }
  });
});

describe("an array that claims 50,000,000 entries and has none", () => {
  const holes = (): unknown[] => Object.assign([], { length: 50_000_000 });
  const places: readonly (readonly [string, (list: unknown[]) => unknown])[] = [
    ["of events", (list) => batch({ events: list })],
    ["of names", (list) => batch({ deleted_user_attributes: list })],
    ["for a user attribute", (list) => batch({ user_attributes: { a: list } })],
    ["for a changed user attribute", (list) => eventBatch("user_attribute_change", { new: list, old: null })],
    ["for a flag", (list) => eventBatch("first_run", { custom_flags: { a: list, b: { c: list } } })],
    ["of breadcrumbs", (list) => eventBatch("crash_report", { breadcrumbs: list })],
    ["of products", (list) => eventBatch("commerce_event", { product_action: { action: "click", products: list } })],
    ["in a key that only the wire has", (list) => batch({ api_keys: list })],
  ];
  it.each(places)("is judged in bounded time, %s", (_, place) => {
    for (const way of WAYS) {
      // Of this process alone: others may have the processors.
      const started = process.cpuUsage();
      expectFindings(place(holes()), way);
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1_000).toBeLessThan(2000);
    }
  });

  it("keeps the lints from the rest of a batch no longer than it takes to see that there is nothing more to say", () => {
    const events = [{ event_type: "first_run", data: { timestamp_unixtime_ms: NOW / 1000 } }];
    const payload = batch({ user_identities: { customer_id: "42" }, events, deleted_user_attributes: holes() });
    expect(checkBatch(payload, { now: NOW }).map(({ severity }) => severity)).not.toContain("warning");
    expect(checkBatch(payload, { now: NOW, maxFindings: 1001 }).at(-1)).toMatchObject({ severity: "warning" });
  });
});

const EVENTS = full(1_200, 100_000);

describe(`${String(EVENTS)} events, each of them wrong`, () => {
  const wrong = Array.from({ length: EVENTS }, (_, index) => ({
    event_type: "custom_event",
    data: { event_name: index, custom_event_type: "purchase", timestamp_unixtime_ms: NOW / 1000 },
  }));
  const payload = { events: wrong, environment: "production" };

  it("have 100 findings, all of them errors", () => {
    for (const way of WAYS) {
      const findings = expectFindings(payload, way);
      expect([findings.length, count(findings, "error")]).toEqual([100, 100]);
    }
  });

  it("have as many findings as were asked for, and never more than 1,000 errors of the contract", () => {
    expect(expectFindings(payload, { maxFindings: 1 })).toHaveLength(1);
    expect(expectFindings(payload, { maxFindings: Infinity, lints: false })).toHaveLength(1000);
  });

  it("have errors told before warnings, however many warnings come first", () => {
    const warned = Array.from({ length: EVENTS }, () => ({
      event_type: "first_run",
      data: { timestamp_unixtime_ms: NOW / 1000 },
    }));
    const [first] = wrong;
    const findings = expectFindings({ environment: "production", events: [...warned, first] }, { now: NOW });
    expect(findings).toHaveLength(100);
    expect(findings.slice(0, 3).map(({ severity, path }) => [severity, path])).toEqual([
      ["error", `/events/${String(EVENTS)}/data/event_name`],
      ["error", `/events/${String(EVENTS)}/data/custom_event_type`],
      ["warning", "/events/0/data/timestamp_unixtime_ms"],
    ]);
  });

  it("have all their warnings told when all are wanted, each once", () => {
    const some = Math.min(EVENTS, 5_000);
    const events = Array.from({ length: some }, () => ({
      event_type: "first_run",
      data: { timestamp_unixtime_ms: NOW + 1e9 },
    }));
    const all = { maxFindings: Infinity, now: NOW };
    const payload = batch({ user_identities: { customer_id: "42" }, events });
    expect(count(expectFindings(payload, all), "warning")).toBe(some);
    // Too recent for history, and in the future besides: the error takes the place of the warning.
    const historical = expectFindings(payload, { ...all, endpoint: "historical" });
    expect([count(historical, "error"), count(historical, "warning")]).toEqual([some, 0]);
  });

  it("are compared with the known keys only as often as there are findings", () => {
    const stray = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`custom_evnt_typ_${String(index)}`, 1]),
    );
    const events = Array.from({ length: full(200, 1_000) }, () => ({ event_type: "custom_event", data: stray }));
    expect(expectFindings(batch({ events }), { profile: "wire", lints: false })).toHaveLength(100);
  });
});

/** The value as it is, and how often anything in it was looked at. */
function counted(value: unknown): { readonly payload: unknown; readonly reads: () => number } {
  let reads = 0;
  const watch = (target: unknown): unknown => {
    if (typeof target !== "object" || target === null) return target;
    return new Proxy(target, {
      get(object, key): unknown {
        reads++;
        return watch(Reflect.get(object, key));
      },
    });
  };
  return { payload: watch(value), reads: () => reads };
}

describe("the work of a check", () => {
  // More than there can be findings.
  const SOME = full(200, 500);
  const kinds: readonly (readonly [string, (size: number) => unknown])[] = [
    ["events", (size) => batch({ events: Array(size).fill({ event_type: "first_run", data: { event_num: 1 } }) })],
    ["wrong events", (size) => batch({ events: Array(size).fill({ event_type: "custom_event", data: { a: 1 } }) })],
    ["unknown keys", (size) => batch(manyKeys(size))],
    ["user attributes", (size) => batch({ user_attributes: manyKeys(size) })],
    ["flags", (size) => eventBatch("first_run", { custom_flags: { list: Array(size).fill([1]) } })],
  ];
  it.each(kinds)("grows with the number of %s, and no faster", (_, make) => {
    for (const way of WAYS) {
      const [some, twice] = [counted(make(SOME)), counted(make(2 * SOME))];
      checkBatch(some.payload, way);
      checkBatch(twice.payload, way);
      expect(twice.reads()).toBeLessThanOrEqual(2 * some.reads());
    }
  });

  it("does not grow with the depth of what it does not look into", () => {
    for (const way of WAYS) {
      const [some, twice] = [500, full(10_000, 100_000)].map((levels) =>
        counted(eventBatch("first_run", { custom_flags: { a: nested(levels, "a") } })),
      );
      checkBatch(some?.payload, way);
      checkBatch(twice?.payload, way);
      expect(twice?.reads()).toBe(some?.reads());
    }
  });
});

describe("very long texts", () => {
  const LENGTH = full(200_000, 2_000_000);
  const LONG = "x".repeat(LENGTH);
  const EMOJI = "🚀".repeat(LENGTH / 2);
  const values: readonly (readonly [string, unknown])[] = [
    ["for a batch", LONG],
    ["for an environment", batch({ environment: LONG })],
    ["for an event type", batch({ events: [{ event_type: LONG, data: {} }] })],
    ["for a name", eventBatch("custom_event", { event_name: EMOJI })],
    ["for an attribute", batch({ user_attributes: { a: EMOJI, b: [EMOJI] } })],
    ["for an id", batch({ mpid: "9".repeat(LENGTH), mp_deviceid: LONG })],
    ["for a bigint", batch({ mpid: 10n ** 20_000n })],
    ["for a number", batch({ context: { location: { latitude: "1".repeat(LENGTH), longitude: `${LONG}e` } } })],
    ["for a time", eventBatch("first_run", { timestamp_unixtime_ms: ` ${"1".repeat(LENGTH)} ` })],
    ["for an address", batch({ ip: "1.".repeat(LENGTH / 2) })],
    ["for an address in hexadecimal", batch({ ip: ":".repeat(LENGTH) })],
    [
      "for a currency and a country",
      eventBatch("commerce_event", { currency_code: LONG, location: { country_code: LONG } }),
    ],
    ["for an identity", batch({ user_identities: { customer_id: " ".repeat(LENGTH) } })],
  ];
  it.each(values)("are shown shortened %s", (_, payload) => {
    for (const way of WAYS) {
      const findings = expectFindings(payload, way);
      for (const { message, hint = "", path } of findings) {
        expect(message.length + hint.length).toBeLessThan(700);
        expect(path.length).toBeLessThan(100);
      }
    }
  });

  it("are where a finding points to when they are keys, and shown shortened in what it says", () => {
    const payload: unknown = JSON.parse(`{"environment":"production","${LONG}":1,"user_attributes":{"${EMOJI}":{}}}`);
    for (const way of WAYS) {
      const findings = expectFindings(payload, way);
      expect(findings.map(({ path }) => path)).toEqual(
        expect.arrayContaining([`/${LONG}`, `/user_attributes/${EMOJI}`]),
      );
    }
  });
});

describe("an option that there is not", () => {
  // What TypeScript refuses; the values come from JavaScript or from a configuration file.
  const wrong: readonly (readonly [
    Readonly<Record<string, unknown>> | null,
    typeof TypeError | typeof RangeError,
    string,
  ])[] = [
    [{ profile: "strict" }, TypeError, '`profile` is "strict"; expected "canonical" or "wire".'],
    [{ profile: null }, TypeError, '`profile` is null; expected "canonical" or "wire".'],
    [{ profile: 5n }, TypeError, '`profile` is the bigint 5; expected "canonical" or "wire".'],
    [{ endpoint: "single" }, TypeError, '`endpoint` is "single"; expected "events", "bulk" or "historical".'],
    [{ profil: "wire" }, TypeError, "There is no option `profil`; expected `profile`."],
    [{ max_findings: 5 }, TypeError, "There is no option `max_findings`; expected `maxFindings`."],
    [{ lints: "off" }, TypeError, '`lints` is "off"; expected a boolean, or an object of booleans by lint.'],
    [{ lints: null }, TypeError, "`lints` is null; expected a boolean, or an object of booleans by lint."],
    [
      { lints: ["no-identity"] },
      TypeError,
      "`lints` is an array of 1; expected a boolean, or an object of booleans by lint.",
    ],
    [
      { lints: { "no-identiy": false } },
      TypeError,
      '`lints` is "no-identiy"; expected a code of LINTS, such as "no-identity".',
    ],
    [{ lints: { "wrong-type": false } }, TypeError, '`lints` is "wrong-type"; expected a code of LINTS.'],
    [{ lints: { "no-identity": "off" } }, TypeError, '`lints["no-identity"]` is "off"; expected a boolean.'],
    [null, TypeError, "The options are null; expected an object."],
    [{ maxFindings: 0 }, RangeError, "`maxFindings` is the number 0; expected at least 1."],
    [{ maxFindings: Number.NaN }, RangeError, "`maxFindings` is the number NaN; expected at least 1."],
    [{ maxFindings: "10" }, RangeError, '`maxFindings` is "10"; expected at least 1.'],
    [{ maxFindings: 5n }, RangeError, "`maxFindings` is the bigint 5; expected at least 1."],
    [{ now: Number.NaN }, RangeError, "`now` is the number NaN; expected milliseconds since the Unix epoch."],
    [{ now: () => "noon" }, RangeError, '`now` is "noon"; expected milliseconds since the Unix epoch.'],
    [{ now: new Date(NOW) }, RangeError, "`now` is a Date; expected milliseconds since the Unix epoch."],
  ];
  it.each(wrong)("is named with its value and what was expected: %o", (options, error, message) => {
    expect(() => checkBatch(batch({}), options as CheckOptions)).toThrow(new error(message)); // as JavaScript would pass it
  });

  it("is one that was left out when it is undefined", () => {
    const none = { profile: undefined, lints: undefined, endpoint: undefined, now: undefined, maxFindings: undefined };
    expect(checkBatch({}, none)).toEqual(checkBatch({}));
    expect(checkBatch({}, { lints: { "no-identity": undefined } })).toEqual(checkBatch({}));
  });

  it("is not a clock that throws: that is the caller's, and no fault of the batch", () => {
    const now = () => {
      throw new Error("the clock has stopped");
    };
    expect(() => checkBatch(batch({}), { now })).toThrow("the clock has stopped");
  });
});
