import { describe, expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, InvalidBatchError, type Batch } from "mparticle-events";
import { PLAN_CODES, planCheck, type PlanCheckOptions } from "mparticle-events/plan";
import { recordingFetch } from "mparticle-events/testing";
import { batchOf, custom, customPoint, planOf, point } from "./plan-builder.ts";

/** What is found in the attributes of one event, by code and place within them. */
function inAttributes(definition: Record<string, unknown> | boolean, attributes: unknown, options?: PlanCheckOptions) {
  const findings = planCheck(planOf([customPoint("E", definition)]), options)(batchOf([custom("E", attributes)]));
  return findings.map(({ code, path }) => `${code.slice(5)} ${path.replace("/events/0/data/custom_attributes", "")}`);
}

const value = (definition: Record<string, unknown>, given: unknown, options?: PlanCheckOptions) =>
  inAttributes({ properties: { v: definition } }, { v: given }, options).length === 0;

describe("a value and its definition", () => {
  it.each<[definition: Record<string, unknown>, good: readonly unknown[], bad: readonly unknown[]]>([
    [{ type: "string" }, ["", "a"], [1, true, {}, []]],
    [{ type: "number" }, [0, -1.5, 10n, "42", "-1.5e3"], [true, "", "4 2", "0x10", "12px", "Infinity", {}]],
    [{ type: "integer" }, [3, 3.0, 3n, "3"], [3.5, "3.5"]],
    [{ type: "boolean" }, [true, false, "true", "false"], ["yes", 1, 0, ""]],
    [{ type: ["number", "null"] }, [1, null, "1"], ["a"]],
    [{ type: ["string", "number"] }, ["a", 1], [true]],
    [{ type: "array", items: { type: "string" } }, [[], ["a"]], [["a", 1], ["a", null], "a"]],
    [{ enum: ["a", 1, true] }, ["a", 1, 1n, true], ["A", "1", 2, false]],
    [{ type: "number", enum: [1, 2] }, [1, "2"], [3, "3"]],
    [{ const: "x" }, ["x"], ["y", 1]],
    [{ enum: [{ a: [1] }, [2]] }, [{ a: [1] }, [2]], [{ a: [2] }, [], { a: [1], b: 1 }]],
    [{ minimum: 1, maximum: 3 }, [1, 3, 2n], [0.9, 3.1, 4n]],
    [{ exclusiveMinimum: 1, exclusiveMaximum: 3 }, [2], [1, 3]],
    [{ type: "number", maximum: 100 }, ["100"], ["101"]],
    [{ multipleOf: 0.1 }, [0.3, 7, 1.1], [0.35]],
    [{ multipleOf: 3 }, [9n, 9], [10n, 10]],
    [{ minLength: 2, maxLength: 3 }, ["ab", "日本語", "😀😀😀"], ["a", "abcd", "😀"]],
    [{ pattern: "^[a-z]+$" }, ["abc"], ["a1", ""]],
    [{ pattern: "^\\p{L}+$" }, ["Übergröße", "注文"], ["1"]],
    [{ minItems: 1, maxItems: 2, uniqueItems: true }, [[1], [1, "1"]], [[], [1, 2, 3], [1, 1], [{ a: 1 }, { a: 1 }]]],
    [{ items: [{ type: "string" }], additionalItems: false }, [["a"], []], [[1], ["a", "b"]]],
    [{ items: [{ type: "string" }], additionalItems: { type: "number" } }, [["a", 1]], [["a", "b"]]],
    [{ properties: { a: { type: "string" } }, required: ["a"] }, [{ a: "x" }], [{}, { a: 1 }, { a: null }]],
    [{ additionalProperties: { type: "number" } }, [{ a: 1 }], [{ a: "x" }]],
    [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }, { a: 1, b: null }], [{}, { a: 1, b: 2 }]],
    [{ format: "email" }, ["a@b.c"], ["a@", "a b@c.d"]],
    [{ format: "date" }, ["2024-02-29"], ["2024-2-29", "2020-13-45"]],
    [
      { format: "date-time" },
      ["2024-02-29T10:00:00Z", "2024-02-29t10:00:00.5+01:00"],
      ["2024-02-29", "2024-02-29T10:00"],
    ],
    [{ format: "time" }, ["10:00:00"], ["10:00"]],
    [{ format: "uri" }, ["https://a.b/c?d=e", "mailto:a@b.c"], ["a b", "//a"]],
    [{ format: "hostname" }, ["a.example"], ["-a", "a b"]],
    [{ format: "ipv4" }, ["1.2.3.4"], ["1.2.3", "1.2.3.256"]],
    [
      { format: "ipv6" },
      ["::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
      ["1:2", ":::", "1::2::3", "g::"],
    ],
    [{ format: "uuid" }, ["7d5c2c1e-5a5b-4a07-9d3d-1d2f6a2b0c33"], ["7d5c2c1e"]],
    [{ format: "nobody knows" }, ["anything"], []],
    [{ type: "string", anyOf: [{ const: "x" }] }, ["anything"], [1]],
  ])("%j", (definition, good, bad) => {
    expect(good.filter((one) => !value(definition, one))).toEqual([]);
    expect(bad.filter((one) => value(definition, one))).toEqual([]);
  });

  it("of true takes anything, of false nothing", () => {
    expect(inAttributes(true, { a: 1 })).toEqual([]);
    expect(inAttributes(false, { a: 1 })).toEqual(["invalid "]);
  });

  it("counts texts as what they say, unless types are strict", () => {
    expect(value({ type: "number" }, "42", { strictTypes: true })).toBe(false);
    expect(value({ type: "boolean" }, "true", { strictTypes: true })).toBe(false);
    expect(value({ type: "string" }, 42)).toBe(false);
  });

  it("compares 64-bit numbers digit by digit", () => {
    const limit = { type: "integer", maximum: 9007199254740993n };
    expect(value(limit, 9007199254740993n)).toBe(true);
    expect(value(limit, "9007199254740993")).toBe(true);
    expect(value(limit, 9007199254740994n)).toBe(false);
    expect(value(limit, "9007199254740994")).toBe(false);
    expect(value({ enum: [9007199254740993n] }, 9007199254740992n)).toBe(false);
  });

  it("is absent when JSON would leave it out, or write null for it", () => {
    const required = { required: ["v"] };
    for (const absent of [null, undefined, NaN, Infinity, () => 1, Symbol("v")]) {
      expect(inAttributes(required, { v: absent })).toEqual(["missing /v"]);
    }
    for (const present of [0, "", false, [], {}]) expect(inAttributes(required, { v: present })).toEqual([]);
  });

  it("is what JSON sends: a date's text, a class's own members, a wrapped text", () => {
    class Attributes {
      readonly v: string = "a";
      get other(): string {
        return this.v;
      }
    }
    expect(value({ type: "string", format: "date-time" }, new Date(0))).toBe(true);
    expect(value({ enum: ["a"] }, Object("a"))).toBe(true);
    expect(inAttributes({ additionalProperties: false, properties: { v: {} } }, new Attributes())).toEqual([]);
  });

  it("may be called as what every object has", () => {
    const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"];
    const properties = JSON.parse(`{${names.map((name) => `"${name}": {"type": "string"}`).join()}}`) as object;
    const attributes = JSON.parse(`{${names.map((name) => `"${name}": 1`).join()}}`) as object;
    const closed = { additionalProperties: false, properties, required: names };
    expect(inAttributes(closed, attributes)).toEqual(names.map((name) => `invalid /${name}`));
    expect(inAttributes(closed, {})).toEqual(names.map((name) => `missing /${name}`));
    expect(inAttributes({ properties, required: names }, {})).toEqual(names.map((name) => `missing /${name}`));
    expect(inAttributes({ additionalProperties: false }, attributes)).toEqual(
      names.map((name) => `unplanned-attribute /${name}`),
    );
    const planned = planOf(names.map((name) => customPoint(name, {})));
    expect(planCheck(planned)(batchOf(names.map((name) => custom(name, {}))))).toEqual([]);
    expect(planCheck(planOf([]))(batchOf(names.map((name) => ({ event_type: name })))).length).toBe(names.length);
  });

  it("is named with its place, whatever its name has in it", () => {
    const closed = { additionalProperties: false, properties: { "a/b": { type: "string" } }, required: ["c~d"] };
    expect(inAttributes(closed, { "a/b": 1, "": 1, "~/": 1 })).toEqual([
      "invalid /a~1b",
      "unplanned-attribute /",
      "unplanned-attribute /~0~1",
      "missing /c~0d",
    ]);
  });
});

describe("an event", () => {
  const plan = planOf([
    customPoint("Place Order", { type: "object" }),
    customPoint("注文", { type: "object" }),
    customPoint("Seen", { type: "object" }, "navigation"),
    point("screen_view", {}, { screen_name: "Menu" }),
    point("product_action", {}, { action: "purchase" }),
    point("application_state_transition", {}, { application_transition_type: "application_background" }),
    point("session_start", {}),
  ]);
  const hintFor = (event: unknown) => planCheck(plan)(batchOf([event])).map(({ hint }) => hint);

  it.each<[name: string, event: unknown, hint: string | undefined]>([
    ["in another case", custom("place order", {}), 'Did you mean "Place Order"?'],
    ["misspelt", custom("Place Oder", {}), 'Did you mean "Place Order"?'],
    [
      "of another type",
      custom("Place Order", {}, "navigation"),
      'Did you mean the type "other"? The plan has "Place Order" with that.',
    ],
    ["misspelt and of another type", custom("seen", {}), 'Did you mean "Seen" of the type "navigation"?'],
    ["that is planned as a screen", custom("Menu", {}), 'The plan has the screen view "Menu".'],
    ["in a script without cases", custom("商品", {}), undefined],
    ["with a space too much", custom("Place Order ", {}), 'Did you mean "Place Order"?'],
    ["without data", { event_type: "custom_event" }, "It has no `data`."],
    [
      "with nothing to sell",
      { event_type: "commerce_event", data: {} },
      "It has neither `product_action` nor `promotion_action` nor `product_impressions`.",
    ],
    ["that no plan can hold", { event_type: "profile", data: {} }, "A data plan cannot hold such an event."],
    [
      "of another action",
      { event_type: "commerce_event", data: { product_action: { action: "purchas" } } },
      'Did you mean "purchase"?',
    ],
  ])("%s has a hint", (_, event, hint) => {
    expect(hintFor(event)).toEqual([hint]);
  });

  it("that is planned is found by what its type is matched by", () => {
    const events = [
      custom("注文", {}),
      custom("Seen", {}, "navigation"),
      { event_type: "screen_view", data: { screen_name: "Menu" } },
      {
        event_type: "commerce_event",
        data: { product_action: { action: "purchase" }, promotion_action: { action: "view" } },
      },
      { event_type: "application_state_transition", data: { application_transition_type: "application_background" } },
      { event_type: "session_start", data: {} },
    ];
    expect(planCheck(plan)(batchOf(events))).toEqual([]);
  });

  it("that is none is named as well", () => {
    expect(planCheck(plan)(batchOf([null, 5, {}])).map(({ path }) => path)).toEqual([
      "/events/0",
      "/events/1",
      "/events/2",
    ]);
  });
});

describe("identities", () => {
  const plan = planOf([
    point("user_identities", {
      additionalProperties: false,
      properties: {
        customerid: { type: "string" },
        other2: { type: "string" },
        ios_idfa: { type: "string" },
        device_application_stamp: { type: "string", minLength: 3 },
      },
      required: ["customerid", "device_application_stamp"],
    }),
  ]);

  it("are found where the Events API has them, by their older names", () => {
    const good = {
      user_identities: { customer_id: "1", other_id_2: "2", email: null },
      device_info: { ios_advertising_id: "x", android_uuid: "not planned, not looked at" },
      mp_deviceid: "abc",
    };
    expect(planCheck(plan)(batchOf([], good))).toEqual([]);
    const bad = {
      user_identities: { customer_ids: "1", other_id_2: 2 },
      device_info: { ios_advertising_id: 1 },
      mp_deviceid: "a",
    };
    expect(planCheck(plan)(batchOf([], bad)).map(({ code, path, hint }) => [code, path, hint])).toEqual([
      ["plan-missing", "/user_identities/customer_id", undefined],
      ["plan-invalid", "/user_identities/other_id_2", undefined],
      ["plan-invalid", "/device_info/ios_advertising_id", undefined],
      ["plan-invalid", "/mp_deviceid", undefined],
      ["plan-unplanned-attribute", "/user_identities/customer_ids", 'Did you mean "customer_id"?'],
    ]);
  });

  it("are not looked at when switched off, nor without a data point", () => {
    expect(planCheck(plan, { identities: false })(batchOf([]))).toEqual([]);
    expect(planCheck(planOf([]))(batchOf([], { user_identities: { nonsense: 1 } }))).toEqual([]);
  });
});

describe("severity", () => {
  const points = [
    customPoint("E", { additionalProperties: false }),
    point("user_attributes", { additionalProperties: false }),
  ];
  const batch = batchOf([custom("E", { a: 1 }), custom("F", {})], { user_attributes: { b: 1 } });
  const severities = (plan: object, options?: PlanCheckOptions) =>
    Object.fromEntries(planCheck(plan, options)(batch).map(({ severity, path }) => [path, severity]));
  const EVENT = "/events/1";
  const ATTRIBUTE = "/events/0/data/custom_attributes/a";
  const USER = "/user_attributes/b";

  it("is an error where the plan says nothing", () => {
    expect(severities(planOf(points))).toEqual({ [EVENT]: "error", [ATTRIBUTE]: "error", [USER]: "error" });
  });

  it("follows the plan: what is allowed is a warning, what is dropped an error", () => {
    const actions = { event: "allow", event_attribute: "drop_attribute", user_attribute: "allow" } as const;
    expect(severities(planOf(points, { validation_actions: actions }))).toEqual({
      [EVENT]: "warning",
      [ATTRIBUTE]: "error",
      [USER]: "warning",
    });
  });

  it("follows the caller before the plan", () => {
    const plan = planOf(points, { validation_actions: { event: "allow", event_attribute: "allow" } });
    expect(severities(plan, { actions: { event: "drop_batch", user_attribute: "warning" } })).toEqual({
      [EVENT]: "error",
      [ATTRIBUTE]: "warning",
      [USER]: "warning",
    });
  });

  it("of events that the service's plans cannot hold is a warning, unless the caller minds them", () => {
    const check = (options?: PlanCheckOptions) =>
      planCheck(planOf([]), options)(batchOf([{ event_type: "session_start" }]))[0]?.severity;
    expect(check()).toBe("warning");
    expect(check({ actions: { event: "error" } })).toBe("error");
  });

  it("has errors before warnings, and as many as asked for", () => {
    const plan = planOf(points, { validation_actions: { event: "allow" } });
    const many = batchOf([...Array.from({ length: 300 }, () => custom("F", {})), custom("E", { a: 1 })]);
    const findings = planCheck(plan)(many);
    expect(findings).toHaveLength(100);
    expect(findings[0]?.severity).toBe("error");
    expect(planCheck(plan, { maxFindings: 2 })(many)).toHaveLength(2);
  });
});

describe("the plan that a batch names", () => {
  const check = planCheck(planOf([]));
  const named = (data_plan: unknown) =>
    check({ environment: "development", context: { data_plan }, events: [custom("E", {})] });

  it("is this one, of this version or of the newest", () => {
    for (const plan of [
      { plan_id: "shop" },
      { plan_id: "shop", plan_version: null },
      { plan_id: "shop", plan_version: 3 },
    ]) {
      expect(named(plan).map(({ code }) => code)).toEqual(["plan-unplanned-event"]);
    }
  });

  it("is none: the batch is checked, and told that the service would not", () => {
    expect(named(undefined).map(({ code, path }) => [code, path])).toEqual([
      ["plan-unplanned-event", "/events/0"],
      ["plan-not-named", "/context/data_plan"],
    ]);
  });

  it("is another: that is all there is to say", () => {
    expect(named({ plan_id: "other" }).map(({ code, path }) => [code, path])).toEqual([
      ["plan-not-named", "/context/data_plan/plan_id"],
    ]);
  });

  it("is another version: the batch is checked, and told", () => {
    expect(named({ plan_id: "shop", plan_version: 2 }).map(({ code, path }) => [code, path])).toEqual([
      ["plan-unplanned-event", "/events/0"],
      ["plan-not-named", "/context/data_plan/plan_version"],
    ]);
  });

  it("cannot be told where the plan has no id", () => {
    expect(planCheck({ data_points: [] })({ events: [] })).toEqual([]);
  });
});

describe("planCheck", () => {
  it("has a client refuse what is not planned before it is sent, field by field", async () => {
    const fetch = recordingFetch();
    const client = new EventsClient({
      apiKey: "key",
      apiSecret: "secret",
      fetch,
      validate: planCheck(planOf([customPoint("E", { required: ["a"] })])),
    });
    const batch = (event: Parameters<typeof createBatch>[1]): Batch =>
      createBatch({ environment: "development", context: { data_plan: { plan_id: "shop" } } }, event);
    const refused = client.upload(batch([customEvent("E", "other")]));
    await expect(refused).rejects.toThrow(InvalidBatchError);
    await expect(refused).rejects.toThrow(
      '/events/0/data/custom_attributes: "custom_attributes" is required by the plan and is missing.',
    );
    await client.upload(batch([customEvent("E", "other", { custom_attributes: { a: 1 } })]));
    expect(fetch.accepted()).toHaveLength(1);
  });

  it("gives no code that PLAN_CODES does not explain", () => {
    const plan = planOf([
      customPoint("E", {
        additionalProperties: false,
        required: ["a"],
        properties: { p: { pattern: "^(a+)+$" }, n: { type: "number" } },
      }),
    ]);
    const batch = { events: [custom("E", { b: 1, n: "x", p: "a".repeat(1e6) }), custom("F", {})] };
    const codes = planCheck(plan)(batch).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(Object.keys(PLAN_CODES)));
  });

  it.each<[option: string, options: object | null]>([
    ["`strictTypes` is the number 1", { strictTypes: 1 }],
    ['`identities` is "no"', { identities: "no" }],
    ["`maxFindings` is the number 0", { maxFindings: 0 }],
    ["There is no option `strictType`; expected `strictTypes`.", { strictType: true }],
    ["`actions` is null; expected an object of actions.", { actions: null }],
    ['`actions.event` is "drop"', { actions: { event: "drop" } }],
    ['`actions` has "events"', { actions: { events: "allow" } }],
    ['`actions` is "allow"', { actions: "allow" }],
    ["The options are null", null],
  ])("names an option that there is not: %s", (message, options) => {
    expect(() => planCheck(planOf([]), options as PlanCheckOptions)).toThrow(message);
  });
});
