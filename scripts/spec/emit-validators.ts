import {
  arrayAt,
  isObject,
  isString,
  objectAt,
  stringsAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { TEXT_FORMATS, WIDE_FORMATS } from "./formats.ts";
import type { SpecPath } from "./read-spec.ts";
import { schemaName } from "./references.ts";

/** A schema uses something that the validators have no code for. */
export class UnsupportedSchemaError extends Error {
  override name = "UnsupportedSchemaError" as const;
  /** Where it stands in the document. */
  readonly path: SpecPath;

  constructor(path: SpecPath, message: string) {
    super(message);
    this.path = path;
  }
}

const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];
/**
 * A module that checks a batch against one profile without any library: one plain function per object, which walks
 * the keys the payload really has, so that an unknown key is found in the same pass as a wrong value.
 *
 * @param document - the profile.
 * @param root - the component schema that is checked.
 * @throws UnsupportedSchemaError - for a keyword there is no code for, rather than not checking it.
 */
export function emitValidator(document: JsonObject, root: string): string {
  const emitter = new Emitter(document);
  const check = emitter.component(root);
  const functions = [...emitter.functions.values()];
  const imports = RUNTIME.filter((name) => functions.some((text) => text.includes(`${name}(`)));
  return `import { ${imports.join(", ")} } from "./checks.js";

/**
 * Whether the data is a valid ${root}. When it is not, \`validate${root}.errors\` says why, until the next call.
 */
export function validate${root}(data) {
  const out = [];
  ${check}(data, out);
  validate${root}.errors = out.length > 0 ? out : null;
  return out.length === 0;
}
validate${root}.errors = null;

${[...functions].reverse().join("\n\n")}
`;
}

/** The functions of checks.js. */
const RUNTIME = [
  ...[
    "exactInteger",
    "isEmpty",
    "isFull",
    "isObject",
    "jsonMembers",
    "locate",
    "locateName",
    "longerThan",
    "missing",
    "notAmong",
    "notEqual",
  ],
  ...["notFormatted", "notMatching", "outside", "shorterThan", "unknown", "wrongTag", "wrongType"],
];

/** Names that no written function may have: words of the language, globals that are used, and the functions' own variables. */
const RESERVED = [
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "data", "debugger", "default"],
  ...["delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if"],
  ...["implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected"],
  ...[
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
  ],
  ...["with", "yield", "undefined", "NaN", "Infinity", "value", "out", "key", "member", "members", "found"],
  ...["count", "index"],
  ...["Array", "Number", "Object"],
];

/** What a variable for a required member begins with, so that no written function may. */
const FLAG = /^lacks(?![a-z])/;

class Emitter {
  /** Name to text, in the order in which they were finished: what is used before what uses it. */
  readonly functions = new Map<string, string>();
  readonly #schemas: JsonObject;
  /** Where each object of the document stands. */
  readonly #places = new WeakMap<JsonObject, SpecPath>();
  /** Names by what they check, so that equal checks are written once. */
  readonly #leaves = new Map<string, string>();
  readonly #names = new Set<string>([...RUNTIME, ...RESERVED]);
  readonly #components = new Map<string, string>();
  readonly #members = new Map<string, string>();
  /** Of what is being written. */
  #place: SpecPath = [];

  constructor(document: JsonObject) {
    this.#schemas = objectAt(objectAt(document, "components"), "schemas");
    this.#remember(this.#schemas, ["components", "schemas"]);
  }

  /** The name of the function that checks a component schema; written on first use. */
  component(name: string): string {
    const known = this.#components.get(name);
    if (known !== undefined) return known;
    const schema = this.#schemas[name];
    if (!isObject(schema)) throw this.#unsupported(`${name} is not a schema.`);
    const fn = this.#unique(lowerFirst(name));
    this.#components.set(name, fn);
    const doc = firstSentence(schema["description"]) ?? name;
    this.#within(schema, () => {
      this.#define(fn, constraintsOf(schema), doc);
    });
    return fn;
  }

  #remember(value: JsonValue, path: SpecPath): void {
    if (isObject(value)) this.#places.set(value, path);
    const members = Array.isArray(value) ? value.entries() : isObject(value) ? Object.entries(value) : [];
    for (const [key, member] of members) this.#remember(member, [...path, key]);
  }

  /** What `work` complains of is complained of at the schema, if that is one of the document's own. */
  #within<T>(schema: JsonObject, work: () => T): T {
    const outer = this.#place;
    this.#place = this.#places.get(schema) ?? outer;
    const result = work();
    this.#place = outer;
    return result;
  }

  #unsupported(message: string, ...steps: readonly string[]): UnsupportedSchemaError {
    return new UnsupportedSchemaError([...this.#place, ...steps], message);
  }

  #unique(wanted: string): string {
    const name = FLAG.test(wanted) ? `check${upperFirst(wanted)}` : wanted;
    let unique = name;
    for (let n = 2; this.#names.has(unique); n++) unique = `${name}${String(n)}`;
    this.#names.add(unique);
    return unique;
  }

  #add(name: string, doc: string | undefined, body: string, parameters = "value, out"): void {
    const comment = doc === undefined ? "" : `/** ${doc} */\n`;
    this.functions.set(name, `${comment}function ${name}(${parameters}) {\n${body}\n}`);
  }

  /** Writes the function that checks a schema. */
  #define(fn: string, schema: JsonObject, doc?: string): void {
    const solid = withoutNull(schema);
    if (solid !== undefined) {
      this.#add(fn, doc, this.#check(schema, "value", `${fn}NotNull`));
      return;
    }
    const byType = splitByType(schema);
    if (byType !== undefined) this.#add(fn, doc, this.#union(byType, fn));
    else if ("if" in schema) this.#add(fn, doc, this.#choice(schema, fn));
    else if ("oneOf" in schema || "anyOf" in schema) this.#add(fn, doc, this.#union(schema, fn));
    else if (this.#isObjectSchema(schema)) this.#add(fn, doc, this.#object(schema, fn));
    else if (schema["type"] === "array") this.#add(fn, doc, this.#array(schema, fn));
    else this.#add(fn, doc, this.#scalar(schema));
  }

  /** A statement that checks the expression against a schema; empty when anything passes. `hint` names what is written. */
  #check(schema: JsonValue | undefined, value: string, hint: string): string {
    if (schema === true || schema === undefined) return "";
    if (!isObject(schema)) throw this.#unsupported(`${JSON.stringify(schema)} is not a schema.`);
    return this.#within(schema, () => this.#checkSchema(schema, value, hint));
  }

  #checkSchema(schema: JsonObject, value: string, hint: string): string {
    const ref = schemaName(schema["$ref"]);
    if (ref !== undefined) return `${this.component(ref)}(${value}, out);`;
    const constraints = constraintsOf(schema);
    if (Object.keys(constraints).length === 0) return "";
    const solid = withoutNull(constraints);
    if (solid !== undefined) {
      const inner = this.#check(solid, value, hint);
      return inner === "" ? "" : `if (${value} !== null) ${inner}`;
    }
    if ("const" in constraints) return this.#constant(constraints["const"], value);
    const isLeaf =
      !("oneOf" in constraints || "anyOf" in constraints || this.#isObjectSchema(constraints)) &&
      ![constraints["type"] ?? []].flat().includes("array");
    const key = JSON.stringify({
      ...constraints,
      ...(Array.isArray(constraints["type"]) && { type: sorted(constraints["type"]) }),
    });
    let fn = isLeaf ? this.#leaves.get(key) : undefined;
    if (fn === undefined) {
      fn = this.#unique(isLeaf ? leafName(constraints, hint) : hint);
      this.#leaves.set(key, fn);
      this.#define(fn, constraints);
    }
    return `${fn}(${value}, out);`;
  }

  #isObjectSchema(schema: JsonObject): boolean {
    return schema["type"] === "object" || "properties" in schema || "allOf" in schema;
  }

  #array(schema: JsonObject, fn: string): string {
    this.#only(schema, ["type", "items", "minItems", "maxItems"]);
    const item = this.#check(schema["items"], "value[index]", `${fn}Item`);
    return [
      `if (!Array.isArray(value)) return wrongType(out, "array");`,
      ...limit(schema, "minItems", (max) => `value.length < ${max}`),
      ...limit(schema, "maxItems", (max) => `value.length > ${max}`),
      ...(item === ""
        ? []
        : [
            `let found = out.length;`,
            `for (let index = 0; index < value.length; index++) {`,
            item,
            `if (out.length > found) {`,
            `found = locate(out, found, index);`,
            `if (isFull(out)) return;`,
            `}`,
            `}`,
          ]),
    ].join("\n");
  }

  #object(schema: JsonObject, fn: string): string {
    const { properties, required, bases, additional, rest } = this.#flatten(schema);
    this.#only(rest, ["type", "propertyNames", "minProperties", "maxProperties"]);
    const lacks = flagsFor(required);
    const loop = this.#memberSwitch(properties, bases, additional, fn, lacks);
    const name = isObject(rest["propertyNames"])
      ? this.#check({ type: "string", ...rest["propertyNames"] }, "key", `${fn}Key`)
      : "";
    const counts = "maxProperties" in rest || "minProperties" in rest;
    const lines = [`if (!isObject(value)) return wrongType(out, "object");`];
    if (loop === "" && name === "" && !counts) return lines.join("\n");
    lines.push(`const members = jsonMembers(value);`, `let found = out.length;`);
    if (counts) lines.push(`let count = 0;`);
    for (const flag of lacks.values()) lines.push(`let ${flag} = true;`);
    lines.push(`for (const key in members) {`, `const member = members[key];`, `if (member === undefined) continue;`);
    if (counts) lines.push(`count++;`);
    if (name !== "") lines.push(name, `if (out.length > found) found = locateName(out, found, key);`);
    if (loop !== "") lines.push(loop);
    lines.push(`if (out.length > found) {`, `found = locate(out, found, key);`, `if (isFull(out)) return;`, `}`, `}`);
    for (const [name, flag] of lacks) lines.push(`if (${flag}) missing(out, value, ${JSON.stringify(name)});`);
    lines.push(...limit(rest, "minProperties", (least) => `count < ${least}`));
    lines.push(...limit(rest, "maxProperties", (most) => `count > ${most}`));
    return lines.join("\n");
  }

  /**
   * What is done with each member: a switch over the known keys. Empty when every member passes.
   *
   * @param lacks - required names, each with the variable to clear when it is met.
   */
  #memberSwitch(
    properties: JsonObject,
    bases: readonly string[],
    additional: JsonValue | undefined,
    fn: string,
    lacks: ReadonlyMap<string, string>,
  ): string {
    const inherited = bases.map((base) => `${this.#memberCheck(base)}(key, member, out)`).join(" || ");
    const refuse = [`unknown(out, key);`, `if (isFull(out)) return;`, `found = out.length;`, `continue;`].join("\n");
    let otherwise = inherited === "" ? "" : `${inherited};`;
    if (additional === false) otherwise = inherited === "" ? refuse : `if (!(${inherited})) {\n${refuse}\n}`;
    else if (additional !== undefined) {
      const other = this.#check(additional, "member", `${fn}Value`);
      otherwise = inherited === "" || other === "" ? other : `if (!(${inherited})) ${other}`;
    }
    const elsewhere = [...lacks].filter(([name]) => !(name in properties));
    const cleared = elsewhere.map(([name, flag]) => `if (key === ${JSON.stringify(name)}) ${flag} = false;\n`).join("");
    const cases = this.#cases(properties, fn, "break;", additional !== undefined || inherited !== "", lacks);
    if (cases === "") return cleared + otherwise;
    return `${cleared}switch (key) {\n${cases}${otherwise === "" ? "" : `default:\n${otherwise}\n`}}`;
  }

  /** `case` clauses, those that do the same together. A key without a check only matters where others are refused. */
  #cases(
    properties: JsonObject,
    fn: string,
    leave: string,
    nameAll: boolean,
    lacks: ReadonlyMap<string, string> = new Map(),
  ): string {
    const byWork = new Map<string, string[]>();
    for (const [name, schema] of Object.entries(properties)) {
      const flag = lacks.get(name);
      const check = this.#check(schema, "member", `${fn}${upperFirst(camelCase(name))}`);
      const work = flag === undefined ? check : `${flag} = false;\n${check}`;
      if (work === "" && !nameAll) continue;
      byWork.set(work, [...(byWork.get(work) ?? []), name]);
    }
    return [...byWork]
      .map(([work, names]) => `${names.map((name) => `case ${JSON.stringify(name)}:`).join("\n")}\n${work}\n${leave}\n`)
      .join("");
  }

  /** The function that checks one member of a base object, and says whether the key is one of the base's. */
  #memberCheck(base: string): string {
    const known = this.#members.get(base);
    if (known !== undefined) return known;
    const fn = this.#unique(`${lowerFirst(base)}Member`);
    this.#members.set(base, fn);
    const schema = objectAt(this.#schemas, base);
    this.#within(schema, () => {
      const { properties, bases, additional, rest } = this.#flatten(schema);
      if (additional !== undefined || bases.length > 0 || Object.keys(rest).some((key) => key !== "type")) {
        throw this.#unsupported(`${base} is a part of an allOf and has more than properties.`);
      }
      const body = `switch (key) {\n${this.#cases(properties, lowerFirst(base), "return true;", true)}default:\nreturn false;\n}`;
      this.#add(fn, `Checks a member of ${base}; false when ${base} has no such member.`, body, "key, member, out");
    });
    return fn;
  }

  /** An object schema with the inline parts of its allOf merged in, and its named parts by name. */
  #flatten(schema: JsonObject): FlatObject {
    const { properties, required, allOf, additionalProperties, unevaluatedProperties, ...rest } = constraintsOf(schema);
    const flat = {
      properties: { ...(isObject(properties) && properties) },
      required: stringsAt({ required: required ?? [] }, "required"),
      bases: [] as string[],
      additional: unevaluatedProperties === false ? false : additionalProperties,
      rest,
    };
    for (const part of Array.isArray(allOf) ? allOf : []) {
      const base = isObject(part) ? schemaName(part["$ref"]) : undefined;
      const target = base === undefined ? part : this.#schemas[base];
      const inner = this.#flatten(isObject(target) ? target : {});
      if (inner.additional !== undefined && inner.additional !== true)
        throw this.#unsupported("A part of an allOf is closed.");
      flat.required.push(...inner.required);
      if (base !== undefined) flat.bases.push(base);
      else {
        Object.assign(flat.properties, inner.properties);
        flat.bases.push(...inner.bases);
        Object.assign(flat.rest, inner.rest);
      }
    }
    if (
      flat.additional === true ||
      (isObject(flat.additional) && Object.keys(constraintsOf(flat.additional)).length === 0)
    ) {
      flat.additional = undefined;
    }
    return flat;
  }

  /** A union told apart by its tag, or by the JSON types of its branches. */
  #union(schema: JsonObject, fn: string): string {
    const branches = "oneOf" in schema ? arrayAt(schema, "oneOf") : arrayAt(schema, "anyOf");
    const tag = objectAt(schema, "discriminator")["propertyName"];
    if (isString(tag)) return this.#tagged(branches, tag);
    this.#only(schema, ["anyOf", "oneOf", "type"]);
    const taken = new Set<string>();
    const claim = (types: readonly string[]) => {
      if (types.some((type) => taken.has(type))) {
        throw this.#unsupported(
          "Two branches of this union take the same type of value, and nothing tells them apart: say by if, then and else which of them holds.",
        );
      }
      for (const type of types) taken.add(type);
    };
    const isEmptyObject = (branch: JsonValue) => isObject(branch) && JSON.stringify(branch["const"]) === "{}";
    const takesEmpty = branches.some(isEmptyObject);
    const lines = branches.flatMap((branch, index) => {
      if (isEmptyObject(branch)) return [];
      const types = this.#types(branch);
      claim(types);
      const check = this.#check(branch, "value", `${fn}${String(index + 1)}`);
      const guarded = takesEmpty && types.includes("object") ? `if (!isEmpty(value)) ${check}` : check;
      return [`if (${types.map((type) => isType(type)).join(" || ")}) {\n${guarded}\n}`];
    });
    if (takesEmpty && !taken.has("object")) throw this.#unsupported("There is no check for an empty object alone.");
    const all = JSON_TYPES.filter((type) => taken.has(type));
    return `${lines.join(" else ")} else wrongType(out, ${JSON.stringify(all)});`;
  }

  /** An object that is one thing or another, told apart by the keys it has. */
  #choice(schema: JsonObject, fn: string): string {
    this.#only(schema, ["type", "if", "then", "else"]);
    if (schema["type"] !== "object") throw this.#unsupported("Only objects are told apart by if, then and else.", "if");
    const branch = (key: "then" | "else") => this.#check(schema[key], "value", `${fn}${upperFirst(key)}`);
    return [
      `if (!isObject(value)) return wrongType(out, "object");`,
      `if (${this.#condition(schema["if"])}) {\n${branch("then")}\n} else {\n${branch("else")}\n}`,
    ].join("\n");
  }

  /** Whether an object has some keys. */
  #condition(condition: JsonValue | undefined): string {
    if (isObject(condition) && Object.keys(condition).length === 1) {
      const alternatives = arrayAt(condition, "anyOf");
      if (alternatives.length > 0) return alternatives.map((one) => this.#condition(one)).join(" || ");
      const names = stringsAt(condition, "required");
      if (names.length > 0) return names.map((name) => `${memberOf("value", name)} !== undefined`).join(" && ");
    }
    throw this.#unsupported("An if can only ask for required keys, or for any of several.", "if");
  }

  #tagged(branches: readonly JsonValue[], tag: string): string {
    const cases = branches.map((branch) => {
      const name = isObject(branch) ? schemaName(branch["$ref"]) : undefined;
      if (name === undefined) throw this.#unsupported("A branch of a tagged union is not a $ref.");
      const property = objectAt(objectAt(this.#schemas[name], "properties"), tag);
      const values = "const" in property ? [property["const"]] : arrayAt(property, "enum");
      return `${values.map((value) => `case ${JSON.stringify(value)}:`).join("\n")}\nreturn ${this.component(name)}(value, out);`;
    });
    return [
      `if (!isObject(value)) return wrongType(out, "object");`,
      `switch (${memberOf("value", tag)}) {`,
      ...cases,
      `default:`,
      `wrongTag(out, value, ${JSON.stringify(tag)});`,
      `}`,
    ].join("\n");
  }

  #scalar(schema: JsonObject): string {
    if (isString(schema["x-exact"])) return `exactInteger(value, "${schema["x-exact"]}", out);`;
    if ("const" in schema) return this.#constant(schema["const"], "value");
    const types = [schema["type"] ?? []].flat().filter(isString);
    if ("enum" in schema) {
      this.#only(schema, ["enum", "type"]);
      const values = arrayAt(schema, "enum");
      const cases = values.map((value) => `case ${JSON.stringify(value)}:`).join("\n");
      return `switch (value) {\n${cases}\nreturn;\ndefault:\nnotAmong(out, ${JSON.stringify(values)});\n}`;
    }
    if (types.length === 0) throw this.#unsupported(`A schema without a type: ${JSON.stringify(schema)}.`);
    this.#only(schema, [
      ...["type", "minLength", "maxLength", "pattern", "format"],
      ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    ]);
    const text = [
      ...limit(schema, "minLength", (least) => (least === "1" ? `value === ""` : `shorterThan(value, ${least})`)),
      ...limit(schema, "maxLength", (most) => `longerThan(value, ${most})`),
      ...this.#pattern(schema),
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

  #constant(constant: JsonValue | undefined, value: string): string {
    const text = JSON.stringify(constant);
    if (typeof constant === "object" && constant !== null) {
      throw this.#unsupported(`There is no check for const ${text}.`, "const");
    }
    return `if (${value} !== ${text}) notEqual(out, ${text});`;
  }

  #pattern(schema: JsonObject): string[] {
    const { pattern, format } = schema;
    const lines: string[] = [];
    if (isString(pattern)) {
      lines.push(
        `if (!${new RegExp(pattern, "u").toString()}.test(value)) notMatching(out, ${JSON.stringify(pattern)});`,
      );
    }
    if (isString(format) && format !== "int32" && !WIDE_FORMATS.includes(format)) {
      const expression = TEXT_FORMATS[format];
      if (expression === undefined) throw this.#unsupported(`There is no check for format ${format}.`, "format");
      lines.push(`if (!${expression}.test(value)) notFormatted(out, "${format}");`);
    }
    return lines;
  }

  /** The JSON types that a schema lets through, numbers and integers taken together. */
  #types(schema: JsonValue): string[] {
    if (!isObject(schema)) return [...JSON_TYPES];
    const ref = schemaName(schema["$ref"]);
    if (ref !== undefined) return this.#types(this.#schemas[ref] ?? {});
    if ("x-exact" in schema) return ["number", "string", "bigint"];
    for (const key of ["anyOf", "oneOf"]) {
      if (key in schema) return [...new Set(arrayAt(schema, key).flatMap((branch) => this.#types(branch)))];
    }
    if (this.#isObjectSchema(schema) && !Array.isArray(schema["type"])) return ["object"];
    if ("const" in schema) return [typeof schema["const"]];
    if ("enum" in schema)
      return [...new Set(arrayAt(schema, "enum").map((value) => (value === null ? "null" : typeof value)))];
    const types = [schema["type"] ?? []].flat().filter(isString);
    if (types.length === 0) throw this.#unsupported(`A branch of a union without a type: ${JSON.stringify(schema)}.`);
    return types.map((type) => (type === "integer" ? "number" : type));
  }

  #only(schema: JsonObject, keywords: readonly string[]): void {
    for (const key of Object.keys(schema)) {
      if (!keywords.includes(key)) throw this.#unsupported(`The validators have no code for ${key} here.`, key);
    }
  }
}

/** A variable for each required name, true until the member is met. */
function flagsFor(required: readonly string[]): Map<string, string> {
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
function memberOf(object: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${object}.${name}` : `${object}[${JSON.stringify(name)}]`;
}

interface FlatObject {
  properties: JsonObject;
  required: string[];
  bases: string[];
  /** What other keys hold: anything, nothing (`false`), or a schema. */
  additional: JsonValue | undefined;
  rest: JsonObject;
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

function constraintsOf(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !ANNOTATIONS.includes(key)));
}

/** What is left of a nullable object, array or union when null is let through first; undefined when there is no such null. */
function withoutNull(schema: JsonObject): JsonValue | undefined {
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
function splitByType(schema: JsonObject): JsonObject | undefined {
  const { type, ...rest } = schema;
  const types = Array.isArray(type) ? type.filter(isString) : [];
  const containers = types.filter((name) => name in TYPE_KEYWORDS);
  if (containers.length === 0) return undefined;
  const only = (keep: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(rest).filter(([key]) => keep(key)));
  return {
    anyOf: [
      {
        type: types.filter((name) => !containers.includes(name)),
        ...only((key) => !Object.values(TYPE_KEYWORDS).flat().includes(key)),
      },
      ...containers.map((name) => ({ type: name, ...only((key) => TYPE_KEYWORDS[name]?.includes(key) ?? false) })),
    ],
  };
}

function sorted(types: JsonValue): string[] {
  return JSON_TYPES.filter((type) => [types].flat().includes(type));
}

function limit(schema: JsonObject, keyword: string, exceeded: (limit: string) => string): string[] {
  const value = schema[keyword];
  return typeof value === "number"
    ? [`if (${exceeded(String(value))}) outside(out, "${keyword}", ${String(value)});`]
    : [];
}

function isType(type: string): string {
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
function negated(types: readonly string[]): string | undefined {
  const [first, second] = types;
  if (types.length === 1 && first === "null") return "value !== null";
  const not = first === "string" || first === "boolean" ? `typeof value !== "${first}"` : undefined;
  if (not === undefined) return types.length === 1 && first !== undefined ? `!${isType(first)}` : undefined;
  if (types.length === 1) return not;
  return types.length === 2 && second === "null" ? `${not} && value !== null` : undefined;
}

function leafName(schema: JsonObject, hint: string): string {
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

function camelCase(name: string): string {
  return name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? "").toUpperCase());
}

function upperFirst(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

function firstSentence(description: JsonValue | undefined): string | undefined {
  return isString(description)
    ? /^.*?\.(?=\s|$)/s.exec(description)?.[0].replace(/\s+/g, " ").replaceAll("*/", "*\\/")
    : undefined;
}
