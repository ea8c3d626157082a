import { isObject, type JsonObject, type JsonValue } from "../../src/cli/diff/json-value.ts";
import type { SpecPath } from "./read-spec.ts";

/** Keywords whose value is a schema that only holds under a condition, or is one. */
const CONDITIONS: readonly string[] = ["if", "then", "else", "not"];
/** Keywords whose value is one schema. */
const ONE = [
  ...["items", "additionalProperties", "unevaluatedProperties", "propertyNames", "contains"],
  ...CONDITIONS,
] as const;
/** Keywords whose value is a list of schemas. */
const LIST = ["allOf", "anyOf", "oneOf", "prefixItems"] as const;
/** Keywords whose value is a map of schemas. */
const MAP = ["properties", "patternProperties", "$defs"] as const;

/** A schema and where it stands. */
export interface PlacedSchema {
  readonly schema: JsonObject;
  readonly path: SpecPath;
  /** It stands within a condition, and so describes nothing by itself. */
  readonly isConditional?: boolean;
}

/** The schemas directly inside one, in the order of the keywords above. Those of `x-wire` are not among them. */
export function subschemas({ schema, path, isConditional = false }: PlacedSchema): PlacedSchema[] {
  const found: PlacedSchema[] = [];
  const add = (value: JsonValue | undefined, ...steps: [string, ...(string | number)[]]) => {
    if (!isObject(value)) return;
    found.push({
      schema: value,
      path: [...path, ...steps],
      isConditional: isConditional || CONDITIONS.includes(steps[0]),
    });
  };
  for (const key of MAP) {
    const map = schema[key];
    if (isObject(map)) for (const [name, value] of Object.entries(map)) add(value, key, name);
  }
  for (const key of LIST) {
    const list = schema[key];
    if (Array.isArray(list)) for (const [index, value] of list.entries()) add(value, key, index);
  }
  for (const key of ONE) add(schema[key], key);
  return found;
}

/** Where something stands in place of a schema that is none. */
export function misplaced({ schema, path }: PlacedSchema): SpecPath[] {
  const found: SpecPath[] = [];
  const look = (value: JsonValue | undefined, ...steps: (string | number)[]) => {
    if (value !== undefined && !isObject(value) && typeof value !== "boolean") found.push([...path, ...steps]);
  };
  for (const key of MAP) {
    const map = schema[key];
    if (isObject(map)) for (const [name, value] of Object.entries(map)) look(value, key, name);
    else look(map, key);
  }
  for (const key of LIST) {
    const list = schema[key];
    if (Array.isArray(list)) for (const [index, value] of list.entries()) look(value, key, index);
    else if (list !== undefined) found.push([...path, key]);
  }
  for (const key of ONE) look(schema[key], key);
  return found;
}

/** A schema and every schema inside it, parents first. */
export function* walkSchema(root: PlacedSchema): Generator<PlacedSchema> {
  yield root;
  for (const child of subschemas(root)) yield* walkSchema(child);
}

/** Every schema of a description: those of the components, and those written where they are used. */
export function* walkSchemas(document: JsonObject): Generator<PlacedSchema> {
  const components = isObject(document["components"]) ? document["components"] : {};
  for (const [name, schema] of Object.entries(isObject(components["schemas"]) ? components["schemas"] : {})) {
    if (isObject(schema)) yield* walkSchema({ schema, path: ["components", "schemas", name] });
  }
  for (const [kind, map] of Object.entries(components)) {
    if (kind !== "schemas") yield* schemasBelow(map, ["components", kind]);
  }
  yield* schemasBelow(document["paths"], ["paths"]);
}

/** Schemas of headers, parameters and media types: the values of every `schema` key, examples left out. */
function* schemasBelow(value: JsonValue | undefined, path: SpecPath): Generator<PlacedSchema> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* schemasBelow(item, [...path, index]);
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key === "schema" && isObject(member)) yield* walkSchema({ schema: member, path: [...path, key] });
      else if (key !== "example" && key !== "examples") yield* schemasBelow(member, [...path, key]);
    }
  }
}
