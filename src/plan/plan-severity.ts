import type { FindingSeverity } from "../errors.ts";
import { describe } from "../rules/describe-value.ts";
import { isObject } from "../rules/objects.ts";
import type { PlanAction, PlanSubject } from "./read-plan.ts";

/** How serious it is when data does not match: as the service would act, or said outright. */
export type PlanActions = Readonly<Partial<Record<PlanSubject, PlanAction | FindingSeverity | undefined>>>;

const SEVERITIES: Readonly<Record<PlanAction | FindingSeverity, FindingSeverity>> = {
  // Nobody has said that it does not matter, and a plan is what everybody agreed on.
  unknown: "error",
  allow: "warning",
  drop_event: "error",
  drop_attribute: "error",
  drop_batch: "error",
  error: "error",
  warning: "warning",
};

/** @throws TypeError - for an action or a subject that there is not. */
export function severitiesOf(
  ofPlan: PlanActions | undefined,
  ofCaller: PlanActions | undefined,
): Readonly<Record<PlanSubject, FindingSeverity>> {
  const given: unknown = ofCaller;
  if (given !== undefined && !isObject(given))
    throw new TypeError(`\`actions\` is ${describe(given)}; expected an object of actions.`);
  const severities = {
    event: SEVERITIES.unknown,
    event_attribute: SEVERITIES.unknown,
    user_attribute: SEVERITIES.unknown,
  };
  for (const actions of [ofPlan ?? {}, given ?? {}]) {
    for (const [subject, action] of Object.entries(actions)) {
      if (action === undefined) continue;
      if (!Object.hasOwn(severities, subject)) {
        throw new TypeError(`\`actions\` has ${describe(subject)}; expected ${Object.keys(severities).join(", ")}.`);
      }
      if (typeof action !== "string" || !Object.hasOwn(SEVERITIES, action)) {
        throw new TypeError(
          `\`actions.${subject}\` is ${describe(action)}; expected one of ${Object.keys(SEVERITIES).join(", ")}.`,
        );
      }
      severities[subject as PlanSubject] = SEVERITIES[action as PlanAction]; // both have just been found
    }
  }
  return severities;
}
