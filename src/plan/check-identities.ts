import { isObject, type Members } from "../rules/objects.ts";
import { compileRule, missing, unplanned, type Check, type CheckMode } from "./compile-rule.ts";
import { placeOfIdentity, type IdentityPlace } from "./identities.ts";
import type { Problems } from "./problems.ts";
import type { Rule } from "./rule.ts";
import { asSent, isAbsent } from "./sent-value.ts";

/** One identity that the plan knows, where the batch has it. */
interface PlannedIdentity {
  readonly place: IdentityPlace;
  readonly check: Check | undefined;
  readonly required: boolean;
}

/**
 * Makes the check of a batch's identities: of `user_identities`, and of those planned ids that stand with the device.
 * Ids of the device that are not planned are not looked at: whether the service minds them is not documented.
 */
export function compileIdentities(rule: Rule, mode: CheckMode): (batch: Members, problems: Problems) => void {
  const required = new Set(rule.required ?? []);
  const rules = new Map<string, Rule | undefined>(rule.properties ?? []);
  for (const name of required) if (!rules.has(name)) rules.set(name, undefined);
  const planned: PlannedIdentity[] = [...rules].map(([name, own]) => ({
    place: placeOfIdentity(name),
    check: own === undefined ? undefined : compileRule(own, mode),
    required: required.has(name),
  }));
  const names = planned.flatMap(({ place: [holder, key] }) => (holder === "user_identities" ? [key] : []));
  const known = new Set(names);
  const checkRest = rule.rest === undefined || rule.rest === false ? undefined : compileRule(rule.rest, mode);

  return (batch, problems) => {
    for (const { place, check, required: isRequired } of planned) {
      const [holder, key] = place;
      const container = key === undefined ? batch : membersOf(batch[holder]);
      const member = key ?? holder;
      const value = Object.hasOwn(container, member) ? container[member] : undefined;
      const start = problems.count;
      if (!isAbsent(value, false)) check?.(value, problems);
      else if (isRequired) problems.add(missing(member));
      if (problems.count === start) continue;
      problems.locate(start, member);
      if (key !== undefined) problems.locate(start, holder);
    }
    if (rule.rest === undefined) return;
    const identities = membersOf(batch["user_identities"]);
    for (const name in identities) {
      const value = identities[name];
      if (known.has(name) || isAbsent(value, false) || !Object.hasOwn(identities, name)) continue;
      const start = problems.count;
      if (checkRest === undefined) problems.add(unplanned(name, names, "identity"));
      else checkRest(value, problems);
      if (problems.count === start) continue;
      problems.locate(start, name);
      problems.locate(start, "user_identities");
    }
  };
}

function membersOf(value: unknown): Members {
  const sent = typeof value === "object" && value !== null ? asSent(value) : undefined;
  return isObject(sent) ? sent : {};
}
