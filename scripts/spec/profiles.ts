import { WIDE_FORMATS } from "./formats.ts";
import {
  arrayAt,
  isObject,
  isString,
  mergePatch,
  objectAt,
  stringsAt,
  without,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { refsBelow, schemaName, schemaRef } from "./references.ts";

/** Keys of `x-wire` that are instructions of ours; every other key is part of the merge patch. */
export const WIRE_INSTRUCTIONS = [
  "settles",
  "reason",
  "optional",
  "alias",
  "closed",
  "strings",
  "nullable",
  "oneOfAlso",
] as const;

/*
 * The rules of the wire profile:
 * R1 objects are open (D20);
 * R2 an optional "String" may be any scalar (D18, D19);
 * R3 sizes do not bind;
 * R4 formats do not bind (D23: the official JSON Schema has integers of no width; D38, D99: ids that are no UUIDs);
 * R5 64-bit ids may be decimal digits (D24).
 */

/** R3: sizes are advice that the service has never been seen to enforce on every path. */
const SIZES = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "propertyNames"];
/** R2: what an official "String" may be. */
const SCALARS = ["string", "number", "boolean", "null"];

/** The document as a well-behaved sender reads it: as written, without what only concerns the wire profile. */
export function canonicalProfile(document: JsonObject): JsonObject {
  return withoutUnusedSchemas(withoutWire(document));
}

/** The document as everything that official sources send satisfies it: relaxed by the rules above and by each `x-wire`. */
export function wireProfile(document: JsonObject): JsonObject {
  const bulkArrays = new Set(requestBodySchemas(document).flatMap((schema) => schemaName(schema["$ref"]) ?? []));
  const components = objectAt(document, "components");
  const schemas: JsonObject = {};
  for (const [name, schema] of Object.entries(objectAt(components, "schemas"))) {
    schemas[name] = relax(schema, {
      widen: false,
      keepSizes: bulkArrays.has(name) && objectAt(components["schemas"], name)["type"] === "array",
    });
  }
  for (const branch of Object.values(objectAt(components, "schemas")).flatMap((schema) => inlineBranches(schema))) {
    schemas[branch.name] = relax(branch.schema, { widen: false, keepSizes: false });
  }
  const info = objectAt(document, "info");
  const title = info["title"];
  return withoutUnusedSchemas(
    withoutWire({
      ...document,
      info: { ...info, ...(isString(title) && { title: `${title} (wire profile)` }) },
      components: { ...components, schemas },
    }),
  );
}

interface Role {
  /** R2 applies: the schema is that of an optional member or of a map's values. */
  readonly widen: boolean;
  /** R3 does not apply: the array of a bulk request. */
  readonly keepSizes: boolean;
}

function relax(value: JsonValue, role: Role): JsonValue {
  if (!isObject(value)) return value;
  const wire = objectAt(value, "x-wire");
  const required = stringsAt(value, "required");
  const relaxed: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === "x-wire" || (SIZES.includes(key) && !role.keepSizes)) continue;
    if (key === "format" && !(isString(member) && WIDE_FORMATS.includes(member))) continue; // R4
    if (
      (key === "additionalProperties" || key === "unevaluatedProperties") &&
      member === false &&
      wire["closed"] !== true
    )
      continue; // R1
    relaxed[key] = member;
  }
  if (isObject(value["properties"])) {
    relaxed["properties"] = relaxProperties(value["properties"], required);
    const stillRequired = required.filter(
      (name) => objectAt(objectAt(value["properties"], name), "x-wire")["optional"] !== true,
    );
    if (required.length > 0) relaxed["required"] = stillRequired;
    if (stillRequired.length === 0) delete relaxed["required"];
  }
  for (const key of ["allOf", "anyOf", "oneOf"]) {
    if (key in value)
      relaxed[key] = arrayAt(value, key).map((branch) => relax(branch, { widen: false, keepSizes: false }));
  }
  if (isObject(relaxed["items"])) relaxed["items"] = relax(relaxed["items"], { widen: false, keepSizes: false });
  if (isObject(relaxed["additionalProperties"])) {
    relaxed["additionalProperties"] = relax(relaxed["additionalProperties"], { widen: true, keepSizes: false });
  }
  if (role.widen && wire["strings"] !== "only" && isPlainString(value)) relaxed["type"] = [...SCALARS]; // R2
  if ("x-exact" in value) acceptDigits(relaxed, value["x-exact"]); // R5
  return applyWire(relaxed, wire);
}

function relaxProperties(properties: JsonObject, required: readonly string[]): JsonObject {
  const relaxed: JsonObject = {};
  for (const [name, schema] of Object.entries(properties)) {
    const member = relax(schema, { widen: !required.includes(name), keepSizes: false });
    relaxed[name] = member;
    const alias = objectAt(schema, "x-wire")["alias"];
    if (isString(alias)) relaxed[alias] = structuredClone(member);
  }
  return relaxed;
}

function isPlainString(schema: JsonObject): boolean {
  const type = schema["type"];
  const plain =
    type === "string" || (Array.isArray(type) && type.length === 2 && type.includes("string") && type.includes("null"));
  return plain && !["enum", "const", "format", "pattern"].some((key) => key in schema);
}

function acceptDigits(schema: JsonObject, kind: JsonValue | undefined): void {
  schema["type"] = ["integer", "string"];
  schema["pattern"] = kind === "uint64" ? "^[0-9]{1,20}$" : "^-?[0-9]{1,19}$";
}

function applyWire(schema: JsonObject, wire: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const [key, value] of Object.entries(wire)) {
    if (!WIRE_INSTRUCTIONS.some((instruction) => instruction === key)) patch[key] = value;
  }
  if (isObject(patch["properties"])) {
    const known = objectAt(schema, "properties");
    patch["properties"] = Object.fromEntries(
      Object.entries(patch["properties"]).map(([name, member]) => [
        name,
        name in known ? member : relax(member, { widen: true, keepSizes: false }),
      ]),
    );
  }
  const merged = mergePatch(schema, patch);
  const patched = isObject(merged) ? merged : schema;
  const also = arrayAt(wire, "oneOfAlso").map((branch) =>
    isObject(branch) && isString(branch["title"]) ? { $ref: schemaRef(branch["title"]) } : branch,
  );
  if (also.length > 0) patched["oneOf"] = [...arrayAt(patched, "oneOf"), ...also];
  return wire["nullable"] === true ? acceptNull(patched) : patched;
}

/** Branches that `oneOfAlso` writes out: in the wire document they are component schemas, named by their titles. */
function inlineBranches(schema: JsonValue): { name: string; schema: JsonObject }[] {
  return arrayAt(objectAt(schema, "x-wire"), "oneOfAlso").flatMap((branch) =>
    isObject(branch) && isString(branch["title"]) ? [{ name: branch["title"], schema: branch }] : [],
  );
}

function acceptNull(schema: JsonObject): JsonObject {
  const { type, ...rest } = schema;
  if (type !== undefined && !("const" in schema)) {
    const types = Array.isArray(type) ? type : [type];
    return {
      ...schema,
      type: types.includes("null") ? types : [...types, "null"],
      ...(Array.isArray(rest["enum"]) && { enum: [...rest["enum"].filter((value) => value !== null), null] }),
    };
  }
  if (Array.isArray(schema["anyOf"])) return { ...schema, anyOf: [...schema["anyOf"], { type: "null" }] };
  const { description, ...constraints } = schema;
  return { ...(description !== undefined && { description }), anyOf: [constraints, { type: "null" }] };
}

/** A copy in which a wire union also maps the event types that its added branches name. */
function withWholeMapping(schema: JsonObject, schemas: JsonObject): JsonObject {
  const discriminator = schema["discriminator"];
  if (!isObject(discriminator) || !isString(discriminator["propertyName"])) return schema;
  const mapping = { ...objectAt(discriminator, "mapping") };
  for (const branch of arrayAt(schema, "oneOf")) {
    const name = isObject(branch) ? schemaName(branch["$ref"]) : undefined;
    if (name === undefined) continue;
    const tag = objectAt(objectAt(objectAt(schemas, name), "properties"), discriminator["propertyName"]);
    const values = "const" in tag ? [tag["const"]] : arrayAt(tag, "enum");
    for (const value of values) if (isString(value)) mapping[value] ??= schemaRef(name);
  }
  return { ...schema, discriminator: { ...discriminator, mapping } };
}

/** A copy without any `x-wire`, as the canonical profile has it. */
export function withoutWire(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, member]) => (key === "x-wire" ? [] : [[key, withoutWireBelow(member)]])),
  );
}

function withoutWireBelow(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutWireBelow);
  return isObject(value) ? withoutWire(value) : value;
}

function withoutUnusedSchemas(document: JsonObject): JsonObject {
  const components = objectAt(document, "components");
  const schemas = objectAt(components, "schemas");
  const used = new Set<string>();
  const visit = (value: JsonValue | undefined) => {
    for (const ref of refsBelow(value)) {
      const name = schemaName(ref);
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(document["paths"]);
  visit(without(components, "schemas"));
  const kept = Object.fromEntries(
    Object.entries(schemas).flatMap(([name, schema]) =>
      used.has(name) ? [[name, isObject(schema) ? withWholeMapping(schema, schemas) : schema]] : [],
    ),
  );
  return { ...document, components: { ...components, schemas: kept } };
}

/** The schemas of all request bodies, as the media types hold them. */
export function requestBodySchemas(document: JsonObject): JsonObject[] {
  return Object.values(objectAt(document, "paths")).flatMap((item) =>
    Object.values(isObject(item) ? item : {}).flatMap((operation) =>
      Object.values(objectAt(objectAt(operation, "requestBody"), "content")).map((media) => objectAt(media, "schema")),
    ),
  );
}
