import type { Problems } from "./problems.ts";
import type { Rule } from "./rule.ts";
import { sameValue } from "./sent-value.ts";

type Check = (value: unknown, problems: Problems) => void;

/** Lists that are longer are not searched for repetitions of objects and lists, which takes the square of their length. */
const MAX_COMPARED = 300;

/** Undefined when a list may be anything. */
export function compileListRules(
  rule: Rule,
  compile: (rule: Rule) => Check,
): ((list: readonly unknown[], problems: Problems) => void) | undefined {
  const { items, tuple, minItems = 0, maxItems = Infinity, uniqueItems } = rule;
  const checkEach = items === undefined || items === false ? undefined : compile(items);
  const checks = tuple?.map(compile) ?? [];
  const isOpen = items === undefined && checks.length === 0;
  if (isOpen && minItems === 0 && maxItems === Infinity && uniqueItems !== true) return undefined;
  return (list, problems) => {
    if (list.length < minItems || list.length > maxItems) {
      const expected = list.length < minItems ? `at least ${String(minItems)}` : `at most ${String(maxItems)}`;
      problems.add({ kind: "invalid", message: `expected ${expected} entries, got ${String(list.length)}.` });
    }
    for (let index = 0; !isOpen && index < list.length && !problems.isFull; index++) {
      const check = checks[index] ?? checkEach;
      const start = problems.count;
      if (check !== undefined) check(asItem(list[index]), problems);
      else if (items === false)
        problems.add({ kind: "unplanned", message: "the plan has no entry at this place of the list." });
      if (problems.count > start) problems.locate(start, index);
    }
    if (uniqueItems === true && hasRepetition(list)) {
      problems.add({ kind: "invalid", message: "expected a list without repetitions." });
    }
  };
}

/** What JSON writes into a list for what it does not know. */
function asItem(item: unknown): unknown {
  const isUnknown = item === undefined || typeof item === "function" || typeof item === "symbol";
  return isUnknown || (typeof item === "number" && !Number.isFinite(item)) ? null : item;
}

function hasRepetition(list: readonly unknown[]): boolean {
  const plain = list.filter((item) => typeof item !== "object" || item === null);
  if (new Set(plain).size < plain.length) return true;
  const others = list.filter((item) => typeof item === "object" && item !== null).slice(0, MAX_COMPARED);
  return others.some((one, index) => others.slice(0, index).some((other) => sameValue(one, other)));
}
