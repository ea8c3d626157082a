import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planCheck, readPlan, type PlanCheckOptions } from "mparticle-events/plan";

/** A batch, and what is found in it: the codes without `plan-`, each with its place. */
interface Case {
  readonly name: string;
  readonly plan: string;
  readonly batch: { readonly environment: string };
  /** By the official library. */
  readonly library: readonly string[];
  /** By the service. */
  readonly service: readonly string[];
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`cases/${name}`, import.meta.url), "utf8"));
}

const CASES = readJson("cases.json") as readonly Case[];

function found({ plan: file, batch }: Case, options: PlanCheckOptions): readonly string[] {
  const plan = readPlan(readJson(file));
  const named = {
    ...batch,
    context: { data_plan: { plan_id: plan.data_plan_id, plan_version: plan.version } },
  };
  return planCheck(plan, options)(named).map(({ code, path }) => `${code.replace("plan-", "")} ${path}`);
}

describe("a batch and a plan, as in the wild:", () => {
  it.each(CASES)("$name: the official library's findings, with its switches", (one) => {
    expect(found(one, { strictTypes: true, identities: false })).toEqual(one.library);
  });

  it.each(CASES)("$name: the service's findings", (one) => {
    expect(found(one, {})).toEqual(one.service);
  });

  it("are thirteen, of which eleven are not clean", () => {
    expect(CASES.map(({ library }) => library.length > 0)).toHaveLength(13);
    expect(CASES.filter(({ library }) => library.length > 0)).toHaveLength(11);
  });
});
