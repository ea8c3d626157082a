import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planCheck } from "mparticle-events/plan";
import { diffPlans } from "../../src/plan/diff-plans.ts";
import { full } from "../full.ts";
import { batchOf, custom, customPoint, planOf, point } from "./plan-builder.ts";
import { readCase } from "./sample-plans.ts";

const told = (before: object, after: object): readonly string[] =>
  diffPlans(before, after).map(
    ({ kind, breaking, path, message }) => `${breaking ? "!" : ""}${kind} ${path}: ${message}`,
  );

const attributes = (definition: Record<string, unknown>) => planOf([customPoint("E", definition)]);
const inside = (before: Record<string, unknown>, after: Record<string, unknown>): readonly string[] =>
  told(attributes({ properties: { v: before } }), attributes({ properties: { v: after } })).map((line) =>
    line.replace("/data/custom_attributes/v: ", ""),
  );

describe("diffPlans", () => {
  it("finds nothing between a plan and itself", () => {
    for (const plan of [readCase("edges"), readCase("coffee-shop")]) expect(diffPlans(plan, plan)).toEqual([]);
  });

  it("tells of data points that came and went, the breaking ones first", () => {
    const [one, two] = [customPoint("A", {}), customPoint("B", {})];
    expect(diffPlans(planOf([two]), planOf([one])).map(({ kind, point: key }) => [kind, key])).toEqual([
      ["removed", "custom_event:other:B"],
      ["added", "custom_event:other:A"],
    ]);
    const users = point("user_attributes", { additionalProperties: false });
    expect(told(planOf([]), planOf([users]))).toEqual(["!tightened : the plan checks it now."]);
    expect(told(planOf([users]), planOf([]))).toEqual(["loosened : the plan does not check it any more."]);
  });

  it.each<[before: Record<string, unknown>, after: Record<string, unknown>, told: readonly string[]]>([
    [{ type: "number" }, { type: "string" }, ["!changed its type is string, and was number."]],
    [{ type: "integer" }, { type: "number" }, ["loosened its type is number, and was integer."]],
    [{ type: "number" }, { type: "integer" }, ["!tightened its type is integer, and was number."]],
    [{}, { type: "string" }, ["!tightened its type is string, and was any."]],
    [{ type: "string" }, {}, ["loosened its type is any, and was string."]],
    [{ enum: ["a", "b"] }, { enum: ["b", "c"] }, ['!tightened no longer allowed: "a".', 'loosened allowed now: "c".']],
    [{}, { enum: ["a"] }, ['!tightened only these values are allowed now: "a".']],
    [{ minimum: 1 }, { minimum: 0 }, ["loosened minimum is 0, and was 1."]],
    [{}, { maxLength: 5 }, ["!tightened maxLength is 5, and was not set."]],
    [{ pattern: "a" }, { pattern: "b" }, ['!changed pattern is "b", and was "a".']],
    [{ format: "email" }, {}, ['loosened format is not set, and was "email".']],
  ])("compares %j with %j", (before, after, expected) => {
    expect(inside(before, after)).toEqual(expected);
  });

  it("compares what there may be, and what there has to be", () => {
    const a = { properties: { a: { type: "string" } } };
    expect(told(attributes(a), attributes({ ...a, required: ["a"] }))).toEqual([
      "!tightened /data/custom_attributes/a: it is required now.",
    ]);
    expect(told(attributes(a), attributes({ ...a, additionalProperties: false }))).toEqual([
      "!tightened /data/custom_attributes: nothing but what the plan lists is allowed any more.",
    ]);
    const closed = { ...a, additionalProperties: false };
    const more = { ...closed, properties: { ...a.properties, b: { type: "number" } } };
    expect(told(attributes(closed), attributes(more))).toEqual([
      "added /data/custom_attributes/b: the plan has it now.",
    ]);
    expect(told(attributes(more), attributes(closed))).toEqual([
      "!removed /data/custom_attributes/b: the plan does not have it any more, and lists all there may be.",
    ]);
    expect(told(attributes({}), attributes(a))).toEqual([
      "!tightened /data/custom_attributes/a: the plan describes it now: string.",
    ]);
  });

  it("says breaking whenever a batch that the old plan takes is refused by the new one", () => {
    const definition = fc.record(
      {
        type: fc.constantFrom("string", "number", "integer", "boolean"),
        enum: fc.uniqueArray(fc.constantFrom("a", "bb", 1, 2, true), { minLength: 1 }),
        minimum: fc.integer({ min: 0, max: 2 }),
        maximum: fc.integer({ min: 0, max: 2 }),
        minLength: fc.integer({ min: 0, max: 2 }),
        maxLength: fc.integer({ min: 0, max: 2 }),
        pattern: fc.constantFrom("^a", "b"),
      },
      { requiredKeys: [] },
    );
    const object = fc.record(
      {
        properties: fc.record({ a: definition, b: definition }, { requiredKeys: [] }),
        required: fc.subarray(["a", "b"]),
        additionalProperties: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const value = fc.constantFrom("a", "bb", "1", 1, 2, 1.5, true, "");
    const given = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(object, object, given, (before, after, given) => {
        const [old, next] = [attributes(before), attributes(after)];
        const batch = batchOf([custom("E", given)]);
        const breaks = planCheck(old)(batch).length === 0 && planCheck(next)(batch).length > 0;
        if (breaks) expect(diffPlans(old, next).some(({ breaking }) => breaking)).toBe(true);
      }),
      { numRuns: full(150, 10_000) },
    );
  });
});
