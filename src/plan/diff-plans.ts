import { describe } from "../rules/describe-value.ts";
import { appendToken } from "../validate/pointer.ts";
import { readWholePlan, type PlanVersion, type ReadPoint } from "./read-plan.ts";
import type { Rule } from "./rule.ts";

/** What a change means for code that keeps to the old plan. */
type PlanChangeKind = "removed" | "tightened" | "changed" | "loosened" | "added";

/** One difference between two plans. */
export interface PlanChange {
  readonly kind: PlanChangeKind;
  /** Whether something that the old plan took is refused by the new one. */
  readonly breaking: boolean;
  /** The key of the data point, such as `custom_event:other:Place Order`. */
  readonly point: string;
  /** JSON Pointer from what the data point is about to the value concerned. */
  readonly path: string;
  readonly message: string;
}

/**
 * What a new plan means for code that keeps to the old one.
 *
 * @returns breaking changes first, each group in the order of the points' keys.
 * @throws TypeError - for a plan that is broken.
 */
export function diffPlans(before: PlanVersion | object, after: PlanVersion | object): readonly PlanChange[] {
  const [old, next] = [pointsByKey(before), pointsByKey(after)];
  const changes: PlanChange[] = [];
  for (const key of [...new Set([...old.keys(), ...next.keys()])].sort()) {
    const [one, other] = [old.get(key), next.get(key)];
    const isEvent = !key.startsWith("user_");
    const add = (kind: PlanChangeKind, path: string, message: string): void => {
      changes.push({
        kind,
        breaking: kind === "removed" || kind === "tightened" || kind === "changed",
        point: key,
        path,
        message,
      });
    };
    if (one === undefined) {
      // Without a point for users nothing was said about them; a new one refuses what it closes.
      if (isEvent || !isStrict(other?.rule ?? {})) add("added", "", "the plan has it now.");
      else add("tightened", "", "the plan checks it now.");
    } else if (other === undefined) {
      if (isEvent) add("removed", "", "the plan does not have it any more.");
      else add("loosened", "", "the plan does not check it any more.");
    } else diffRules(one.rule, other.rule, "", add);
  }
  return changes.sort((one, other) => Number(other.breaking) - Number(one.breaking));
}

function pointsByKey(plan: PlanVersion | object): ReadonlyMap<string, ReadPoint> {
  return new Map(readWholePlan(plan).points.flatMap((point) => (point.key === undefined ? [] : [[point.key, point]])));
}

function isStrict(rule: Rule): boolean {
  return (
    rule.rest !== undefined ||
    (rule.required ?? []).length > 0 ||
    (rule.properties ?? []).some(([, own]) => Object.keys(own).length > 0)
  );
}

type Add = (kind: PlanChangeKind, path: string, message: string) => void;

function diffRules(old: Rule, next: Rule, path: string, add: Add): void {
  if (old.never !== next.never)
    add(
      next.never === true ? "tightened" : "loosened",
      path,
      next.never === true ? "no value is allowed any more." : "a value is allowed now.",
    );
  diffTypes(old, next, path, add);
  diffAllowed(old, next, path, add);
  diffLimits(old, next, path, add);
  for (const keyword of ["pattern", "format", "multipleOf"] as const)
    diffEqual(keyword, old[keyword], next[keyword], path, add);
  if (old.uniqueItems !== next.uniqueItems)
    add(
      next.uniqueItems === true ? "tightened" : "loosened",
      path,
      `repetitions are ${next.uniqueItems === true ? "not allowed any more" : "allowed now"}.`,
    );
  diffMembers(old, next, path, add);
  diffInner("entries", old.items, next.items, `${path}/*`, add);
  const [tuple, nextTuple] = [old.tuple ?? [], next.tuple ?? []];
  for (let index = 0; index < Math.max(tuple.length, nextTuple.length); index++) {
    diffRules(tuple[index] ?? {}, nextTuple[index] ?? {}, appendToken(path, index), add);
  }
}

function diffTypes({ types: old }: Rule, { types: next }: Rule, path: string, add: Add): void {
  const accepts = (types: Rule["types"], type: string): boolean =>
    types === undefined || types.some((one) => one === type || (one === "number" && type === "integer"));
  const lost = (old ?? (next === undefined ? [] : ["any type"])).filter(
    (type) => type === "any type" || !accepts(next, type),
  );
  const gained = (next ?? (old === undefined ? [] : ["any type"])).filter(
    (type) => type === "any type" || !accepts(old, type),
  );
  if (lost.length === 0 && gained.length === 0) return;
  const words = `its type is ${typesText(next)}, and was ${typesText(old)}.`;
  add(lost.length === 0 ? "loosened" : gained.length === 0 || old === undefined ? "tightened" : "changed", path, words);
}

function typesText(types: Rule["types"]): string {
  return types === undefined ? "any" : types.join(" or ");
}

function diffAllowed({ allowed: old }: Rule, { allowed: next }: Rule, path: string, add: Add): void {
  if (old === undefined || next === undefined) {
    if (next !== undefined) add("tightened", path, `only these values are allowed now: ${valuesText(next)}.`);
    else if (old !== undefined) add("loosened", path, "any value is allowed now.");
    return;
  }
  const texts = (values: readonly unknown[]): ReadonlySet<string> => new Set(values.map(textOf));
  const [before, after] = [texts(old), texts(next)];
  const removed = old.filter((value) => !after.has(textOf(value)));
  const added = next.filter((value) => !before.has(textOf(value)));
  if (removed.length > 0) add("tightened", path, `no longer allowed: ${valuesText(removed)}.`);
  if (added.length > 0) add("loosened", path, `allowed now: ${valuesText(added)}.`);
}

function valuesText(values: readonly unknown[]): string {
  const shown = values
    .slice(0, 8)
    .map((value) => (typeof value === "string" ? JSON.stringify(value) : describe(value)));
  return values.length > shown.length ? `${shown.join(", ")}, … (${String(values.length)})` : shown.join(", ");
}

function textOf(value: unknown): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

const LOWER = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"] as const;
const UPPER = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"] as const;

function diffLimits(old: Rule, next: Rule, path: string, add: Add): void {
  for (const keyword of [...LOWER, ...UPPER]) {
    const isLower = LOWER.some((one) => one === keyword);
    const unset = isLower ? -Infinity : Infinity;
    const [before, after] = [old[keyword] ?? unset, next[keyword] ?? unset];
    if (before === after) continue;
    const tighter = isLower ? after > before : after < before;
    add(tighter ? "tightened" : "loosened", path, `${keyword} is ${limitText(after)}, and was ${limitText(before)}.`);
  }
}

function limitText(limit: number | bigint): string {
  return limit === Infinity || limit === -Infinity ? "not set" : String(limit);
}

function diffEqual(keyword: string, old: unknown, next: unknown, path: string, add: Add): void {
  if (old === next) return;
  const kind = next === undefined ? "loosened" : old === undefined ? "tightened" : "changed";
  const words = (value: unknown): string =>
    value === undefined ? "not set" : typeof value === "string" ? JSON.stringify(value) : describe(value);
  add(kind, path, `${keyword} is ${words(next)}, and was ${words(old)}.`);
}

function diffMembers(old: Rule, next: Rule, path: string, add: Add): void {
  const [before, after] = [new Map(old.properties ?? []), new Map(next.properties ?? [])];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const at = appendToken(path, name);
    const [own, nextOwn] = [before.get(name), after.get(name)];
    if (own !== undefined && nextOwn !== undefined) diffRules(own, nextOwn, at, add);
    else if (nextOwn === undefined) {
      if (next.rest === false) add("removed", at, "the plan does not have it any more, and lists all there may be.");
      else add("loosened", at, "the plan does not describe it any more.");
    } else if (old.rest === false || !isRestrictive(nextOwn)) add("added", at, "the plan has it now.");
    else add("tightened", at, `the plan describes it now: ${typesText(nextOwn.types)}.`);
  }
  const [required, nextRequired] = [new Set(old.required ?? []), new Set(next.required ?? [])];
  for (const name of nextRequired)
    if (!required.has(name)) add("tightened", appendToken(path, name), "it is required now.");
  for (const name of required)
    if (!nextRequired.has(name)) add("loosened", appendToken(path, name), "it is not required any more.");
  if (old.rest !== false && next.rest === false)
    add("tightened", path, "nothing but what the plan lists is allowed any more.");
  else if (old.rest === false && next.rest !== false)
    add("loosened", path, "what the plan does not list is allowed now.");
  else diffInner("other members", old.rest, next.rest, `${path}/*`, add);
}

function isRestrictive(rule: Rule): boolean {
  return Object.keys(rule).some((key) => key !== "description");
}

function diffInner(
  what: string,
  old: Rule | false | undefined,
  next: Rule | false | undefined,
  path: string,
  add: Add,
): void {
  if (old === false && next === false) return;
  if (next === false) add("tightened", path, `no ${what} are allowed any more.`);
  else if (old === false) add("loosened", path, `${what} are allowed now.`);
  else if (old !== undefined || next !== undefined) diffRules(old ?? {}, next ?? {}, path, add);
}
