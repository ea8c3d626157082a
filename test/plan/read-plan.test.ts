import { describe, expect, it } from "vitest";
import { planCheck, planWarnings, readPlan } from "mparticle-events/plan";
import { batchOf, custom, customPoint, planOf, point } from "./plan-builder.ts";

const POINT = customPoint("Order", { type: "object" });
const version = (number: number) => ({
  version: number,
  data_plan_id: "shop",
  version_description: null,
  activated_environment: "none",
  version_document: { data_points: [POINT] },
});

describe("readPlan", () => {
  it("takes a whole plan, a version and both bare documents", () => {
    const documents = [
      { data_plan_id: "shop", data_plan_name: "Shop", data_plan_versions: [version(3)] },
      version(3),
      { version_document: { data_points: [POINT] } },
      { data_points: [POINT] },
    ];
    const plans = documents.map((document) => readPlan(document));
    expect(plans.map((plan) => plan.version_document.data_points)).toEqual(documents.map(() => [POINT]));
    expect(plans.map((plan) => [plan.data_plan_id, plan.version])).toEqual([
      ["shop", 3],
      ["shop", 3],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it("takes what it gave, and what is left of that in JSON", () => {
    const plan = readPlan(version(3));
    expect(readPlan(plan)).toBe(plan);
    expect(readPlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  });

  it("asks which version, when there are several, and takes the one that is asked for", () => {
    const whole = { data_plan_id: "shop", data_plan_versions: [version(1), version(2)] };
    expect(() => readPlan(whole)).toThrow(
      new TypeError("The data plan has the versions 1, 2; say which with `version`."),
    );
    expect(readPlan(whole, { version: 2 }).version).toBe(2);
    expect(() => readPlan(whole, { version: 7 })).toThrow("The data plan has no version 7; it has 1, 2.");
    expect(() => readPlan(version(1), { version: 2 })).toThrow("The data plan is version 1; `version` asks for 2.");
    expect(() => readPlan(whole, { version: 1.5 })).toThrow("`version` is the number 1.5");
    const misspelt = { versoin: 1 } as object;
    expect(() => readPlan(whole, misspelt)).toThrow("There is no option `versoin`; expected `version`.");
    expect(readPlan({ data_points: [] }, { version: 4 }).version).toBe(4);
  });

  it.each<[place: string, document: unknown]>([
    ["it is nothing", undefined],
    ['it is "{}"', "{}"],
    ["it has neither", {}],
    ["`/data_plan_versions` is an empty array", { data_plan_versions: [] }],
    ["`/data_plan_versions` is an object", { data_plan_versions: {} }],
    ["`/version_document` is the number 5", { version_document: 5 }],
    ["`/version_document/data_points` is nothing", { version_document: {} }],
    ["`/data_points` is an object", { data_points: {} }],
    ["`/data_points/1` is null", { data_points: [POINT, null] }],
    ["`/data_points/0/match` is nothing", { data_points: [{}] }],
    ["`/data_points/0/match/type` is the number 1", { data_points: [{ ...POINT, match: { type: 1 } }] }],
    ["`/data_points/0/match/criteria/event_name` is nothing", { data_points: [point("custom_event", {})] }],
    ["`/data_points/0/validator` is nothing", { data_points: [{ match: POINT.match }] }],
    ['`/data_points/0/validator/type` is "xml"', { data_points: [{ match: POINT.match, validator: { type: "xml" } }] }],
    ["`/data_points/0/validator/definition` is nothing", { data_points: [point("user_attributes", null)] }],
    [
      '`/version_document/settings/validation_actions/event` is "drop"',
      planOf([], { validation_actions: { event: "drop" as "allow" } }),
    ],
    [
      '`/data_plan_versions/0/version` is "1"',
      { data_plan_versions: [{ version: "1", version_document: { data_points: [] } }] },
    ],
  ])("names the place of a mistake: %s", (place, document) => {
    expect(() => readPlan(document)).toThrow(TypeError);
    expect(() => readPlan(document)).toThrow(`The data plan is broken: ${place}`);
  });

  it.each<[place: string, definition: unknown]>([
    ['/type` is "text"', { type: "text" }],
    ["/type` names no type", { type: [] }],
    ["/enum` is an empty array", { enum: [] }],
    ['/minimum` is "0"', { minimum: "0" }],
    ["/multipleOf` is the number 0", { multipleOf: 0 }],
    ["/maxLength` is the number -1", { maxLength: -1 }],
    ['/pattern` is "(", which is no regular expression', { pattern: "(" }],
    ["/format` is the number 1", { format: 1 }],
    ["/properties` is an empty array", { properties: [] }],
    ["/properties/a~1b/required/0` is the number 1", { properties: { "a/b": { required: [1] } } }],
    ['/required` is "a"', { required: "a" }],
    ['/items/0` is "string"', { items: ["string"] }],
    ['/additionalProperties` is "no"', { additionalProperties: "no" }],
    ['/uniqueItems` is "yes"', { uniqueItems: "yes" }],
  ])("names the place of a mistake in a definition: %s", (place, definition) => {
    expect(() => readPlan(planOf([point("user_attributes", definition)]))).toThrow(
      `\`/version_document/data_points/0/validator/definition${place}`,
    );
  });

  it("takes null for left out, as the API writes it", () => {
    const definition = { type: null, properties: null, required: null, enum: null, pattern: null, minimum: null };
    expect(() => readPlan(planOf([point("user_attributes", definition)]))).not.toThrow();
  });

  it("refuses what does not end: cycles, a thousand levels, objects that multiply, getters that throw", () => {
    const cycle: Record<string, unknown> = {};
    cycle["properties"] = { again: cycle };
    let deep: object = {};
    for (let level = 0; level < 1000; level++) deep = { items: deep };
    let wide: object = {};
    for (let level = 0; level < 40; level++) wide = { properties: { a: wide, b: wide } };
    const enumCycle: unknown[] = [];
    enumCycle.push(enumCycle);
    for (const definition of [cycle, deep, wide, { enum: enumCycle }]) {
      expect(() => readPlan(planOf([point("user_attributes", definition)]))).toThrow(/^The data plan is broken: `/);
    }
    const hostile = planOf([]);
    Object.defineProperty(hostile, "version", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    expect(() => readPlan(hostile)).toThrow("reading it failed");
  });
});

describe("planWarnings", () => {
  it("names what is legal and not what its author may think, with its place in the plan", () => {
    const plan = planOf([
      customPoint("Order", { properties: { first: { pattern: "^(a+)+$" }, second: { format: "colour" } } }),
      customPoint("Order", { anyOf: [{}] }),
      point("wishes", {}),
    ]);
    const at = (index: number, rest: string) => `/version_document/data_points/${String(index)}${rest}`;
    const attributes = "/validator/definition/properties/data/properties/custom_attributes";
    expect(planWarnings(plan).map(({ code, path }) => [code, path])).toEqual([
      ["plan-slow-pattern", at(0, `${attributes}/properties/first/pattern`)],
      ["plan-unknown-format", at(0, `${attributes}/properties/second/format`)],
      ["plan-unknown-keyword", at(1, `${attributes}/anyOf`)],
      ["plan-unknown-match", at(2, "/match/type")],
      ["plan-point-replaced", at(0, "")],
    ]);
    expect(planWarnings(planOf([POINT]))).toEqual([]);
  });

  it("has the last of two points with one key count, as the official library does", () => {
    const plan = planOf([customPoint("Order", { required: ["a"] }), customPoint("Order", { required: ["b"] })]);
    const findings = planCheck(plan)(batchOf([custom("Order", {})]));
    expect(findings.map(({ path }) => path)).toEqual(["/events/0/data/custom_attributes/b"]);
  });
});
