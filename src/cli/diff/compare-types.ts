import { local, type Local } from "./differences.ts";
import { VALUE_TYPES, type Shape, type Value, type ValueType } from "./schema-shapes.ts";

export function compareTypes(old: readonly Shape[], now: readonly Shape[]): Local[] {
  const [before, after] = [typesOf(old), typesOf(now)];
  const found: Local[] = [];
  const anything = isAnything(old) || isAnything(now);
  if (!anything && before.has("null") !== after.has("null")) {
    found.push(
      after.has("null")
        ? local("null", "loosened", "compatible", false, true)
        : local("null", "tightened", "breaking", true, false),
    );
  }
  const matters = (type: ValueType) => anything || type !== "null";
  const lost = VALUE_TYPES.filter((type) => matters(type) && before.has(type) && !after.has(type));
  const gained = VALUE_TYPES.filter((type) => matters(type) && after.has(type) && !before.has(type));
  const [was, is] = [renderTypes(before, anything), renderTypes(after, anything)];
  if (lost.length > 0) {
    found.push(local("type", gained.length > 0 ? "changed" : "tightened", "breaking", was, is));
  } else if (gained.length > 0) found.push(local("type", "loosened", "compatible", was, is));
  return found;
}

function typesOf(shapes: readonly Shape[]): Set<ValueType> {
  return new Set(shapes.flatMap(({ types }) => [...types]));
}

export function withType(shapes: readonly Shape[], types: readonly ValueType[]): Shape[] {
  return shapes.filter((shape) => types.some((type) => shape.types.has(type)));
}

export function isAnything(shapes: readonly Shape[]): boolean {
  return shapes.some(({ types, values }) => types.size === VALUE_TYPES.length && values === undefined);
}

/** As an author would have written it: a fraction is a number, and a number includes the integers. */
function renderTypes(types: ReadonlySet<ValueType>, withNull: boolean): string {
  if (types.size === VALUE_TYPES.length) return "anything";
  const names = VALUE_TYPES.flatMap((type) => {
    if (!types.has(type) || (type === "null" && !withNull)) return [];
    if (type === "integer") return types.has("fraction") ? ["number"] : ["integer"];
    return type === "fraction" ? (types.has("integer") ? [] : ["fraction"]) : [type];
  });
  return names.join(" | ") || "nothing";
}

export function typeText(value: Value | undefined): string {
  return renderTypes(typesOf(value?.shapes ?? []), false);
}
