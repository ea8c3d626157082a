import type { Finding } from "../errors.ts";
import { makeEvent } from "../model/events.ts";
import type { EventDataOf, EventOf, EventType } from "../model/types.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { checkerOf, type CompiledPlan, type PlanCheck, type PlanCheckOptions } from "./plan-check.ts";
import { readWholePlan, type PlanVersion } from "./read-plan.ts";

export type { Finding, FindingSeverity } from "../errors.ts";
export {
  PLAN_CODES,
  planCheck,
  type CompiledPlan,
  type CompiledPoint,
  type PlanCheck,
  type PlanCheckOptions,
  type PlanCode,
} from "./plan-check.ts";
export type { JsonType, Rule } from "./rule.ts";
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

/**
 * What generated code makes its check with: the rules of a plan that was read when the code was made, each of which is
 * made ready when its first event is met. Needs no `eval`, and costs a start nothing.
 *
 * @param plan - as `mparticle-events plan generate` writes it.
 * @param options - see {@link PlanCheckOptions}.
 * @throws TypeError, RangeError - for what is no such plan, and for an option that there is not.
 */
export function compiledPlanCheck(plan: CompiledPlan, options?: PlanCheckOptions): PlanCheck {
  const given: unknown = plan;
  if (!isObject(given) || !Array.isArray(given["points"])) {
    throw new TypeError(
      `The compiled plan is ${show(given)}; expected what \`mparticle-events plan generate\` writes. (\`planCheck\` takes a plan as it is.)`,
    );
  }
  return checkerOf(plan, options);
}

/**
 * What generated code makes an event with that no factory makes as the plan has it; it gets its time and its id.
 *
 * @param event_type - the type of the event, on the wire's name.
 * @param data - its data.
 */
export function plannedEvent<Type extends EventType>(event_type: Type, data: EventDataOf<Type>): EventOf<Type> {
  return makeEvent(event_type, data);
}
