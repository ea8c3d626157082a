import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../generated/contract.ts";
import { validateBatch as canonical } from "../../generated/validators/canonical.js";
import { validateBatch as wire } from "../../generated/validators/wire.js";
import { batch, eventBatch, NULL_DATA, OBJECTS, REQUIRED_DATA, type Members } from "./payload-tables.ts";

type Validate = typeof canonical;

/** What a validator says: nothing, or where and why, in one line each. */
function complaints(validate: Validate, value: unknown): string[] {
  const valid = validate(value);
  const errors = validate.errors ?? [];
  // Asked thousands of times, which an expectation each would take longer for than the validators.
  if (valid !== (errors.length === 0))
    expect.fail(`${show(value)} is ${valid ? "valid, with" : "wrong, without"} errors.`);
  return errors.map((error) => `${error.instancePath}: ${error.message}`);
}

/** As JSON, except that a bigint has no JSON text. */
function show(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === "bigint" ? String(member) : member));
}

function expectNoComplaint(validate: Validate, value: unknown): void {
  const found = complaints(validate, value);
  if (found.length > 0) expect.fail(`${show(value)} gives ${JSON.stringify(found)}.`);
}

/** Expects that a refusal points at the value itself or at something in it. */
function expectRefusal(validate: Validate, value: unknown, at: string): void {
  const found = complaints(validate, value);
  const inside = (text: string) => text.startsWith(`${at}:`) || text.startsWith(`${at}/`);
  if (found.length === 0 || !found.every(inside))
    expect.fail(`At ${at}: ${show(value)} gives ${JSON.stringify(found)}.`);
}

describe.each(OBJECTS)("$name", (table) => {
  const { name, at, place, required = {}, optionalOnWire = [], fields, wireFields = {}, closedOnWire } = table;

  it.each(Object.entries(fields))("takes and refuses in %s what the contract says", (field, kind) => {
    const given = (value: unknown) => place({ ...required, [field]: value });
    for (const value of kind.both) {
      expectNoComplaint(canonical, given(value));
      expectNoComplaint(wire, given(value));
    }
    for (const value of kind.wire ?? []) {
      expectNoComplaint(wire, given(value));
      expectRefusal(canonical, given(value), `${at}/${field}`);
    }
    for (const value of kind.neither) {
      expectRefusal(canonical, given(value), `${at}/${field}`);
      expectRefusal(wire, given(value), `${at}/${field}`);
    }
  });

  it.each(Object.entries(wireFields))("knows %s on the wire only", (field, kind) => {
    const given = (value: unknown) => place({ ...required, [field]: value });
    for (const value of [...kind.both, ...(kind.wire ?? [])]) {
      expectNoComplaint(wire, given(value));
      expectRefusal(canonical, given(value), at);
    }
    for (const value of kind.neither) expectRefusal(wire, given(value), `${at}/${field}`);
  });

  it("takes what is required and nothing else", () => {
    expect(complaints(canonical, place(required))).toEqual([]);
    expect(complaints(wire, place(required))).toEqual([]);
  });

  for (const field of Object.keys(required)) {
    it(`misses ${field} ${optionalOnWire.includes(field) ? "in the canonical profile only" : "in both profiles"}`, () => {
      const others = Object.fromEntries(Object.entries(required).filter(([name]) => name !== field));
      const message = `${at}: must have required property '${field}'`;
      expect(complaints(canonical, place(others))).toContain(message);
      if (optionalOnWire.includes(field)) expect(complaints(wire, place(others))).toEqual([]);
      else expect(complaints(wire, place(others))).toContain(message);
    });
  }

  it("takes nothing from a prototype, and no member that is not enumerable: JSON would not send it", () => {
    const inherited = Object.create({ ...required, mispelt_key: 1 }) as Members;
    const hidden = Object.entries({ ...required, mispelt_key: 1 }).map(([key, value]) => [key, { value }] as const);
    for (const validate of [canonical, wire]) {
      const ofNothing = complaints(validate, place({}));
      expect(complaints(validate, place(inherited))).toEqual(ofNothing);
      expect(complaints(validate, place(Object.defineProperties({}, Object.fromEntries(hidden))))).toEqual(ofNothing);
    }
  });

  it("takes a member that is undefined for one that is absent", () => {
    const absent = Object.fromEntries(Object.keys(fields).map((field) => [field, undefined]));
    expect(complaints(canonical, place({ ...absent, ...required }))).toEqual([]);
    expect(complaints(wire, place({ ...absent, ...required }))).toEqual([]);
  });

  it("takes null for every optional member at once, as an SDK that serialises nulls sends it", () => {
    const optional = [...Object.keys(fields), ...Object.keys(wireFields)].filter((field) => !(field in required));
    const nulls = Object.fromEntries(optional.map((field) => [field, null]));
    expect(complaints(wire, place({ ...nulls, ...required }))).toEqual([]);
  });

  it(`refuses a misspelt key ${closedOnWire ? "in both profiles" : "in the canonical profile"}`, () => {
    const misspelt = place({ ...required, mispelt_key: table.unknownMember ?? "x" });
    expect(canonical(misspelt)).toBe(false);
    expect(canonical.errors?.map(({ instancePath, params }) => [instancePath, params["additionalProperty"]])).toEqual([
      [at, "mispelt_key"],
    ]);
    expect(wire(misspelt), name).toBe(closedOnWire !== true);
  });
});

describe.each(EVENT_TYPES)("an event of type %s", (type) => {
  const data = REQUIRED_DATA[type];
  const wrapped = (event: Members) => batch({ events: [event] });

  it("is told by its type, and reported on as that type alone", () => {
    expect(complaints(canonical, wrapped({ event_type: type, data: { ...data, mispelt_key: 1 } }))).toEqual([
      "/events/0/data: must NOT have additional properties",
    ]);
  });

  it("is refused without its type, whatever its data", () => {
    for (const validate of [canonical, wire]) {
      expect(complaints(validate, wrapped({ data }))).toEqual(["/events/0: must have required property 'event_type'"]);
    }
  });

  it("is refused without data", () => {
    for (const validate of [canonical, wire]) expectRefusal(validate, wrapped({ event_type: type }), "/events/0");
  });

  it("is refused when its data is no object", () => {
    for (const none of ["x", 5, true, [], [data]]) {
      for (const validate of [canonical, wire])
        expectRefusal(validate, wrapped({ event_type: type, data: none }), "/events/0/data");
    }
  });

  it(`has null data ${NULL_DATA.includes(type) ? "on the wire" : "nowhere"}`, () => {
    const event = wrapped({ event_type: type, data: null });
    expectRefusal(canonical, event, "/events/0/data");
    expect(wire(event)).toBe(NULL_DATA.includes(type));
  });

  it("has further members beside its data on the wire only", () => {
    const event = wrapped({ event_type: type, data, message_id: "x" });
    expectRefusal(canonical, event, "/events/0");
    expect(complaints(wire, event)).toEqual([]);
  });
});

describe("the wire profile alone", () => {
  const onWire: readonly (readonly [string, unknown])[] = [
    ["a batch without an environment", { events: [] }],
    ["nothing at all", {}],
    ["keys that nobody knows", batch({ unheard_of: { of: [] } })],
    ["the customer id as three SDKs spell it", batch({ user_identities: { customerid: "42" } })],
    ["both spellings of the customer id", batch({ user_identities: { customerid: "42", customer_id: "42" } })],
    ["numbers for identities", batch({ user_identities: { customer_id: 42 } })],
    ["numbers for partner identities", batch({ partner_identities: { a_b: 42 } })],
    ["numbers for integration attributes", batch({ integration_attributes: { "92": { a: 1, b: null } } })],
    ["more than 100 user attributes", batch({ user_attributes: many(101) })],
    ["a user attribute name of 257 characters", batch({ user_attributes: { ["n".repeat(257)]: "x" } })],
    ["a user attribute of 4,097 characters", batch({ user_attributes: { a: "x".repeat(4097) } })],
    ["a user attribute of 1,001 entries", batch({ user_attributes: { a: Array(1001).fill("x") } })],
    ["a user attribute entry of 513 characters", batch({ user_attributes: { a: ["x".repeat(513)] } })],
    ["null in a list", batch({ user_attributes: { a: ["x", null] } })],
    ["more than 100 event attributes", eventBatch("first_run", { custom_attributes: many(101) })],
    ["an event attribute of 4,097 characters", eventBatch("first_run", { custom_attributes: { a: "x".repeat(4097) } })],
    ["numbers for product attributes", product({ custom_attributes: { a: 1 } })],
    [
      "a CCPA purpose of another name",
      batch({ consent_state: { ccpa: { sale: { consented: true, timestamp_unixtime_ms: 1 } } } }),
    ],
    ["a GDPR purpose that is null", batch({ consent_state: { gdpr: { marketing: null } } })],
    ["a CCPA purpose of another name that is null", batch({ consent_state: { ccpa: { sale: null } } })],
    ["an integration without attributes", batch({ integration_attributes: { "92": null } })],
    [
      "a version of Apple Search Ads without attributes",
      batch({ application_info: { apple_search_ads_attributes: { "version3.1": null } } }),
    ],
    ["a screen of more pixels than 32 bits count", batch({ device_info: { screen_height: 3e9 } })],
    ["an Android id that is empty", batch({ device_info: { android_advertising_id: "", supports_telephony: "" } })],
    [
      "orientations as numbers",
      eventBatch("first_run", { device_current_state: { device_orientation: 6, status_bar_orientation: 1 } }),
    ],
    ["a batch id as a string", batch({ batch_id: "-3676785262209506563", schema_version: 2 })],
    ["an event id as a string", eventBatch("breadcrumb", { event_id: "6004677780660780000" })],
    ["a quarantined batch", batch({ context: { data_plan: { plan_id: "shop", block_metadata: { a: [] } } } })],
    ["a pre-attribution event", batch({ events: [{ event_type: "pre_attribution", data: { whatever: 1 } }] })],
    ["a push reaction event", batch({ events: [{ event_type: "push_reaction", data: { event_id: "5" } }] })],
    ["a channel that no list has", batch({ source_info: { channel: "All" } })],
    ["an opt-out that says nothing", batch({ events: [{ event_type: "opt_out", data: {} }] })],
    [
      "an identity change with one side",
      batch({ events: [{ event_type: "user_identity_change", data: { new: null } }] }),
    ],
  ];

  it.each(onWire)("takes %s", (_, value) => {
    expect(complaints(wire, value)).toEqual([]);
    expect(canonical(value)).toBe(false);
  });
});

describe("both profiles", () => {
  const taken: readonly (readonly [string, unknown])[] = [
    ["a batch without events", batch({ user_attributes: { tier: "gold" } })],
    ["a location without anything", eventBatch("custom_event", { location: {} })],
    ["100 user attributes", batch({ user_attributes: many(100) })],
    ["4,096 characters beyond the basic plane", batch({ user_attributes: { a: "🚀".repeat(4096) } })],
    ["a name of 257 characters, which the service cuts", eventBatch("custom_event", { event_name: "n".repeat(257) })],
    ["no commerce payload, which only a lint minds", eventBatch("commerce_event")],
    [
      "several commerce payloads, which only a lint minds",
      eventBatch("commerce_event", { product_action: { action: "click" }, product_impressions: [{}] }),
    ],
    ["an attribute called __proto__", batch({ user_attributes: JSON.parse('{"__proto__": "x"}') as unknown })],
  ];
  it.each(taken)("take %s", (_, value) => {
    expect(complaints(canonical, value)).toEqual([]);
    expect(complaints(wire, value)).toEqual([]);
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["null instead of a batch", null, ""],
    ["an array instead of a batch", [batch({})], ""],
    ["a string instead of a batch", "{}", ""],
    ["undefined instead of a batch", undefined, ""],
    ["an event without its wrapper", batch({ events: [{ event_name: "a", custom_event_type: "other" }] }), "/events/0"],
    ["an empty event type", batch({ events: [{ event_type: "", data: {} }] }), "/events/0"],
    ["an event type that is null", batch({ events: [{ event_type: null, data: {} }] }), "/events/0"],
    ["an event of type unknown", batch({ events: [{ event_type: "unknown", data: {} }] }), "/events/0"],
    ["a validation result", batch({ events: [{ event_type: "validation_result", data: {} }] }), "/events/0"],
    ["an event type off an object's prototype", batch({ events: [{ event_type: "toString", data: {} }] }), "/events/0"],
    ["an identity that nobody knows", batch({ user_identities: { other_id_1: "x" } }), "/user_identities"],
    ["the customer id in camel case", batch({ user_identities: { customerId: "x" } }), "/user_identities"],
    ["the name another service has for email", batch({ user_identities: { email_address: "x" } }), "/user_identities"],
    [
      "identities in a list, as output has them",
      batch({ user_identities: [{ identity_type: "email" }] }),
      "/user_identities",
    ],
    ["an object in a user attribute", batch({ user_attributes: { a: {} } }), "/user_attributes/a"],
    ["an object in a list in a user attribute", batch({ user_attributes: { a: [{}] } }), "/user_attributes/a/0"],
    ["a list in a list in a user attribute", batch({ user_attributes: { a: [["x"]] } }), "/user_attributes/a/0"],
    ["a list of user attributes", batch({ user_attributes: ["a"] }), "/user_attributes"],
    [
      "a list in an event attribute",
      eventBatch("custom_event", { custom_attributes: { a: ["x"] } }),
      "/events/0/data/custom_attributes/a",
    ],
    [
      "the wish list action spelt like the commerce type",
      eventBatch("commerce_event", { product_action: { action: "remove_from_wishlist" } }),
      "/events/0/data/product_action/action",
    ],
    [
      "consent that is not told apart by purpose",
      batch({ consent_state: { gdpr: { consented: true, timestamp_unixtime_ms: 1 } } }),
      "/consent_state/gdpr",
    ],
    ["consent without a decision", batch({ consent_state: { gdpr: { a: {} } } }), "/consent_state/gdpr/a"],
    ["a partner identity that is an object", batch({ partner_identities: { a_b: {} } }), "/partner_identities/a_b"],
    [
      "integration attributes one level short",
      batch({ integration_attributes: { "92": "x" } }),
      "/integration_attributes/92",
    ],
    ["a rounded profile id", batch({ mpid: 7346244611012968789 }), "/mpid"],
    ["a profile id beyond 64 bits", batch({ mpid: "18446744073709551615" }), "/mpid"],
    [
      "a time as text, as output has it",
      eventBatch("first_run", { timestamp_unixtime_ms: "1795000000000" }),
      "/events/0/data/timestamp_unixtime_ms",
    ],
  ];
  it.each(refused)("refuse %s", (_, value, at) => {
    expectRefusal(canonical, value, at);
    expectRefusal(wire, value, at);
  });
});

describe("the canonical profile", () => {
  const limits: readonly (readonly [string, unknown, string])[] = [
    ["101 user attributes", batch({ user_attributes: many(101) }), "/user_attributes"],
    [
      "a user attribute name of 257 characters",
      batch({ user_attributes: { ["n".repeat(257)]: "x" } }),
      "/user_attributes",
    ],
    ["a user attribute of 4,097 characters", batch({ user_attributes: { a: "x".repeat(4097) } }), "/user_attributes/a"],
    [
      "a user attribute of 1,001 entries",
      batch({ user_attributes: { a: Array(1001).fill("x") } }),
      "/user_attributes/a",
    ],
    ["an entry of 513 characters", batch({ user_attributes: { a: ["x".repeat(513)] } }), "/user_attributes/a/0"],
    [
      "101 event attributes",
      eventBatch("uninstall", { custom_attributes: many(101) }),
      "/events/0/data/custom_attributes",
    ],
    [
      "an event attribute of 4,097 characters",
      eventBatch("uninstall", { custom_attributes: { a: "x".repeat(4097) } }),
      "/events/0/data/custom_attributes/a",
    ],
  ];
  it.each(limits)("refuses %s", (_, value, at) => {
    expectRefusal(canonical, value, at);
  });

  it("finds every mistake of a batch at once, each at its place", () => {
    const wrong = batch({
      enviroment: "production",
      user_attributes: { a: {} },
      events: [
        { event_type: "custom_event", data: { event_name: "a", custom_event_type: "purchase" } },
        { event_type: "breadcrumb", data: {} },
      ],
    });
    expect(complaints(canonical, wrong).map((text) => text.split(":")[0])).toEqual([
      "",
      "/user_attributes/a",
      "/events/0/data/custom_event_type",
      "/events/1/data",
    ]);
  });
});

function many(count: number): Members {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`name_${String(index)}`, "x"]));
}

function product(members: Members): Members {
  return eventBatch("commerce_event", { product_action: { action: "click", products: [members] } });
}
