import { docText, keyText, valueText, quoted } from "./generated-text.ts";
import { byName } from "./generated-types.ts";
import type { PlanVersion, ReadPoint } from "./read-plan.ts";
import type { Rule } from "./rule.ts";

/** The check, from rules that were read and judged when the code was made: a point a line. */
export function generateChecker(
  { data_plan_id: id, version, version_document: { settings } }: PlanVersion,
  points: readonly ReadPoint[],
): string {
  const sorted = [...points].sort((one, other) => ((one.key ?? "") < (other.key ?? "") ? -1 : 1));
  const lines = sorted.flatMap(({ key, match, rule }) =>
    key === undefined ? [] : [`    ${valueText({ key, match })}`.replace(/ \}$/, `, rule: ${ruleText(rule)} },`)],
  );
  const members = [
    ...(id === undefined ? [] : [`  id: ${valueText(id)},`]),
    ...(version === undefined ? [] : [`  version: ${valueText(version)},`]),
    ...(settings === undefined ? [] : [`  actions: ${valueText(settings.validation_actions)},`]),
    "  points: [",
    ...lines,
    "  ],",
  ];
  const doc = docText(
    "Holds batches against the plan, as `planCheck` does, and needs no plan at run time: for the `validate` of a client.",
  );
  return `${doc}export const checkPlan: PlanCheck = /* @__PURE__ */ compiledPlanCheck({\n${members.join("\n")}\n});\n`;
}

/** Descriptions are told above, and decide about nothing. */
function ruleText(rule: Rule): string {
  const { properties, required, items, tuple, rest, ...others } = rule;
  const parts = Object.entries(others)
    .filter(([key]) => key !== "description")
    .map(([key, value]) => `${keyText(key)}: ${valueText(value)}`);
  if (required !== undefined) parts.push(`required: ${valueText([...required].sort())}`);
  if (properties !== undefined && properties.length > 0) {
    parts.push(
      `properties: [${[...properties]
        .sort(byName)
        .map(([name, own]) => `[${quoted(name)}, ${ruleText(own)}]`)
        .join(", ")}]`,
    );
  }
  if (items !== undefined) parts.push(`items: ${items === false ? "false" : ruleText(items)}`);
  if (tuple !== undefined) parts.push(`tuple: [${tuple.map(ruleText).join(", ")}]`);
  if (rest !== undefined) parts.push(`rest: ${rest === false ? "false" : ruleText(rest)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}
