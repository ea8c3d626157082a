import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatePlan } from "../../src/plan/generate-plan.ts";
import { full } from "../full.ts";
import { largePlan, NASTY, readCase } from "../plan/sample-plans.ts";
import { QUICK, runTypescript, withoutForeign } from "../types/run-typescript.ts";
import { makeOwnProject } from "./own-project.ts";
import { ROOT } from "./packed.ts";

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

const ALL = readdirSync(join(ROOT, "node_modules")).filter(
  (name) => /^typescript(-\d+(\.\d+)?)?$/.test(name) && existsSync(join(ROOT, "node_modules", name, "bin/tsc")),
);

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
  for (const [name, plan] of Object.entries(PLANS)) writeFileSync(join(folder, `${name}.ts`), generatePlan(plan).text);
  writeFileSync(join(folder, "uses.ts"), USES);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("code that is generated of plans", () => {
  it.each(
    full([QUICK], ALL).flatMap((compiler) =>
      full([true], compiler === "typescript" ? [true, false] : [true]).map((exact) => ({ compiler, exact })),
    ),
  )(
    "compiles by $compiler, exactOptionalPropertyTypes $exact, and what is not in the plan does not",
    { timeout: 600_000 },
    async ({ compiler, exact }) => {
      const said = await runTypescript(compiler, folder, `tsconfig.${compiler}.${String(exact)}`, {
        compilerOptions: {
          ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"], types: ["node"] },
          ...{ strict: true, noEmit: true, skipLibCheck: true, isolatedModules: true, verbatimModuleSyntax: true },
          ...{ noUnusedLocals: true, noUnusedParameters: true, noUncheckedIndexedAccess: true },
          ...{ noImplicitReturns: true, noPropertyAccessFromIndexSignature: true },
          exactOptionalPropertyTypes: exact,
        },
        files: ["uses.ts", ...Object.keys(PLANS).map((name) => `${name}.ts`)],
      });
      expect(withoutForeign(said)).toEqual([]);
    },
  );
});
