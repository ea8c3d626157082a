import { FORMATS, NUMBER_FORMATS } from "./formats.ts";
import {
  arrayAt,
  isObject,
  isString,
  objectAt,
  stringsAt,
  without,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { partsOf } from "./batch-layout.ts";
import { requestBodySchemas, WIRE_INSTRUCTIONS, withoutWire } from "./profiles.ts";
import type { SpecPath, SpecProblem, SpecSource } from "./read-spec.ts";
import { placedRefsBelow, refsBelow, resolveRef, schemaName, schemaRef } from "./references.ts";
import { checkStructure, unknownKey } from "./structure.ts";
import { furtherNames } from "./type-names.ts";
import { misplaced, subschemas, walkSchema, walkSchemas, type PlacedSchema } from "./walk-schemas.ts";

/** The one spelling that makes every tool read the schemas as draft 2020-12. */
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

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
];
const CONSTRAINTS = [
  ...["type", "enum", "const", "format", "pattern", "minLength", "maxLength"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["items", "minItems", "maxItems"],
  ...[
    "properties",
    "required",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
  ],
  ...["allOf", "anyOf", "oneOf", "discriminator", "if", "then", "else"],
];
const EXTENSIONS = ["x-wire", "x-known-values", "x-exact", "x-at-most-one"];
const KEYWORDS = new Set(["$ref", ...ANNOTATIONS, ...CONSTRAINTS, ...EXTENSIONS]);
const BESIDE_REF = new Set(["$ref", ...ANNOTATIONS, "x-wire"]);
const EFFECTS = ["reject", "truncate", "advise"];
const SETTLES = /^(D\d{1,3}|[A-Z]+-RULE)$/;

/**
 * Everything that the conventions of the contract ask for and a schema compiler does not see.
 *
 * @returns one problem for each breach, none when the description is in order.
 */
export function checkSpec(source: SpecSource): SpecProblem[] {
  return [
    ...checkHead(source),
    ...checkStructure(source),
    ...checkServers(source),
    ...checkReferences(source),
    ...[...walkSchemas(source.document)].flatMap((placed) => checkSchema(source, placed)),
    ...checkObjects(source),
    ...checkLimits(source),
    ...checkDescriptions(source),
  ];
}

function checkHead({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const version = document["openapi"];
  if (!isString(version) || !version.startsWith("3.1."))
    problems.push(problem(["openapi"], "Expected `openapi: 3.1.x`."));
  if (document["jsonSchemaDialect"] !== DIALECT) {
    problems.push(problem(["jsonSchemaDialect"], `Expected \`jsonSchemaDialect: ${DIALECT}\`, exactly so.`));
  }
  for (const [name, schema] of Object.entries(objectAt(objectAt(document, "components"), "schemas"))) {
    const at = ["components", "schemas", name];
    if (!isObject(schema)) problems.push(problem(at, `${name} is not a schema.`));
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name) || name === "Record") {
      problems.push(problem(at, `Schema ${name} becomes a type: it needs a name of its own, such as CustomEvent.`));
    }
  }
  if (Object.keys(objectAt(document, "paths")).length === 0) problems.push(problem(["paths"], "There are no paths."));
  return problems;
}

/** Each pod becomes a key of the contract, with the address of its server. */
function checkServers({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const pods = new Set<JsonValue>();
  const servers = arrayAt(document, "servers");
  for (const [index, server] of servers.entries()) {
    const { url, "x-pod": pod } = isObject(server) ? server : {};
    const at = ["servers", index, "x-pod"];
    if (pod === undefined) continue;
    if (!isString(pod) || !/^[a-z][a-z0-9]*$/.test(pod)) {
      problems.push(problem(at, "x-pod: expected a name such as us1."));
    } else if (pods.has(pod)) problems.push(problem(at, `x-pod: ${pod} is another server already.`));
    if (!isString(url)) problems.push(problem(at, "x-pod: the server has no url."));
    pods.add(pod);
  }
  for (const [index, server] of servers.entries()) {
    const alias = isObject(server) ? server["x-pod-alias"] : undefined;
    if (alias === undefined || pods.has(alias)) continue;
    problems.push(problem(["servers", index, "x-pod-alias"], "x-pod-alias: no server is that pod."));
  }
  return problems;
}

function checkReferences({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const used = new Set<string>();
  for (const { ref, path } of placedRefsBelow(document, [])) {
    if (!ref.startsWith("#/")) problems.push(problem(path, `$ref ${ref} is not local: everything is one file.`));
    else if (resolveRef(document, ref) === undefined) problems.push(problem(path, `$ref ${ref} points at nothing.`));
    used.add(ref);
  }
  for (const name of Object.keys(objectAt(objectAt(document, "components"), "schemas"))) {
    if (!used.has(schemaRef(name))) {
      problems.push(problem(["components", "schemas", name], `Schema ${name} is not used by anything.`));
    }
  }
  return problems;
}

function checkSchema(source: SpecSource, placed: PlacedSchema): SpecProblem[] {
  const { schema, path } = placed;
  const problems = Object.keys(schema)
    .filter((key) => !KEYWORDS.has(key))
    .map((key) => source.problem([...path, key], unknownKey(key, KEYWORDS, "in a schema")));
  problems.push(...checkKeywords(source, placed, schema));
  if ("x-wire" in schema) problems.push(...checkWire(source, placed));
  if ("discriminator" in schema) problems.push(...checkDiscriminator(source, placed));
  return problems;
}

/**
 * What the keywords hold.
 *
 * @param whole - what the schema is a part of: itself, or what an `x-wire` makes of the schema it sits on.
 */
function checkKeywords(source: SpecSource, placed: PlacedSchema, whole: JsonObject): SpecProblem[] {
  const { schema, path } = placed;
  const problems: SpecProblem[] = [];
  const report = (steps: SpecPath, reason: string) => problems.push(source.problem([...path, ...steps], reason));
  const types = [whole["type"] ?? []].flat();
  for (const key of Object.keys(schema)) {
    if (isString(schema["$ref"]) && KEYWORDS.has(key) && !BESIDE_REF.has(key))
      report([key], `${key} beside a $ref: tools disagree on what that means.`);
  }
  for (const at of misplaced(placed)) problems.push(source.problem(at, `${String(at.at(-1))} is not a schema.`));
  for (const name of stringsAt(schema, "required")) {
    if (isObject(whole["properties"]) && !(name in whole["properties"])) {
      report(["required"], `${name} is required, but not among the properties.`);
    }
  }
  for (const key of ["$ref", "description"]) {
    if (key in schema && !isString(schema[key])) report([key], `${key}: expected text.`);
  }
  const { pattern, format } = schema;
  if (isString(pattern) && !isPattern(pattern)) report(["pattern"], `${pattern} is not a regular expression.`);
  if (isString(format)) {
    if (!FORMATS.includes(format)) report(["format"], `Unknown format ${format}: known are ${FORMATS.join(", ")}.`);
    else {
      const isOfNumbers = NUMBER_FORMATS.includes(format);
      if (!types.some((type) => (isOfNumbers ? type === "integer" || type === "number" : type === "string")))
        report(["format"], `${format} is a format of ${isOfNumbers ? "numbers" : "texts"}.`);
    }
  }
  if ("x-known-values" in schema) {
    const known = arrayAt(schema, "x-known-values");
    if (known.length === 0 || !known.every(isString)) report(["x-known-values"], "Expected a list of strings.");
    if (!types.includes("string")) report(["x-known-values"], "Expected on a schema of type string.");
  }
  const exact = schema["x-exact"];
  if (exact !== undefined && ((exact !== "int64" && exact !== "uint64") || whole["type"] !== "integer")) {
    report(["x-exact"], "Expected int64 or uint64, on a schema of type integer.");
  }
  if ("x-at-most-one" in schema) {
    const reason = misuseOfAtMostOne(source.document, placed);
    if (reason !== undefined) report(["x-at-most-one"], `x-at-most-one: ${reason}`);
  }
  return problems;
}

/** The types say of each such property that it is null, or left out, where another one is there. */
function misuseOfAtMostOne(document: JsonObject, { schema, path }: PlacedSchema): string | undefined {
  const names = arrayAt(schema, "x-at-most-one");
  const { properties } = partsOf(schema);
  const required = [schema, ...arrayAt(schema, "allOf")].flatMap((part) => stringsAt(part, "required"));
  if (path.length !== 3) return "expected on a schema with a name of its own.";
  if (names.length < 2) return "expected a list of two properties or more.";
  for (const name of names) {
    if (!isString(name) || !(name in properties)) return `${JSON.stringify(name)} is no property of this schema.`;
    const property = properties[name];
    const isNullable =
      [objectAt(properties, name)["type"]].flat().includes("null") ||
      arrayAt(property, "anyOf").some((branch) => isObject(branch) && branch["type"] === "null");
    if (required.includes(name) || !isNullable) return `${name} has to be optional and nullable.`;
  }
  const schemas = objectAt(objectAt(document, "components"), "schemas");
  const taken = furtherNames(String(path[2]), names.filter(isString)).find((name) => name in schemas);
  return taken === undefined ? undefined : `${taken} is the name of a schema, and of a type that this makes.`;
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

function checkWire(source: SpecSource, { schema, path }: PlacedSchema): SpecProblem[] {
  const wire = schema["x-wire"];
  if (!isObject(wire)) return [source.problem([...path, "x-wire"], "x-wire is not a mapping.")];
  const problems: SpecProblem[] = [];
  const report = (key: string | undefined, reason: string) =>
    problems.push(source.problem([...path, "x-wire", ...(key === undefined ? [] : [key])], `x-wire: ${reason}`));
  const settles = wire["settles"];
  if (settles === undefined) report(undefined, "settles is missing: name the disagreement, such as [D33].");
  else if (
    !Array.isArray(settles) ||
    settles.length === 0 ||
    !settles.every((id) => isString(id) && SETTLES.test(id))
  ) {
    report("settles", "expected a list of names such as D33 or N-RULE.");
  }
  const known = [...WIRE_INSTRUCTIONS, ...KEYWORDS].filter((key) => key !== "x-wire");
  for (const key of Object.keys(wire)) {
    if (!known.includes(key))
      problems.push(source.problem([...path, "x-wire", key], unknownKey(key, known, "in an x-wire")));
  }
  for (const key of ["optional", "closed", "nullable"]) {
    if (key in wire && wire[key] !== true) report(key, `${key} can only be true.`);
  }
  if ("strings" in wire && wire["strings"] !== "only") report("strings", "strings can only be `only`.");
  if ("reason" in wire && !isString(wire["reason"])) report("reason", "expected a sentence.");
  if ("alias" in wire && !isString(wire["alias"])) report("alias", "expected the name of a property.");
  if ("oneOfAlso" in wire) {
    const branches = arrayAt(wire, "oneOfAlso");
    const named = branches.every(
      (branch) => isObject(branch) && (isString(branch["$ref"]) || isString(branch["title"])),
    );
    if (!("oneOf" in schema) || branches.length === 0 || !named) {
      report("oneOfAlso", "expected branches to add to the oneOf beside it, each a $ref or a schema with a title.");
    }
  }
  const parent = path.at(-2);
  for (const key of ["optional", "alias"]) {
    if (key in wire && parent !== "properties") report(key, `${key} belongs on a property.`);
  }
  const branches = arrayAt(wire, "oneOfAlso").flatMap((branch, index) =>
    isObject(branch) ? [...walkSchema({ schema: branch, path: [...path, "x-wire", "oneOfAlso", index] })] : [],
  );
  const patch = { schema: without(wire, ...WIRE_INSTRUCTIONS), path: [...path, "x-wire"] };
  return [
    ...problems,
    ...branches.flatMap((branch) => checkSchema(source, branch)),
    ...checkPatch(source, patch, schema),
  ];
}

/** An `x-wire`, or a part of one: what it changes, and schemas of its own. */
function checkPatch(source: SpecSource, patch: PlacedSchema, target: JsonObject): SpecProblem[] {
  // Null takes a keyword away.
  const added = Object.fromEntries(Object.entries(patch.schema).filter(([, value]) => value !== null));
  const problems = checkKeywords(source, { ...patch, schema: added }, { ...target, ...added });
  for (const inner of subschemas(patch)) {
    const steps = inner.path.slice(patch.path.length);
    const changed = steps.reduce<JsonValue | undefined>(
      (value, step) => (isObject(value) ? value[step] : undefined),
      target,
    );
    const [keyword, name] = steps;
    if (isObject(changed)) {
      if ("x-wire" in inner.schema) problems.push(unreadWire(source, inner));
      problems.push(...checkPatch(source, { ...inner, schema: without(inner.schema, "x-wire") }, changed));
    } else if (keyword === "properties") {
      if (!isString(inner.schema["description"]))
        problems.push(source.problem(inner.path, `x-wire: property ${String(name)} has no description.`));
      problems.push(...[...walkSchema(inner)].flatMap((placed) => checkSchema(source, placed)));
    } else {
      for (const placed of walkSchema(inner)) {
        if ("x-wire" in placed.schema) problems.push(unreadWire(source, placed));
        problems.push(...checkSchema(source, { ...placed, schema: without(placed.schema, "x-wire") }));
      }
    }
  }
  return problems;
}

function unreadWire(source: SpecSource, { path }: PlacedSchema): SpecProblem {
  return source.problem([...path, "x-wire"], "x-wire: only a property that an x-wire adds can have one of its own.");
}

function checkDiscriminator(source: SpecSource, { schema, path }: PlacedSchema): SpecProblem[] {
  const { document } = source;
  const problems: SpecProblem[] = [];
  const at = [...path, "discriminator"];
  const discriminator = objectAt(schema, "discriminator");
  const tag = discriminator["propertyName"];
  const mapping = discriminator["mapping"];
  if (!isString(tag)) return [source.problem(at, "discriminator: propertyName is missing.")];
  if (!isObject(mapping)) {
    return [source.problem(at, "discriminator: mapping is missing, so tools would take schema names for values.")];
  }
  const branches = arrayAt(schema, "oneOf").map((branch) => (isObject(branch) ? branch["$ref"] : undefined));
  branches.forEach((ref, index) => {
    if (!isString(ref))
      problems.push(source.problem([...path, "oneOf", index], "A branch of a told-apart union must be a $ref."));
    else if (!Object.values(mapping).includes(ref))
      problems.push(source.problem(at, `discriminator: mapping lacks ${ref}.`));
  });
  for (const [value, ref] of Object.entries(mapping)) {
    const shown = isString(ref) ? ref : JSON.stringify(ref);
    const target = isString(ref) ? resolveRef(document, ref) : undefined;
    const constant = objectAt(objectAt(target, "properties"), tag)["const"];
    const here = [...at, "mapping", value];
    if (!branches.includes(ref))
      problems.push(source.problem(here, `discriminator: ${shown} is not a branch of the union.`));
    else if (constant !== value) {
      problems.push(
        source.problem(here, `discriminator: ${value} maps to ${shown}, whose ${tag} is ${JSON.stringify(constant)}.`),
      );
    } else if (!stringsAt(target, "required").includes(tag)) {
      problems.push(source.problem(here, `discriminator: ${shown} does not require ${tag}.`));
    }
  }
  return problems;
}

/** An object says whether it is open; one that is a part of an allOf leaves that to the whole. */
function checkObjects(source: SpecSource): SpecProblem[] {
  const { document } = source;
  const problems: SpecProblem[] = [];
  const parts = new Set<string>();
  for (const { schema } of walkSchemas(document)) {
    const allOf = arrayAt(schema, "allOf");
    for (const part of allOf.length > 1 ? allOf : []) {
      const name = isObject(part) ? schemaName(part["$ref"]) : undefined;
      if (name !== undefined) parts.add(name);
    }
  }
  const sent = sentSchemas(document);
  for (const { schema, path, isConditional } of walkSchemas(document)) {
    if (isConditional === true) continue;
    const name = path[0] === "components" && path[1] === "schemas" ? String(path[2]) : undefined;
    const isAlone = arrayAt(schema, "allOf").length === 1 && !("properties" in schema);
    const isPart = path.at(-2) === "allOf" || (path.length === 3 && name !== undefined && parts.has(name));
    const report = (key: string | undefined, reason: string) =>
      problems.push(source.problem(key === undefined ? path : [...path, key], reason));
    if (isPart && schema["additionalProperties"] === false) {
      report(
        "additionalProperties",
        "additionalProperties: false in a part of an allOf refuses the members of the other parts.",
      );
    } else if ("allOf" in schema && schema["additionalProperties"] === false) {
      report(
        "additionalProperties",
        "additionalProperties: false does not see the members of the allOf beside it: use unevaluatedProperties.",
      );
    } else if ("unevaluatedProperties" in schema && !("allOf" in schema)) {
      report("unevaluatedProperties", "unevaluatedProperties without an allOf: use additionalProperties.");
    } else if ("unevaluatedProperties" in schema && schema["unevaluatedProperties"] !== false) {
      report("unevaluatedProperties", "unevaluatedProperties can only be false.");
    } else if (name !== undefined && sent.has(name) && !isPart) {
      if ("properties" in schema && !("additionalProperties" in schema)) {
        report(undefined, "An object that is sent says whether it is closed: additionalProperties is missing.");
      } else if ("allOf" in schema && !isAlone && !("unevaluatedProperties" in schema)) {
        report(undefined, "An object that is sent says whether it is closed: unevaluatedProperties is missing.");
      }
    }
  }
  return problems;
}

/** The component schemas that a request body of the canonical profile reaches. */
function sentSchemas(document: JsonObject): Set<string> {
  const sent = new Set<string>();
  const visit = (value: JsonValue | undefined) => {
    for (const ref of refsBelow(isObject(value) ? withoutWire(value) : value)) {
      const name = schemaName(ref);
      if (name === undefined || sent.has(name)) continue;
      sent.add(name);
      visit(resolveRef(document, ref));
    }
  };
  for (const schema of requestBodySchemas(document)) visit(schema);
  return sent;
}

function checkLimits({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const [name, limit] of Object.entries(objectAt(document, "x-limits"))) {
    const at = ["x-limits", name];
    const { value, unit, effect, description, settles, ...others } = isObject(limit) ? limit : {};
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) problems.push(problem(at, `x-limits: ${name} is not a camelCase name.`));
    if (typeof value !== "number")
      problems.push(problem([...at, "value"], `x-limits: ${name} has no number as its value.`));
    if (!isString(unit)) problems.push(problem([...at, "unit"], `x-limits: ${name} has no unit.`));
    if (!isString(effect) || !EFFECTS.includes(effect)) {
      problems.push(
        problem([...at, "effect"], `x-limits: the effect of ${name} must be one of ${EFFECTS.join(", ")}.`),
      );
    }
    if (!isString(description)) problems.push(problem([...at, "description"], `x-limits: ${name} has no description.`));
    if (settles !== undefined && !(Array.isArray(settles) && settles.every((id) => isString(id) && SETTLES.test(id)))) {
      problems.push(problem([...at, "settles"], "x-limits: settles is a list of names such as D33."));
    }
    for (const key of Object.keys(others)) problems.push(problem([...at, key], `x-limits: unknown key ${key}.`));
  }
  return problems;
}

/** The descriptions become the doc comments of the types: a missing one is a gap that a reader sees. */
function checkDescriptions({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const { schema, path, isConditional } of walkSchemas(document)) {
    if (isConditional === true) continue;
    const isComponent = path.length === 3 && path[1] === "schemas";
    const isProperty = path.at(-2) === "properties";
    if ((isComponent || isProperty) && !isString(schema["description"]) && !("$ref" in schema)) {
      problems.push(problem(path, `${String(path.at(-1))} has no description.`));
    }
  }
  return problems;
}
