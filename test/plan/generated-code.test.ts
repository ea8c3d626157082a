import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Batch, Event } from "mparticle-events";
import { planCheck, type PlanCheck } from "mparticle-events/plan";
import { generatePlan } from "../../src/plan/generate-plan.ts";
import { camelCase } from "../../src/plan/generated-names.ts";
import { readWholePlan, type ReadPoint } from "../../src/plan/read-plan.ts";
import { full } from "../full.ts";
import { customPoint, planOf } from "./plan-builder.ts";
import { valueOf } from "./rule-arbitrary.ts";
import { largePlan, NASTY, readCase } from "./sample-plans.ts";

const PLANS = {
  edges: readCase("edges"),
  coffee: readCase("coffee-shop"),
  nasty: NASTY,
  large: largePlan(full(40, 1000)),
};

const files = mkdtempSync(join(tmpdir(), "generated-"));
afterAll(() => {
  rmSync(files, { recursive: true });
});

/** A module of generated code, as it is loaded. */
interface Generated {
  readonly createBatch: (user: object, events: readonly Event[]) => Batch;
  readonly checkPlan: PlanCheck;
  readonly [name: string]: unknown;
}

async function load(name: string, text: string): Promise<Generated> {
  const file = join(files, `${name}.ts`);
  writeFileSync(file, text);
  return (await import(pathToFileURL(file).href)) as Generated;
}

describe("generated code", () => {
  it("is the same whatever order an export has", () => {
    const shuffled = (value: unknown, depth = 0): unknown => {
      if (Array.isArray(value)) {
        const items = value.map((item) => shuffled(item, depth + 1));
        return items.every((item) => typeof item === "object") ? items.reverse() : items;
      }
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, shuffled(item, depth + 1)]),
      );
    };
    expect(generatePlan(shuffled(PLANS.coffee) as object).text).toBe(generatePlan(PLANS.coffee).text);
  });

  it("has no enum, no class, no eval and no any", () => {
    for (const plan of Object.values(PLANS)) {
      const code = generatePlan(plan).text.replace(/"(?:[^"\\]|\\.)*"|\/\*[^]*?\*\//g, "");
      expect(code).not.toMatch(/\b(enum|class|eval|any|Function)\b/);
    }
  });

  it("has no end of a line where a plan has one, in comments least of all", async () => {
    const breaks = "a\u2028b\u2029c\rd\ne */ `${f}`";
    const point = { ...customPoint(breaks, { properties: { [breaks]: { enum: [breaks] } } }), description: breaks };
    const plan = { ...planOf([point]), data_plan_id: breaks, version_description: breaks };
    const { text } = generatePlan(plan);
    expect(text).not.toMatch(/[\u2028\u2029\r]/);
    // It is read: what a comment has let out would be no code.
    expect(await load("breaks", text)).toHaveProperty("createBatch");
  });

  it("says what of a plan has no place in it", () => {
    expect(generatePlan(NASTY).omitted).toEqual([
      '`/version_document/data_points/26` has no function: the Events API has no custom event "Other".',
    ]);
    expect(generatePlan({ data_points: [] }).omitted).toEqual([
      "The plan has no id, so its batches cannot name it: pass the id.",
    ]);
  });

  it("tells names apart by the type of the event, and then by numbers", () => {
    const names = (plan: object) =>
      Array.from(generatePlan(plan).text.matchAll(/^export function (\w+)/gm), ([, name]) => name);
    const plan = planOf([
      customPoint("Seen", {}, "navigation"),
      customPoint("seen", {}, "media"),
      customPoint("SEEN", {}, "media"),
      customPoint("ALLCAPS word", {}),
      customPoint("2nd", {}),
      customPoint("delete", {}),
    ]);
    expect(names(plan)).toEqual([
      "event2nd",
      "allcapsWord",
      "seenMedia",
      "seenNavigation",
      "deleteEvent",
      "seenMedia2",
      "userContext",
      "createBatch",
    ]);
  });
});

describe("what generated code makes", () => {
  const loaded = new Map<string, Generated>();
  const plans = Object.entries({ ...PLANS, large: largePlan(full(5, 30)) }).map(([name, plan]) => ({ name, plan }));
  beforeAll(async () => {
    for (const { name, plan } of plans) loaded.set(name, await load(name, generatePlan(plan).text));
  });

  const user = {
    environment: "development",
    user_attributes: { age: 1, plan: "free" },
    user_identities: { customer_id: "1", email: "a@b.c" },
  };

  it.each(plans.filter(({ name }) => name !== "nasty"))(
    "is what planCheck accepts, and refuses once it is changed: $name",
    ({ name, plan }) => {
      const { points, version } = readWholePlan(plan);
      const module = loaded.get(name)!;
      const check = planCheck(plan, { identities: false });
      const checkAll = planCheck(plan);
      const isEdges = name === "edges";
      const context = { ...user, user_attributes: isEdges ? { age: 1 } : {} };
      for (const point of points.filter(({ match }) => match.type === "custom_event")) {
        const make = module[camelCase(point.match.criteria["event_name"] ?? "")] as (attributes: unknown) => Event;
        const rule = attributesOf(point);
        fc.assert(
          fc.property(valueOf(rule), fc.nat(), (attributes, seed) => {
            const batch = module.createBatch(context, [make(attributes)]);
            expect(check(batch)).toEqual([]);
            expect(module.checkPlan(batch)).toEqual(checkAll(batch));
            expect(batch.context?.data_plan).toEqual({ plan_id: version.data_plan_id, plan_version: version.version });
            for (const bad of mutationsOf(rule, attributes as Record<string, unknown>, seed)) {
              const changed = module.createBatch(context, [make(bad)]);
              expect(check(changed)).not.toEqual([]);
              expect(module.checkPlan(changed)).toEqual(checkAll(changed));
            }
          }),
          { numRuns: full(5, 50) },
        );
      }
    },
  );

  it("of hostile plans is what planCheck accepts, too", () => {
    const module = loaded.get("nasty")!;
    const call = (name: string, ...given: readonly unknown[]): Event =>
      (module[name] as (...given: readonly unknown[]) => Event)(...given);
    const events = [
      call("deleteEvent", { ok: true }),
      call("注文", {}),
      call("homeScreen", undefined, { page_url: "https://a.example" }),
      call(
        "purchase",
        { transaction_id: "a", products: [{ custom_attributes: { size: "42", gift: "true" } }] },
        undefined,
        { currency_code: "EUR" },
      ),
      call("refund", { transaction_id: "a" }),
      call("promotionClick"),
      call("productImpression", []),
      call("applicationBackground"),
      call("sessionStart"),
      call("types", { required: 1, bare: "b" }),
    ].filter((event) => event.event_type !== "custom_event" || event.data.event_name !== "Types");
    expect(planCheck(NASTY)(module.createBatch(user, events))).toEqual([]);
  });
});

function attributesOf({ rule }: ReadPoint) {
  const data = rule.properties?.find(([name]) => name === "data")?.[1];
  return data?.properties?.find(([name]) => name === "custom_attributes")?.[1] ?? {};
}

/** Attributes with one thing wrong. */
function mutationsOf(rule: ReturnType<typeof attributesOf>, attributes: Record<string, unknown>, seed: number) {
  const required = rule.required ?? [];
  const properties = (rule.properties ?? []).filter(([, { types }]) => types !== undefined);
  const lost = required[seed % required.length];
  const wrong = properties[seed % properties.length]?.[0];
  return [
    ...(lost === undefined ? [] : [{ ...attributes, [lost]: null }]),
    ...(wrong === undefined ? [] : [{ ...attributes, [wrong]: { not: "this" } }]),
    ...(rule.rest === false ? [{ ...attributes, "not planned": 1 }] : []),
  ];
}
