import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planCheck } from "mparticle-events/plan";
import { full } from "../full.ts";
import { batchOf, custom, customPoint, planOf, point } from "./plan-builder.ts";

const PLAN = planOf([
  customPoint("E", {
    additionalProperties: false,
    properties: {
      text: { type: "string", maxLength: 10, pattern: "^(a+)+$", enum: ["a", "aa"] },
      list: { type: "array", uniqueItems: true, items: { type: "object", properties: { a: { type: "number" } } } },
      deep: { properties: { deep: { properties: { deep: { const: { deep: [] } } } } } },
    },
    required: ["text"],
  }),
  point("user_attributes", { additionalProperties: { type: ["string", "array"] }, minProperties: 1 }),
  point("user_identities", { additionalProperties: false, properties: { email: { format: "email" } } }),
]);

describe("planCheck never throws", () => {
  const check = planCheck(PLAN);

  it("whatever it is given", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    });
    const event = fc.record(
      {
        event_type: fc.oneof(fc.constantFrom("custom_event", "screen_view", "commerce_event"), anything),
        data: fc.oneof(
          anything,
          fc.record({
            event_name: fc.oneof(fc.constant("E"), anything),
            custom_event_type: fc.oneof(fc.constant("other"), anything),
            custom_attributes: fc.oneof(anything, fc.record({ text: anything, list: anything, deep: anything })),
          }),
        ),
      },
      { requiredKeys: [] },
    );
    const batch = fc.record(
      {
        events: fc.oneof(fc.array(event), anything),
        user_attributes: anything,
        user_identities: anything,
        context: anything,
        device_info: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(batch, anything), (given) => {
        expect(check(given).filter(({ path }) => !/^(\/|$)/.test(path))).toEqual([]);
      }),
      { numRuns: full(100, 5_000) },
    );
  });

  it.each<[name: string, batch: unknown]>([
    [
      "a getter that throws",
      batchOf([custom("E", Object.defineProperty({}, "text", { enumerable: true, get: fail }))]),
    ],
    ["a proxy that throws", new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail })],
    ["a toJSON that throws", batchOf([custom("E", { text: { toJSON: fail } })])],
    ["a revoked proxy", batchOf([revoked()])],
  ])("for %s: it says that reading failed", (_, batch) => {
    expect(check(batch)).toEqual([
      {
        severity: "error",
        code: "plan-invalid",
        path: "",
        message: "reading the batch failed.",
        hint: "Pass plain data.",
      },
    ]);
  });

  it("for a batch that holds itself", () => {
    const list: unknown[] = [];
    list.push(list, [list]);
    const attributes: Record<string, unknown> = { text: "a", list, deep: {} };
    attributes["deep"] = { deep: { deep: attributes } };
    const codes = check(batchOf([custom("E", attributes)], { user_attributes: { list } })).map(({ code }) => code);
    expect(codes).toContain("plan-invalid");
  });

  it("and a check that was broken off does not speak of the last batch", () => {
    check(batchOf([custom("E", Object.defineProperty({ a: 1 }, "text", { enumerable: true, get: fail }))]));
    expect(check(batchOf([custom("E", { text: "a" })], { user_attributes: { a: "b" } }))).toEqual([]);
  });

  it("nor when it is called from within itself", () => {
    const inner = batchOf([custom("F", {})]);
    const outer = custom("E", { text: { toJSON: () => String(check(inner).length) }, more: 1 });
    const paths = check(batchOf([outer], { user_attributes: { a: "b" } })).map(({ path }) => path);
    expect(paths).toEqual(["/events/0/data/custom_attributes/text", "/events/0/data/custom_attributes/more"]);
  });

  it("and ends soon for thousands of unplanned names, each of which has a hint to be looked for", () => {
    const plan = planOf(
      Array.from({ length: full(50, 1_000) }, (_, index) => customPoint(`planned event number ${String(index)}`, {})),
    );
    const events = Array.from({ length: full(400, 10_000) }, (_, index) =>
      custom(`planed events number ${String(index)}`, {}),
    );
    expect(planCheck(plan)(batchOf(events))).toHaveLength(100);
  });
});

function fail(): never {
  throw new Error("no");
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
