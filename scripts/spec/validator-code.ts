import { isString, type JsonObject, type JsonValue } from "../../src/cli/diff/json-value.ts";
import { JSON_TYPES } from "./schema-kinds.ts";

/** A variable for each required name, true until the member is met. */
export function flagsFor(required: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of new Set(required)) {
    const plain = `lacks${upperFirst(camelCase(name))}`;
    let flag = plain;
    for (let n = 2; taken.has(flag); n++) flag = `${plain}${String(n)}`;
    taken.add(flag);
    flags.set(name, flag);
  }
  return flags;
}

/** A member as JavaScript reads it, whatever its name. */
export function memberOf(object: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${object}.${name}` : `${object}[${JSON.stringify(name)}]`;
}

export function limit(schema: JsonObject, keyword: string, exceeded: (limit: string) => string): string[] {
  const value = schema[keyword];
  return typeof value === "number"
    ? [`if (${exceeded(String(value))}) outside(out, "${keyword}", ${String(value)});`]
    : [];
}

export function isType(type: string): string {
  switch (type) {
    case "null":
      return "value === null";
    case "array":
      return "Array.isArray(value)";
    case "object":
      return "isObject(value)";
    case "integer":
      return "Number.isInteger(value)";
    case "number":
      return "Number.isFinite(value)";
    default:
      return `typeof value === "${type}"`;
  }
}

/** The commonest tests the short way round. */
export function negated(types: readonly string[]): string | undefined {
  const [first, second] = types;
  if (types.length === 1 && first === "null") return "value !== null";
  const not = first === "string" || first === "boolean" ? `typeof value !== "${first}"` : undefined;
  if (not === undefined) return types.length === 1 && first !== undefined ? `!${isType(first)}` : undefined;
  if (types.length === 1) return not;
  return types.length === 2 && second === "null" ? `${not} && value !== null` : undefined;
}

export function leafName(schema: JsonObject, hint: string): string {
  if ("enum" in schema || "const" in schema || "pattern" in schema) return hint;
  const types = JSON_TYPES.filter((type) => [schema["type"] ?? []].flat().includes(type));
  const scalar = ["string", "number", "boolean"].every((type) => types.includes(type));
  const base = scalar ? ["scalar", ...(types.includes("null") ? ["null"] : [])] : types;
  const number = (key: string, word: string) =>
    key in schema ? `${word}${JSON.stringify(schema[key]).replace(/\W/g, "_")}` : "";
  return [
    camelCase(base.join("_or_")),
    isString(schema["format"]) && schema["format"] !== "int64" ? upperFirst(camelCase(schema["format"])) : "",
    schema["minLength"] === 1 ? "NotEmpty" : number("minLength", "From"),
    number("maxLength", "UpTo"),
    number("minimum", "AtLeast"),
    number("maximum", "AtMost"),
  ].join("");
}

export function camelCase(name: string): string {
  return name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? "").toUpperCase());
}

export function upperFirst(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

export function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

export function firstSentence(description: JsonValue | undefined): string | undefined {
  return isString(description)
    ? /^.*?\.(?=\s|$)/s.exec(description)?.[0].replace(/\s+/g, " ").replaceAll("*/", "*\\/")
    : undefined;
}
export function sorted(types: JsonValue): string[] {
  return JSON_TYPES.filter((type) => [types].flat().includes(type));
}
