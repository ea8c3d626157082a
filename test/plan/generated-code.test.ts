import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
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
import { FULL, full } from "../full.ts";
import { makeProject, ROOT } from "../package/packed.ts";
import { customPoint, planOf } from "./plan-builder.ts";
import { valueOf } from "./rule-arbitrary.ts";
import { largePlan, NASTY, readCase } from "./sample-plans.ts";

const PLANS = {
  edges: readCase("edges"),
  coffee: readCase("coffee-shop"),
  nasty: NASTY,
  large: largePlan(full(100, 1000)),
};

/** A program that does what the plans allow, and is not let do what they do not. */
const USES = `
import { chooseItem, createBatch, emailSends, menuScreen, purchase, userContext } from "./coffee.js";
import { customEvent, screenView, type Batch } from "mparticle-events";
import * as large from "./large.js";
import * as nasty from "./nasty.js";

const user = { environment: "development" } as const;
export const batch: Batch = createBatch({ ...user, user_attributes: { $Age: 5 }, user_identities: { customer_id: "1" } }, [
  chooseItem({ quantity: 1, milk: true, item: "cortado", more: "is open" }, { session_uuid: "a" }),
  emailSends(), menuScreen(), purchase({ products: [{ id: "a" }] }),
]);
export const order = nasty.purchase(
  { transaction_id: "a", products: [{ id: "a", custom_attributes: { size: "42" } }] }, undefined, { currency_code: "EUR" },
);
export const many = large.createBatch(user, [large.eventNumber7({ "attribute 0": "c7" })]);
export const context = userContext(user);

// @ts-expect-error -- not in the plan
createBatch(user, [customEvent("Choose Itm", "other")]);
// @ts-expect-error -- nor as a literal
createBatch(user, [{ event_type: "custom_event", data: { event_name: "Choose Itm", custom_event_type: "other" } }]);
// @ts-expect-error -- a screen that is not in the plan
createBatch(user, [screenView("Home page")]);
// @ts-expect-error -- a value that is not in the plan
chooseItem({ quantity: 1, milk: true, item: "tea" });
// @ts-expect-error -- required
chooseItem({ quantity: 1, milk: true });
// @ts-expect-error -- required
chooseItem();
// @ts-expect-error -- of another type
chooseItem({ quantity: "1", milk: true, item: "cortado" });
// @ts-expect-error -- an attribute of the user that is not in the plan
createBatch({ ...user, user_attributes: { age: 5 } });
// @ts-expect-error -- an identity that is not in the plan
createBatch({ ...user, user_identities: { google: "5" } });
// @ts-expect-error -- what this file puts there itself
createBatch({ ...user, context: { data_plan: { plan_id: "other" } } });
// @ts-expect-error -- closed
nasty.deleteEvent({ ok: true, more: 1 });
// @ts-expect-error -- closed, and empty
nasty.empty({ more: 1 });
// @ts-expect-error -- a product without what the plan requires of it
nasty.purchase({ transaction_id: "a", products: [{ id: "a" }] }, undefined, { currency_code: "EUR" });
// @ts-expect-error -- a currency that is not in the plan
nasty.purchase({ transaction_id: "a", products: [] }, undefined, { currency_code: "CHF" });
// @ts-expect-error -- an identity that is required
nasty.createBatch({ ...user, user_attributes: { plan: "free" } });
// @ts-expect-error -- not one of a thousand
large.createBatch(user, [customEvent("Nope", "other")]);
`;

const COMPILERS = readdirSync(join(ROOT, "node_modules"))
  .filter((name) => /^typescript(-\d+(\.\d+)?)?$/.test(name) && existsSync(join(ROOT, "node_modules", name, "bin/tsc")))
  .filter((name) => FULL || name === "typescript-7.0");

let folder: string;
beforeAll(() => {
  ({ folder } = makeProject());
  for (const [name, plan] of Object.entries(PLANS)) writeFileSync(join(folder, `${name}.ts`), generatePlan(plan).text);
  writeFileSync(join(folder, "uses.ts"), USES);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function compile(compiler: string, exactOptionalPropertyTypes: boolean): Promise<string> {
  const config = join(folder, `tsconfig.${compiler}.${String(exactOptionalPropertyTypes)}.json`);
  const compilerOptions = {
    ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"], types: ["node"] },
    ...{ strict: true, noEmit: true, skipLibCheck: true, isolatedModules: true, verbatimModuleSyntax: true },
    ...{ noUnusedLocals: true, noUnusedParameters: true, noUncheckedIndexedAccess: true, noImplicitReturns: true },
    ...{ noPropertyAccessFromIndexSignature: true, exactOptionalPropertyTypes },
  };
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions, files: ["uses.ts", ...Object.keys(PLANS).map((name) => `${name}.ts`)] }),
  );
  const bin = join(ROOT, "node_modules", compiler, "bin/tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, "--pretty", "false", "-p", config], { cwd: folder }, (_error, stdout, stderr) => {
      resolve(`${stdout}${stderr}`);
    });
  });
}

describe("generated code", () => {
  it.each(COMPILERS.flatMap((compiler) => [true, false].map((exact) => ({ compiler, exact }))))(
    "compiles by $compiler, exactOptionalPropertyTypes $exact, and what is not in the plan does not",
    async ({ compiler, exact }) => {
      expect(await compile(compiler, exact)).toBe("");
    },
  );

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

/** A module of generated code, as it is loaded. */
interface Generated {
  readonly createBatch: (user: object, events: readonly Event[]) => Batch;
  readonly checkPlan: PlanCheck;
  readonly [name: string]: unknown;
}

describe("what generated code makes", () => {
  const loaded = new Map<string, Generated>();
  const files = mkdtempSync(join(tmpdir(), "generated-"));
  beforeAll(async () => {
    for (const [name, plan] of Object.entries({ ...PLANS, large: largePlan(30) })) {
      const file = join(files, `${name}.ts`);
      writeFileSync(file, generatePlan(plan).text);
      loaded.set(name, (await import(pathToFileURL(file).href)) as Generated);
    }
  });
  afterAll(() => {
    rmSync(files, { recursive: true });
  });

  const plans = Object.entries({ ...PLANS, large: largePlan(30) }).map(([name, plan]) => ({ name, plan }));
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
      const isEdges = name === "edges";
      const context = { ...user, user_attributes: isEdges ? { age: 1 } : {} };
      for (const point of points.filter(({ match }) => match.type === "custom_event")) {
        const make = module[camelCase(point.match.criteria["event_name"] ?? "")] as (attributes: unknown) => Event;
        const rule = attributesOf(point);
        fc.assert(
          fc.property(valueOf(rule), fc.nat(), (attributes, seed) => {
            const batch = module.createBatch(context, [make(attributes)]);
            expect(check(batch)).toEqual([]);
            expect(module.checkPlan(batch)).toEqual(planCheck(plan)(batch));
            expect(batch.context?.data_plan).toEqual({ plan_id: version.data_plan_id, plan_version: version.version });
            for (const bad of mutationsOf(rule, attributes as Record<string, unknown>, seed)) {
              const changed = module.createBatch(context, [make(bad)]);
              expect(check(changed)).not.toEqual([]);
              expect(module.checkPlan(changed)).toEqual(planCheck(plan)(changed));
            }
          }),
          { numRuns: full(5, 200) },
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
