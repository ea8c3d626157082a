import { isObject, isString, type JsonObject, type JsonValue } from "../../src/cli/diff/json-value.ts";
import type { SpecPath } from "./read-spec.ts";

const SCHEMAS = "#/components/schemas/";

/** The name of the component schema that a `$ref` points at, if it points at one. */
export function schemaName(ref: JsonValue | undefined): string | undefined {
  return isString(ref) && ref.startsWith(SCHEMAS) ? ref.slice(SCHEMAS.length) : undefined;
}

/** The `$ref` of a component schema. */
export function schemaRef(name: string): string {
  return SCHEMAS + name;
}

/** Every `$ref` below a value, itself included. */
export function* refsBelow(value: JsonValue | undefined): Generator<string> {
  for (const { ref } of placedRefsBelow(value, [])) yield ref;
}

/** Every `$ref` below a value and where it stands. Examples hold data, not references. */
export function* placedRefsBelow(
  value: JsonValue | undefined,
  path: SpecPath,
): Generator<{ ref: string; path: SpecPath }> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* placedRefsBelow(item, [...path, index]);
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key === "$ref" && isString(member)) yield { ref: member, path: [...path, key] };
      else if (key === "examples") yield* refsOfExamples(member, [...path, key]);
      else if (key !== "example") yield* placedRefsBelow(member, [...path, key]);
    }
  }
}

function* refsOfExamples(examples: JsonValue, path: SpecPath): Generator<{ ref: string; path: SpecPath }> {
  for (const [name, example] of Object.entries(isObject(examples) ? examples : {})) {
    const ref = isObject(example) ? example["$ref"] : undefined;
    if (isString(ref)) yield { ref, path: [...path, name, "$ref"] };
  }
}

/** What a local `$ref` points at, or undefined when nothing is there. */
export function resolveRef(document: JsonObject, ref: string): JsonValue | undefined {
  if (!ref.startsWith("#/")) return undefined;
  let value: JsonValue | undefined = document;
  for (const step of ref.slice(2).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}
