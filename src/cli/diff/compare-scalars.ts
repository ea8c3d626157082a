import { isString, type JsonValue } from "./json-value.ts";
import { local, type Local, type Verdict } from "./differences.ts";
import { includes, typeOfValue, type Shape, type ValueType } from "./schema-shapes.ts";

/** Formats that every number of the type has anyway. */
const WIDEST_FORMATS = ["int64", "float", "double"];

export function compareScalars(
  old: readonly Shape[],
  now: readonly Shape[],
  types: readonly ValueType[],
  keywords: readonly string[],
): Local[] {
  return [...compareValues(old, now, types), ...compareLimits(old, now, keywords)];
}

function compareValues(old: readonly Shape[], now: readonly Shape[], types: readonly ValueType[]): Local[] {
  const [before, after] = [valuesOf(old, types), valuesOf(now, types)];
  const [knownBefore, knownAfter] = [knownOf(old), knownOf(now)];
  if (before !== undefined && after !== undefined) {
    return changedList("value", "breaking", before, after);
  }
  if (after !== undefined) {
    const lost = knownBefore.filter((value) => !includes(after, value));
    const reason =
      lost.length > 0 ? { reason: `${lost.map((value) => JSON.stringify(value)).join(", ")} not among them` } : {};
    return [{ ...local("values", "tightened", "breaking", "any", [...after]), ...reason }];
  }
  if (before !== undefined) {
    const lost = before.filter((value) => isString(value) && !knownAfter.includes(value));
    return [
      local("values", "loosened", "compatible", [...before], "any"),
      ...(knownAfter.length === 0 ? [] : changedList("known value", "attention", lost, [])),
    ];
  }
  // A list on one side only is a comment, not a change.
  return knownBefore.length === 0 || knownAfter.length === 0
    ? []
    : changedList("known value", "attention", knownBefore, knownAfter);
}

function changedList(facet: string, verdict: Verdict, old: readonly JsonValue[], now: readonly JsonValue[]): Local[] {
  const lost = old.filter((value) => !includes(now, value));
  const gained = now.filter((value) => !includes(old, value));
  return [
    ...(lost.length > 0 ? [local(facet, "removed", verdict, lost, null)] : []),
    ...(gained.length > 0 ? [local(facet, "added", "compatible", null, gained)] : []),
  ];
}

/** The values of some types that any of the alternatives lists; undefined when one of them takes any. */
function valuesOf(shapes: readonly Shape[], types: readonly ValueType[]): JsonValue[] | undefined {
  if (shapes.some(({ values }) => values === undefined)) return undefined;
  const listed = shapes.flatMap(({ values }) => values ?? []).filter((value) => types.includes(typeOfValue(value)));
  const values = listed.filter((value, index) => listed.indexOf(value) === index);
  // Both booleans are every boolean.
  return types.includes("boolean") && values.length === 2 ? undefined : values;
}

function knownOf(shapes: readonly Shape[]): string[] {
  return [...new Set(shapes.flatMap(({ known, values }) => [...known, ...(values ?? [])]).filter(isString))];
}

export function compareLimits(old: readonly Shape[], now: readonly Shape[], keywords: readonly string[]): Local[] {
  return keywords.flatMap((keyword) => {
    const [before, after] = [limitOf(old, keyword), limitOf(now, keyword)];
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    return [{ ...local(keyword, ...judgeLimit(keyword, before, after), before ?? null, after ?? null) }];
  });
}

/** The loosest limit among the alternatives: none, when one of them has none. */
function limitOf(shapes: readonly Shape[], keyword: string): JsonValue | undefined {
  const limits = shapes.map(({ limits }) => limits.get(keyword));
  if (limits.some((limit) => limit === undefined)) return undefined;
  if (keyword === "format" && limits.some((limit) => WIDEST_FORMATS.some((format) => format === limit)))
    return undefined;
  const numbers = limits.filter((limit) => typeof limit === "number");
  if (numbers.length === limits.length) {
    return /^(max|exclusiveMax)/.test(keyword) ? Math.max(...numbers) : Math.min(...numbers);
  }
  const [first] = limits;
  return limits.every((limit) => JSON.stringify(limit) === JSON.stringify(first)) ? first : undefined;
}

function judgeLimit(
  keyword: string,
  old: JsonValue | undefined,
  now: JsonValue | undefined,
): [kind: Local["kind"], verdict: Verdict] {
  if (keyword === "x-exact") return judgeExactness(old, now);
  if (now === undefined) return ["loosened", "compatible"];
  // Most validators, and most services, do not look at formats.
  if (old === undefined) return ["tightened", keyword === "format" ? "attention" : "breaking"];
  if (typeof old !== "number" || typeof now !== "number" || keyword === "multipleOf") return ["changed", "attention"];
  const upper = /^(max|exclusiveMax)/.test(keyword);
  return now < old === upper ? ["tightened", "breaking"] : ["loosened", "compatible"];
}

/** Our annotation lets an integer be a bigint or digits as well: without it those are refused, and another has another range. */
function judgeExactness(
  old: JsonValue | undefined,
  now: JsonValue | undefined,
): [kind: Local["kind"], verdict: Verdict] {
  if (old === undefined) return ["loosened", "compatible"];
  return [now === undefined ? "tightened" : "changed", "breaking"];
}
