import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planCheck, planWarnings, readPlan } from "mparticle-events/plan";
import { PlanInference } from "../../src/plan/infer-plan.ts";
import { CoverageCounter } from "../../src/plan/plan-coverage.ts";
import { full } from "../full.ts";
import { batchOf, custom, customPoint, planOf, point } from "./plan-builder.ts";

function infer(batches: readonly unknown[]) {
  const inference = new PlanInference({ planId: "shop" });
  for (const batch of batches) inference.add(batch);
  return inference;
}

describe("a plan that is inferred from batches", () => {
  it("has names, types, values where they are few, and what was always there", () => {
    const sizes = ["small", "large"];
    const batches = Array.from({ length: 20 }, (_, index) =>
      batchOf(
        [
          custom("Order", {
            size: sizes[index % 2],
            note: `note ${String(index)}`,
            total: index,
            ...(index > 3 && { gift: true }),
          }),
        ],
        {
          user_attributes: { age: index, tags: ["a"] },
          user_identities: { customer_id: String(index), other_id_2: "x" },
        },
      ),
    );
    const { version_document: document } = infer(batches).plan();
    expect(document.data_points.map(({ match }) => match.type)).toEqual([
      "custom_event",
      "user_attributes",
      "user_identities",
    ]);
    expect(document.data_points[0]).toEqual({
      description: "",
      match: { type: "custom_event", criteria: { event_name: "Order", custom_event_type: "other" } },
      validator: {
        type: "json_schema",
        definition: {
          properties: {
            data: {
              type: "object",
              additionalProperties: true,
              required: ["custom_attributes"],
              properties: {
                custom_attributes: {
                  type: "object",
                  additionalProperties: false,
                  required: ["note", "size", "total"],
                  properties: {
                    gift: { type: "boolean" },
                    note: { type: "string" },
                    size: { type: "string", enum: ["large", "small"] },
                    total: { type: "number" },
                  },
                },
              },
            },
          },
        },
      },
    });
    expect(Object.keys((document.data_points[2]?.validator.definition as { properties: object }).properties)).toEqual([
      "customerid",
      "other2",
    ]);
  });

  it("counts what a plan cannot hold", () => {
    expect([
      ...infer([batchOf([{ event_type: "session_start", data: {} }, { event_type: "profile" }])]).leftOut,
    ]).toEqual([
      ["session_start", 1],
      ["profile", 1],
    ]);
  });

  it("is kept to by these very batches, whatever is in them", () => {
    const scalar = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n }),
    );
    const name = fc.oneof(fc.constantFrom("a", "b", "__proto__", "a/b", "constructor"), fc.string({ maxLength: 3 }));
    const members = fc.dictionary(
      name,
      fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(name, scalar)),
    );
    const event = fc.oneof(
      fc.record({
        event_type: fc.constant("custom_event"),
        data: fc.record(
          {
            event_name: fc.constantFrom("A", "B:C"),
            custom_event_type: fc.constantFrom("other", "media"),
            custom_attributes: members,
          },
          { requiredKeys: [] },
        ),
      }),
      fc.record({
        event_type: fc.constant("screen_view"),
        data: fc.record({ screen_name: name, custom_attributes: members }, { requiredKeys: [] }),
      }),
      fc.record({
        event_type: fc.constant("commerce_event"),
        data: fc.record({
          product_action: fc.record(
            {
              action: fc.constant("purchase"),
              products: fc.array(fc.record({ id: fc.string(), custom_attributes: members }, { requiredKeys: [] })),
            },
            { requiredKeys: ["action"] },
          ),
        }),
      }),
    );
    const batch = fc.record({
      events: fc.array(event),
      user_attributes: members,
      user_identities: fc.record({ customer_id: fc.string(), email: fc.string() }, { requiredKeys: [] }),
    });
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: full(4, 12) }), (batches) => {
        const plan = infer(batches).plan();
        const check = planCheck(plan, { strictTypes: true });
        for (const one of batches) expect(check(one).filter(({ code }) => code !== "plan-not-named")).toEqual([]);
        expect(planWarnings(plan)).toEqual([]);
        expect(() => readPlan(plan)).not.toThrow();
      }),
      { numRuns: full(4, 300) },
    );
  });
});

describe("coverage", () => {
  it("says which data points were met, what of them never was, and what is not planned", () => {
    const plan = planOf([
      customPoint("Met", { properties: { a: {}, b: {} } }),
      customPoint("Never", {}),
      point("user_attributes", { properties: { age: {} } }),
    ]);
    const counter = new CoverageCounter(plan);
    counter.add(
      batchOf([custom("Met", { a: 1, b: null }), custom("Met", {}), custom("Other", {})], {
        user_attributes: { age: 1 },
      }),
    );
    for (const nothing of [null, 5, [], { events: [null, 1] }]) counter.add(nothing);
    const { points, unplanned } = counter.coverage();
    expect(points).toEqual([
      { key: "custom_event:other:Met", count: 2, missingAttributes: ["b"] },
      { key: "custom_event:other:Never", count: 0, missingAttributes: [] },
      { key: "user_attributes", count: 1, missingAttributes: [] },
    ]);
    expect([...unplanned]).toEqual([['the custom event "Other" of the type "other"', 1]]);
  });
});
