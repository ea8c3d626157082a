import { TEXT_FORMATS, WIDE_FORMATS } from "./formats.ts";
import { arrayAt, isString, type JsonObject, type JsonValue } from "../../src/cli/diff/json-value.ts";
import { JSON_TYPES } from "./schema-kinds.ts";
import { isType, limit, negated } from "./validator-code.ts";

/** Makes the error that says what there is no code for, and where in the document. */
export type Unsupported = (message: string, ...steps: readonly string[]) => Error;

/** The statements that check text, numbers, booleans and null. */
export function emitScalar(schema: JsonObject, unsupported: Unsupported): string {
  if (isString(schema["x-exact"])) return `exactInteger(value, "${schema["x-exact"]}", out);`;
  if ("const" in schema) return emitConstant(schema["const"], "value", unsupported);
  const types = [schema["type"] ?? []].flat().filter(isString);
  if ("enum" in schema) {
    requireOnly(schema, ["enum", "type"], unsupported);
    const values = arrayAt(schema, "enum");
    const cases = values.map((value) => `case ${JSON.stringify(value)}:`).join("\n");
    return `switch (value) {\n${cases}\nreturn;\ndefault:\nnotAmong(out, ${JSON.stringify(values)});\n}`;
  }
  if (types.length === 0) throw unsupported(`A schema without a type: ${JSON.stringify(schema)}.`);
  requireOnly(
    schema,
    [
      ...["type", "minLength", "maxLength", "pattern", "format"],
      ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    ],
    unsupported,
  );
  const text = [
    ...limit(schema, "minLength", (least) => (least === "1" ? `value === ""` : `shorterThan(value, ${least})`)),
    ...limit(schema, "maxLength", (most) => `longerThan(value, ${most})`),
    ...patternChecks(schema, unsupported),
  ];
  const number = [
    ...limit(schema, "minimum", (least) => `value < ${least}`),
    ...limit(schema, "maximum", (most) => `value > ${most}`),
    ...limit(schema, "exclusiveMinimum", (least) => `value <= ${least}`),
    ...limit(schema, "exclusiveMaximum", (most) => `value >= ${most}`),
    ...(schema["format"] === "int32" ? [`if (value !== (value | 0)) notFormatted(out, "int32");`] : []),
  ];
  const expected = JSON.stringify(types.length === 1 ? types[0] : JSON_TYPES.filter((type) => types.includes(type)));
  const fits = types.map((type) => isType(type)).join(" || ");
  const lines = [`if (${negated(types) ?? `!(${fits})`}) return wrongType(out, ${expected});`];
  if (text.length > 0)
    lines.push(
      types.includes("string") && types.length > 1
        ? `if (typeof value === "string") {\n${text.join("\n")}\n}`
        : text.join("\n"),
    );
  if (number.length > 0)
    lines.push(types.length > 1 ? `if (typeof value === "number") {\n${number.join("\n")}\n}` : number.join("\n"));
  if (lines.length === 1) lines[0] = lines[0]?.replace("return ", "") ?? "";
  return lines.join("\n");
}

/** The statement that checks the expression `value` against a constant. */
export function emitConstant(constant: JsonValue | undefined, value: string, unsupported: Unsupported): string {
  const text = JSON.stringify(constant);
  if (typeof constant === "object" && constant !== null) {
    throw unsupported(`There is no check for const ${text}.`, "const");
  }
  return `if (${value} !== ${text}) notEqual(out, ${text});`;
}

function patternChecks(schema: JsonObject, unsupported: Unsupported): string[] {
  const { pattern, format } = schema;
  const lines: string[] = [];
  if (isString(pattern)) {
    lines.push(
      `if (!${new RegExp(pattern, "u").toString()}.test(value)) notMatching(out, ${JSON.stringify(pattern)});`,
    );
  }
  if (isString(format) && format !== "int32" && !WIDE_FORMATS.includes(format)) {
    const expression = TEXT_FORMATS[format];
    if (expression === undefined) throw unsupported(`There is no check for format ${format}.`, "format");
    lines.push(`if (!${expression}.test(value)) notFormatted(out, "${format}");`);
  }
  return lines;
}

/** @throws UnsupportedSchemaError - for a keyword that there is no code for. */
export function requireOnly(schema: JsonObject, keywords: readonly string[], unsupported: Unsupported): void {
  for (const key of Object.keys(schema)) {
    if (!keywords.includes(key)) throw unsupported(`The validators have no code for ${key} here.`, key);
  }
}
