import type { Finding } from "../errors.ts";
import { readWholePlan, type PlanVersion } from "./read-plan.ts";

export type { Finding, FindingSeverity } from "../errors.ts";
export { PLAN_CODES, planCheck, type PlanCheck, type PlanCheckOptions, type PlanCode } from "./plan-check.ts";
export type { PlanActions } from "./plan-severity.ts";
export {
  readPlan,
  type DataPoint,
  type PlanAction,
  type PlanSubject,
  type PlanVersion,
  type ReadPlanOptions,
} from "./read-plan.ts";

/**
 * What is legal in a plan and not what its author may think: points that replace each other, patterns that backtrack,
 * keywords and formats that nobody looks at.
 *
 * @param plan - what {@link readPlan} gave, or what it takes when there is no version to choose.
 * @returns warnings, with JSON Pointers from the plan.
 * @throws TypeError - for a plan that is broken.
 */
export function planWarnings(plan: PlanVersion | object): Finding[] {
  return readWholePlan(plan).notes.map((note) => ({ severity: "warning", ...note }));
}
