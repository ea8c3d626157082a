import { isString, without, type JsonObject, type JsonValue } from "./json-value.ts";

/** The JSON types, a number being an integer or a fraction: "number" contains "integer". */
export type ValueType = "string" | "integer" | "fraction" | "boolean" | "object" | "array" | "null";

export const VALUE_TYPES: readonly ValueType[] = [
  "string",
  "integer",
  "fraction",
  "boolean",
  "object",
  "array",
  "null",
];

/** One way a value may be, with references, `allOf`, `anyOf` and `oneOf` followed: nothing but plain constraints. */
export interface Shape {
  readonly types: ReadonlySet<ValueType>;
  /** The values of `enum` and `const` except null; undefined when any value of the types will do. */
  readonly values: readonly JsonValue[] | undefined;
  /** Values that somebody listed without refusing others. */
  readonly known: readonly string[];
  /** `maxLength`, `minimum`, `uniqueItems` …; `pattern`, `format` and `x-exact` are strings. */
  readonly limits: ReadonlyMap<string, JsonValue>;
  readonly properties: ReadonlyMap<string, Value>;
  readonly required: ReadonlySet<string>;
  /** What other properties hold: nothing (`false`), anything (undefined), or a value. */
  readonly additional: Value | false | undefined;
  readonly propertyNames: Value | undefined;
  readonly items: Value | undefined;
  /** `if`, `not` and whatever else is compared as it is written. */
  readonly conditions: string;
  readonly deprecated: boolean;
  /** Properties that our own description has in its wire profile only. */
  readonly wireOnly: ReadonlySet<string>;
  /** The name of the component or definition that it was reached by. */
  readonly name: string | undefined;
  readonly tag: Tag | undefined;
}

/** What tells a branch of a union apart: a property, and the values that a discriminator maps to the branch. */
export interface Tag {
  readonly property: string;
  readonly values: readonly string[];
}

/** A place in a payload. The same schemas give the same object. */
export interface Value {
  readonly id: number;
  /** The alternatives; a value that null alone is an alternative for has one for it. */
  readonly shapes: readonly Shape[];
}

const CONDITIONS = [
  ...["if", "then", "else", "not", "contains", "prefixItems", "patternProperties"],
  ...["dependentRequired", "dependentSchemas", "dependencies"],
];
const LIMITS = [
  ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format", "x-exact"],
];
/** Keywords that only make sense for one type, and so imply it where an author left `type` out. */
const IMPLIED_TYPES: readonly (readonly [ValueType, readonly string[]])[] = [
  ["object", ["properties", "required", "additionalProperties", "maxProperties", "minProperties", "propertyNames"]],
  ["array", ["items", "maxItems", "minItems"]],
];

/** The strings that a shape allows for a property: those its discriminator maps to it, or those of its `enum`. */
export function tagValues(shape: Shape, property: string): string[] {
  if (shape.tag?.property === property && shape.tag.values.length > 0) return [...shape.tag.values];
  const alternatives = shape.properties.get(property)?.shapes ?? [];
  if (!alternatives.every(({ types, values }) => values !== undefined || [...types].join() === "null")) return [];
  const values = alternatives.flatMap((alternative) => alternative.values ?? []).filter(isString);
  // A discriminator without a mapping takes the names of the schemas for values.
  return values.length === 0 && shape.tag?.property === property && shape.name !== undefined ? [shape.name] : values;
}

/** Whether two JSON values are the same. */
export function includes(values: readonly JsonValue[], value: JsonValue): boolean {
  return values.some((other) => other === value || JSON.stringify(other) === JSON.stringify(value));
}

/** The stricter of two limits. Of two patterns or formats, both. */
export function tighter(keyword: string, known: JsonValue | undefined, limit: JsonValue): JsonValue {
  if (known === undefined || known === limit) return limit;
  if (typeof known !== "number" || typeof limit !== "number") return [known, limit].flat();
  return /^(max|exclusiveMax)/.test(keyword) ? Math.min(known, limit) : Math.max(known, limit);
}

export function limitsOf(atom: JsonObject): [string, JsonValue][] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = atom;
  // In OpenAPI 3.0 these are a flag on the other keyword.
  const plain = without(
    atom,
    ...(exclusiveMinimum === true ? ["minimum"] : []),
    ...(exclusiveMaximum === true ? ["maximum"] : []),
  );
  return LIMITS.flatMap((key): [string, JsonValue][] => {
    let limit = plain[key];
    if (key === "exclusiveMinimum" && limit === true) limit = minimum;
    if (key === "exclusiveMaximum" && limit === true) limit = maximum;
    const none = limit === undefined || limit === false || (limit === 0 && /^min(?!imum)/.test(key));
    return none ? [] : [[key, limit ?? null]];
  });
}

export function typesOf(atom: JsonObject): ReadonlySet<ValueType> {
  const { type } = atom;
  if (JSON.stringify(atom["not"]) === "{}") return new Set();
  if (isString(type) || Array.isArray(type)) {
    return new Set(
      [type].flat().flatMap((name): readonly ValueType[] => {
        if (name === "number") return ["integer", "fraction"];
        return VALUE_TYPES.filter((known) => known === name && known !== "fraction");
      }),
    );
  }
  if ("enum" in atom || "const" in atom) return new Set(VALUE_TYPES);
  for (const [implied, keywords] of IMPLIED_TYPES) if (keywords.some((key) => key in atom)) return new Set([implied]);
  return new Set(VALUE_TYPES);
}

/** The type of a value that stands in a schema. */
export function typeOfValue(value: JsonValue): ValueType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "fraction";
  if (typeof value === "string") return "string";
  return typeof value === "boolean" ? "boolean" : "object";
}

export function conditionsOf(atoms: readonly JsonObject[]): string {
  const found = atoms.flatMap((atom) =>
    CONDITIONS.filter((key) => key in atom).map((key) => `${key}: ${JSON.stringify(atom[key])}`),
  );
  return found.sort().join(", ");
}
