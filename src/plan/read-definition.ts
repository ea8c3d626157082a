import { describe } from "../rules/describe-value.ts";
import { isObject, type Members } from "../rules/objects.ts";
import { appendToken } from "../validate/pointer.ts";
import { formatTest } from "./formats.ts";
import { readPatternFacts } from "./pattern.ts";
import { JSON_TYPES, NUMBER_RULES, type JsonType, type Rule } from "./rule.ts";

/** Deeper than any event is, and a cycle never ends. */
const MAX_DEPTH = 64;
/** A plan of 1,000 points with 100 attributes each has as many. */
const MAX_RULES = 120_000;
/** Keywords of JSON Schema that the service does not know. */
const UNKNOWN_TO_SERVICE = [
  "$ref",
  "patternProperties",
  "propertyNames",
  "contains",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "dependencies",
  "dependentRequired",
  "dependentSchemas",
  "unevaluatedProperties",
  "prefixItems",
] as const;

/** Something about a plan that is legal and not what its author may think. */
export interface PlanNote {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** What reading a whole plan shares: how much was read, and what there is to say about it. */
export class PlanReading {
  readonly notes: PlanNote[] = [];
  readonly #patterns = new Map<string, boolean>();
  #rules = 0;

  note(note: PlanNote): void {
    if (this.notes.length < 1000) this.notes.push(note);
  }

  /** @throws TypeError - for a definition that never ends. */
  count(path: string, depth: number): void {
    if (depth > MAX_DEPTH) throw broken(path, `lies more than ${String(MAX_DEPTH)} levels deep`);
    if (++this.#rules > MAX_RULES) throw broken(path, `is one of more than ${String(MAX_RULES)} definitions`);
  }

  isSlow(source: string, path: string): boolean {
    let slow = this.#patterns.get(source);
    if (slow === undefined) {
      try {
        slow = readPatternFacts(source).slow;
      } catch {
        throw broken(path, `is ${describe(source)}, which is no regular expression`);
      }
      this.#patterns.set(source, slow);
    }
    if (slow) {
      this.note({
        code: "plan-slow-pattern",
        path,
        message: `the pattern ${describe(source)} backtracks: on some texts it takes a time that explodes with their length.`,
        hint: "Long texts are not held against it. Write it so that no text can be read in two ways.",
      });
    }
    return slow;
  }
}

/** The error for a plan that cannot be read, with the place in it. */
export function broken(path: string, what: string): TypeError {
  return new TypeError(`The data plan is broken: ${path === "" ? "it" : `\`${path}\``} ${what}.`);
}

/**
 * Reads one definition.
 *
 * @param path - where in the plan it is.
 * @throws TypeError - when it is broken, with the place of the mistake.
 */
export function readDefinition(schema: unknown, path: string, reading: PlanReading, depth = 0): Rule {
  reading.count(path, depth);
  if (schema === true) return {};
  if (schema === false) return { never: true };
  if (!isObject(schema)) throw broken(path, `is ${describe(schema)}; expected an object, a definition in JSON Schema`);
  for (const keyword of UNKNOWN_TO_SERVICE) {
    if (memberOf(schema, keyword) === undefined) continue;
    reading.note({
      code: "plan-unknown-keyword",
      path: appendToken(path, keyword),
      message: `the service does not know "${keyword}", and looks past it; so does the check.`,
    });
  }
  const rule: Mutable<Rule> = {};
  const description = memberOf(schema, "description");
  if (typeof description === "string" && description.trim() !== "") rule.description = description;
  readTypes(rule, schema, path);
  readAllowed(rule, schema, path, reading, depth);
  readNumberRules(rule, schema, path);
  readTextRules(rule, schema, path, reading);
  readListRules(rule, schema, path, reading, depth);
  readObjectRules(rule, schema, path, reading, depth);
  return rule;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** A keyword that is null counts as left out, as everywhere in a plan. */
export function memberOf(object: Members, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined;
}

function readTypes(rule: Mutable<Rule>, schema: Members, path: string): void {
  const type = memberOf(schema, "type");
  if (type === undefined) return;
  const types = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  for (const one of types) {
    if (!JSON_TYPES.some((known) => known === one)) {
      throw broken(appendToken(path, "type"), `is ${describe(one)}; expected one of ${JSON_TYPES.join(", ")}`);
    }
  }
  if (types.length === 0) throw broken(appendToken(path, "type"), "names no type");
  rule.types = [...new Set(types as readonly JsonType[])]; // each has just been found among them
}

function readAllowed(rule: Mutable<Rule>, schema: Members, path: string, reading: PlanReading, depth: number): void {
  const values = memberOf(schema, "enum");
  if (values !== undefined) {
    const at = appendToken(path, "enum");
    if (!Array.isArray(values) || values.length === 0)
      throw broken(at, `is ${describe(values)}; expected a list of values`);
    rule.allowed = (values as readonly unknown[]).map((value, index) =>
      readValue(value, appendToken(at, index), reading, depth),
    );
  }
  const only = memberOf(schema, "const");
  if (only !== undefined) rule.allowed = [readValue(only, appendToken(path, "const"), reading, depth)];
}

/** A copy of a value that the plan names, which is JSON however it came here. */
function readValue(value: unknown, path: string, reading: PlanReading, depth: number): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw broken(path, `is ${describe(value)}; expected a value of JSON`);
  if (value === null || ["string", "number", "bigint", "boolean"].includes(typeof value)) return value;
  if (typeof value !== "object") throw broken(path, `is ${describe(value)}; expected a value of JSON`);
  reading.count(path, depth);
  if (Array.isArray(value)) {
    return (value as readonly unknown[]).map((item, index) =>
      readValue(item, appendToken(path, index), reading, depth + 1),
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, readValue(item, appendToken(path, key), reading, depth + 1)]),
  );
}

function readNumberRules(rule: Mutable<Rule>, schema: Members, path: string): void {
  for (const keyword of NUMBER_RULES) {
    const value = memberOf(schema, keyword);
    if (value === undefined || typeof value === "boolean") continue;
    const isNumber = typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value));
    if (!isNumber || (keyword === "multipleOf" && value <= 0)) {
      const expected = keyword === "multipleOf" ? "a number above 0" : "a number";
      throw broken(appendToken(path, keyword), `is ${describe(value)}; expected ${expected}`);
    }
    rule[keyword] = value;
  }
  // As draft-04 wrote it: `"minimum": 0, "exclusiveMinimum": true`.
  if (schema["exclusiveMinimum"] === true && rule.minimum !== undefined) rule.exclusiveMinimum = rule.minimum;
  if (schema["exclusiveMaximum"] === true && rule.maximum !== undefined) rule.exclusiveMaximum = rule.maximum;
}

function readTextRules(rule: Mutable<Rule>, schema: Members, path: string, reading: PlanReading): void {
  for (const keyword of ["minLength", "maxLength"] as const) setCount(rule, keyword, schema, path);
  const pattern = memberOf(schema, "pattern");
  if (pattern !== undefined) {
    const at = appendToken(path, "pattern");
    if (typeof pattern !== "string")
      throw broken(at, `is ${describe(pattern)}; expected a regular expression, as text`);
    if (reading.isSlow(pattern, at)) rule.slow = true;
    rule.pattern = pattern;
  }
  const format = memberOf(schema, "format");
  if (format === undefined) return;
  const at = appendToken(path, "format");
  if (typeof format !== "string") throw broken(at, `is ${describe(format)}; expected the name of a format`);
  if (formatTest(format) !== undefined) rule.format = format;
  else
    reading.note({
      code: "plan-unknown-format",
      path: at,
      message: `nobody knows the format ${describe(format)}; it is not checked.`,
    });
}

type CountRule = "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties";

function setCount(rule: Mutable<Rule>, keyword: CountRule, schema: Members, path: string): void {
  const value = memberOf(schema, keyword);
  if (value === undefined) return;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw broken(appendToken(path, keyword), `is ${describe(value)}; expected a whole number from 0 up`);
  }
  rule[keyword] = value;
}

function readListRules(rule: Mutable<Rule>, schema: Members, path: string, reading: PlanReading, depth: number): void {
  for (const keyword of ["minItems", "maxItems"] as const) setCount(rule, keyword, schema, path);
  const unique = memberOf(schema, "uniqueItems");
  if (unique !== undefined && typeof unique !== "boolean") {
    throw broken(appendToken(path, "uniqueItems"), `is ${describe(unique)}; expected a boolean`);
  }
  if (unique === true) rule.uniqueItems = true;
  const items = memberOf(schema, "items");
  if (items === undefined) return;
  const at = appendToken(path, "items");
  if (!Array.isArray(items)) {
    rule.items = items === false ? false : readDefinition(items, at, reading, depth + 1);
    return;
  }
  rule.tuple = (items as readonly unknown[]).map((item, index) =>
    readDefinition(item, appendToken(at, index), reading, depth + 1),
  );
  const more = memberOf(schema, "additionalItems");
  if (more === false) rule.items = false;
  else if (more !== undefined)
    rule.items = readDefinition(more, appendToken(path, "additionalItems"), reading, depth + 1);
}

function readObjectRules(
  rule: Mutable<Rule>,
  schema: Members,
  path: string,
  reading: PlanReading,
  depth: number,
): void {
  for (const keyword of ["minProperties", "maxProperties"] as const) setCount(rule, keyword, schema, path);
  const properties = memberOf(schema, "properties");
  if (properties !== undefined) {
    const at = appendToken(path, "properties");
    if (!isObject(properties)) throw broken(at, `is ${describe(properties)}; expected an object of definitions`);
    rule.properties = Object.entries(properties).map(([name, property]) => [
      name,
      readDefinition(property, appendToken(at, name), reading, depth + 1),
    ]);
  }
  const required = memberOf(schema, "required");
  if (required !== undefined) {
    const at = appendToken(path, "required");
    if (!Array.isArray(required)) throw broken(at, `is ${describe(required)}; expected a list of names`);
    for (const [index, name] of (required as readonly unknown[]).entries()) {
      if (typeof name !== "string") throw broken(appendToken(at, index), `is ${describe(name)}; expected a name`);
    }
    if (required.length > 0) rule.required = [...new Set(required as readonly string[])]; // each has just been looked at
  }
  const rest = memberOf(schema, "additionalProperties");
  if (rest === false) rule.rest = false;
  else if (rest !== undefined && rest !== true) {
    rule.rest = readDefinition(rest, appendToken(path, "additionalProperties"), reading, depth + 1);
  }
}
