import { isObject, isString, type JsonObject, type JsonValue } from "../../src/cli/diff/json-value.ts";

/** The types that JSON has, and the integers among its numbers. */
export const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

/** What sort of check a schema needs. */
export type SchemaKind =
  /** Null, or what another schema says. */
  | "nullable"
  /** One JSON type or another, of which one at least is an array or object. */
  | "mixed"
  /** An object that is one thing or another, told apart by its keys. */
  | "choice"
  | "union"
  | "object"
  | "array"
  /** Text, numbers, booleans and null. */
  | "scalar";

/**
 * Which of them a schema is; annotations do not count.
 *
 * @param schema - without a $ref: that is a check of its own.
 */
export function kindOf(schema: JsonObject): SchemaKind {
  if (withoutNull(schema) !== undefined) return "nullable";
  if (splitByType(schema) !== undefined) return "mixed";
  if ("if" in schema) return "choice";
  if ("oneOf" in schema || "anyOf" in schema) return "union";
  if (isObjectSchema(schema)) return "object";
  return schema["type"] === "array" ? "array" : "scalar";
}

/** Whether a schema speaks of objects alone. */
export function isObjectSchema(schema: JsonObject): boolean {
  return schema["type"] === "object" || "properties" in schema || "allOf" in schema;
}

const ANNOTATIONS = [
  "title",
  "description",
  "example",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "externalDocs",
  "$comment",
  "x-known-values",
  "x-at-most-one",
];

export function constraintsOf(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !ANNOTATIONS.includes(key)));
}

/** What is left of a nullable object, array or union when null is let through first; undefined when there is no such null. */
export function withoutNull(schema: JsonObject): JsonValue | undefined {
  const { type, anyOf } = schema;
  if (
    Array.isArray(type) &&
    type.includes("null") &&
    type.length === 2 &&
    (type.includes("object") || type.includes("array"))
  ) {
    return { ...schema, type: type.find((name) => name !== "null") ?? "null" };
  }
  if (Array.isArray(anyOf) && Object.keys(schema).length === 1) {
    const others = anyOf.filter((branch) => !(isObject(branch) && branch["type"] === "null"));
    if (others.length > 0 && others.length < anyOf.length) return others.length === 1 ? others[0] : { anyOf: others };
  }
  return undefined;
}

const TYPE_KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  array: ["items", "minItems", "maxItems"],
  object: ["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"],
};

/** A schema for an array or object among other types, as a union of one schema for each; undefined for any other. */
export function splitByType(schema: JsonObject): JsonObject | undefined {
  const { type, ...rest } = schema;
  const types = Array.isArray(type) ? type.filter(isString) : [];
  const containers = types.filter((name) => name in TYPE_KEYWORDS);
  if (containers.length === 0) return undefined;
  const keywordsThat = (keep: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(rest).filter(([key]) => keep(key)));
  return {
    anyOf: [
      {
        type: types.filter((name) => !containers.includes(name)),
        ...keywordsThat((key) => !Object.values(TYPE_KEYWORDS).flat().includes(key)),
      },
      ...containers.map((name) => ({
        type: name,
        ...keywordsThat((key) => TYPE_KEYWORDS[name]?.includes(key) ?? false),
      })),
    ],
  };
}
