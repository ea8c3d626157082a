import { Ajv2020 } from "ajv/dist/2020.js";
import { BATCH } from "./batch-layout.ts";
import { FORMATS } from "./formats.ts";
import {
  arrayAt,
  isObject,
  isString,
  objectAt,
  without,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import type { SpecPath, SpecProblem, SpecSource } from "./read-spec.ts";
import { resolveRef, schemaRef } from "./references.ts";

/**
 * Compiles every component schema of both profiles with a full JSON Schema implementation, and holds every example
 * against its schema.
 */
export function verifySchemas(source: SpecSource, canonical: JsonObject, wire: JsonObject): SpecProblem[] {
  const { problems, validate } = compile(source, canonical, "");
  if (problems.length > 0) return problems;
  problems.push(...compile(source, wire, " in the wire profile").problems);
  for (const { path, value, schema } of examples(source.document)) {
    for (const { at, message } of validate(schema, value)) {
      problems.push(source.problem([...path, ...at], `This example does not fit its schema: ${message}.`));
    }
  }
  return problems;
}

interface Compiled {
  readonly problems: SpecProblem[];
  readonly validate: (ref: string, value: JsonValue) => { at: SpecPath; message: string }[];
}

let shared: Ajv2020 | undefined;

/** The one instance, without the schemas of an earlier description: what JSON Schema itself is takes long to compile. */
function emptyAjv(): Ajv2020 {
  shared ??= new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    // Compiled once each and run on a few examples: making the code small and quick takes longer than running it.
    inlineRefs: false,
    code: { optimize: false },
    discriminator: true,
    keywords: ["x-known-values", "x-exact", "x-at-most-one", "example", "externalDocs", "components"],
    // Checked loosely: what is exact about them is the validators' concern.
    formats: Object.fromEntries(FORMATS.map((format) => [format, true])),
  });
  shared.removeSchema(/^spec/);
  return shared;
}

function compile(source: SpecSource, document: JsonObject, where: string): Compiled {
  const ajv = emptyAjv();
  const components = objectAt(document, "components");
  const schemas = Object.fromEntries(
    Object.entries(objectAt(components, "schemas")).map(([name, schema]) => [name, withoutMapping(schema)]),
  );
  const problems: SpecProblem[] = [];
  for (const [name, schema] of Object.entries(schemas)) {
    if (!isObject(schema) || ajv.validateSchema(schema) === true) continue;
    // The first of each place says what is wrong, the others what else might have stood there.
    const errors = new Map((ajv.errors ?? []).toReversed().map((error) => [error.instancePath, error]));
    for (const { instancePath, message = "", params } of [...errors.values()].reverse()) {
      const path = ["components", "schemas", name, ...pointerSteps(instancePath)];
      const allowed: unknown = (params as { readonly allowedValues?: unknown }).allowedValues;
      const expected = Array.isArray(allowed) ? `must be one of ${allowed.join(", ")}` : message;
      problems.push(source.problem(path, `Not a JSON Schema${where}: ${path.at(-1) ?? name} ${expected}.`));
    }
  }
  const refuse = { problems, validate: () => [] };
  if (problems.length > 0) return refuse;
  ajv.addSchema({ $id: "spec", components: { schemas } }, undefined, undefined, false);
  for (const name of Object.keys(schemas)) {
    try {
      ajv.getSchema(`spec${schemaRef(name)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(source.problem(["components", "schemas", name], `${name} does not compile${where}: ${reason}`));
    }
  }
  if (problems.length > 0) return refuse;
  return {
    problems,
    validate(ref, value) {
      const check = ajv.getSchema(`spec${ref}`);
      if (check === undefined || check(value) === true) return [];
      return (check.errors ?? []).map((error) => ({
        at: pointerSteps(error.instancePath),
        message: error.message ?? error.keyword,
      }));
    },
  };
}

/** The implementation tells a tagged union apart by its tag, but does not read a mapping. */
function withoutMapping(schema: JsonValue): JsonValue {
  if (!isObject(schema) || !isObject(schema["discriminator"])) return schema;
  return { type: "object", ...schema, discriminator: without(schema["discriminator"], "mapping") };
}

/** The keys and indexes that a JSON Pointer names. */
export function pointerSteps(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

interface Example {
  readonly path: SpecPath;
  readonly value: JsonValue;
  /** The `$ref` of the schema that it belongs to. */
  readonly schema: string;
}

function examples(document: JsonObject): Example[] {
  const found: Example[] = [];
  for (const [name, schema] of Object.entries(objectAt(objectAt(document, "components"), "schemas"))) {
    arrayAt(schema, "examples").forEach((value, index) => {
      found.push({ path: ["components", "schemas", name, "examples", index], value, schema: schemaRef(name) });
    });
  }
  const media = (holder: JsonValue | undefined, path: SpecPath) => {
    for (const [type, content] of Object.entries(objectAt(holder, "content"))) {
      const schema = objectAt(content, "schema")["$ref"];
      if (!isString(schema)) continue;
      for (const [name, example] of Object.entries(objectAt(content, "examples"))) {
        const ref = isObject(example) ? example["$ref"] : undefined;
        const target = isString(ref) ? resolveRef(document, ref) : example;
        const at = isString(ref) ? pointerSteps(ref.slice(1)) : [...path, "content", type, "examples", name];
        const value = isObject(target) ? target["value"] : undefined;
        if (value !== undefined) found.push({ path: [...at, "value"], value, schema });
      }
    }
  };
  for (const [url, item] of Object.entries(objectAt(document, "paths"))) {
    for (const [method, operation] of Object.entries(isObject(item) ? item : {})) {
      media(objectAt(operation, "requestBody"), ["paths", url, method, "requestBody"]);
    }
  }
  for (const [name, response] of Object.entries(objectAt(objectAt(document, "components"), "responses"))) {
    media(response, ["components", "responses", name]);
  }
  return found;
}

/**
 * Runs the emitted validators over the examples of the description, which the schema compiler has already passed.
 *
 * @param modules - name of the profile to the text of its module.
 * @param checks - text of the module that they import.
 */
export async function verifyValidators(
  source: SpecSource,
  modules: ReadonlyMap<string, string>,
  checks: string,
): Promise<SpecProblem[]> {
  const problems: SpecProblem[] = [];
  const batches = examples(source.document).flatMap(({ path, value, schema }) => {
    if (schema === schemaRef(BATCH)) return [{ path, batch: value }];
    return schema.endsWith("Batches") && Array.isArray(value)
      ? value.map((batch, index) => ({ path: [...path, index], batch }))
      : [];
  });
  for (const [profile, text] of modules) {
    const module: unknown = await import(`data:text/javascript,${encodeURIComponent(inlined(text, checks))}`);
    const validate = isObjectWith(module, "validateBatch") ? module.validateBatch : undefined;
    if (!isValidator(validate)) throw new TypeError(`The ${profile} validator exports no function.`);
    for (const { path, batch } of batches) {
      if (validate(batch)) continue;
      problems.push(
        source.problem(path, `The ${profile} validator refuses this example: ${JSON.stringify(validate.errors)}.`),
      );
    }
    if (profile === "canonical" && validate({})) {
      const at = ["components", "schemas", BATCH];
      problems.push(source.problem(at, `The canonical profile takes an empty ${BATCH}: something has to be required.`));
    }
  }
  return problems;
}

interface Validator {
  (data: unknown): boolean;
  errors?: unknown;
}

function isValidator(value: unknown): value is Validator {
  return typeof value === "function";
}

function inlined(module: string, checks: string): string {
  return `${checks.replaceAll(/^export /gm, "")}\n${module.replace(/^import [^;]*;/m, "")}`;
}

function isObjectWith<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === "object" && value !== null && key in value;
}
