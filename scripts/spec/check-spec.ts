import { arrayAt, isObject, isString, objectAt, stringsAt, type JsonObject, type JsonValue } from "./json-value.ts";
import { requestBodySchemas, WIRE_INSTRUCTIONS, withoutWire } from "./profiles.ts";
import type { SpecPath, SpecProblem, SpecSource } from "./read-spec.ts";
import { placedRefsBelow, refsBelow, resolveRef, schemaName, schemaRef } from "./references.ts";
import { misplaced, walkSchema, walkSchemas, type PlacedSchema } from "./walk-schemas.ts";

/** The one spelling that makes every tool read the schemas as draft 2020-12. */
export const DIALECT = "https://json-schema.org/draft/2020-12/schema";

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
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["items", "minItems", "maxItems", "uniqueItems"],
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
const EXTENSIONS = ["x-wire", "x-known-values", "x-exact"];
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
    if (!isObject(schema)) problems.push(problem(["components", "schemas", name], `${name} is not a schema.`));
  }
  if (Object.keys(objectAt(document, "paths")).length === 0) problems.push(problem(["paths"], "There are no paths."));
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
  const problems: SpecProblem[] = [];
  const report = (steps: SpecPath, reason: string) => problems.push(source.problem([...path, ...steps], reason));
  for (const key of Object.keys(schema)) {
    if (!KEYWORDS.has(key)) report([key], `Unknown schema keyword ${key}.`);
    else if ("$ref" in schema && !BESIDE_REF.has(key))
      report([key], `${key} beside a $ref: tools disagree on what that means.`);
  }
  for (const at of misplaced(placed)) problems.push(source.problem(at, `${String(at.at(-1))} is not a schema.`));
  for (const name of stringsAt(schema, "required")) {
    if (isObject(schema["properties"]) && !(name in schema["properties"])) {
      report(["required"], `${name} is required, but not among the properties.`);
    }
  }
  const pattern = schema["pattern"];
  if (isString(pattern) && !isPattern(pattern)) report(["pattern"], `${pattern} is not a regular expression.`);
  if ("x-known-values" in schema) {
    const known = arrayAt(schema, "x-known-values");
    if (known.length === 0 || !known.every(isString)) report(["x-known-values"], "Expected a list of strings.");
    if (![schema["type"] ?? []].flat().includes("string"))
      report(["x-known-values"], "Expected on a schema of type string.");
  }
  const exact = schema["x-exact"];
  if (exact !== undefined && ((exact !== "int64" && exact !== "uint64") || schema["type"] !== "integer")) {
    report(["x-exact"], "Expected int64 or uint64, on a schema of type integer.");
  }
  if ("x-wire" in schema) problems.push(...checkWire(source, placed));
  if ("discriminator" in schema) problems.push(...checkDiscriminator(source, placed));
  return problems;
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
  for (const key of Object.keys(wire)) {
    const known = WIRE_INSTRUCTIONS.some((name) => name === key) || (KEYWORDS.has(key) && key !== "x-wire");
    if (!known) report(key, `unknown key ${key}.`);
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
  const patch = wire["properties"];
  for (const [name, member] of Object.entries(isObject(patch) ? patch : {})) {
    const placed = { schema: isObject(member) ? member : {}, path: [...path, "x-wire", "properties", name] };
    const inherited = name in objectAt(schema, "properties");
    if (isObject(member) && !inherited && !isString(member["description"])) {
      problems.push(source.problem(placed.path, `x-wire: property ${name} has no description.`));
    }
    for (const inner of walkSchema(placed)) {
      if (inherited && "x-wire" in inner.schema) {
        problems.push(
          source.problem(inner.path, "x-wire inside the patch of a property that has one of its own is not read."),
        );
      } else problems.push(...checkSchema(source, inner));
    }
  }
  return problems;
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
  for (const { schema, path } of walkSchemas(document)) {
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
  for (const { schema, path } of walkSchemas(document)) {
    const isComponent = path.length === 3 && path[1] === "schemas";
    const isProperty = path.at(-2) === "properties";
    if ((isComponent || isProperty) && !isString(schema["description"]) && !("$ref" in schema)) {
      problems.push(problem(path, `${String(path.at(-1))} has no description.`));
    }
  }
  return problems;
}
