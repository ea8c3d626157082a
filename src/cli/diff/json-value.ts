/** Anything that JSON can hold: what a YAML description is once it is read. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** The member as an object; an empty one when it is absent or something else. */
export function objectAt(parent: JsonValue | undefined, key: string): JsonObject {
  const value = isObject(parent) ? parent[key] : undefined;
  return isObject(value) ? value : {};
}

/** The member as an array; an empty one when it is absent or something else. */
export function arrayAt(parent: JsonValue | undefined, key: string): JsonValue[] {
  const value = isObject(parent) ? parent[key] : undefined;
  return Array.isArray(value) ? value : [];
}

/** The member as an array of strings, leaving out what is none. */
export function stringsAt(parent: JsonValue | undefined, key: string): string[] {
  return arrayAt(parent, key).filter(isString);
}

/** A copy that lacks some members. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** JSON Merge Patch (RFC 7396): objects merge, `null` removes, anything else replaces. */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return structuredClone(patch);
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null) merged[key] = mergePatch(merged[key], value);
  }
  return without(merged, ...Object.keys(patch).filter((key) => patch[key] === null));
}
