import {
  arrayAt,
  isObject,
  isString,
  objectAt,
  stringsAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { schemaName } from "./references.ts";
import { emitConstant, emitScalar, requireOnly, type Unsupported } from "./emit-scalars.ts";
import type { SpecPath } from "./read-spec.ts";
import { constraintsOf, isObjectSchema, JSON_TYPES, kindOf, splitByType, withoutNull } from "./schema-kinds.ts";
import {
  camelCase,
  firstSentence,
  flagsFor,
  isType,
  leafName,
  limit,
  lowerFirst,
  memberOf,
  sorted,
  upperFirst,
} from "./validator-code.ts";
import { FLAG, RESERVED, RUNTIME } from "./validator-names.ts";

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

  readonly #unsupported: Unsupported = (message, ...steps) =>
    new UnsupportedSchemaError([...this.#place, ...steps], message);

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
    this.#add(fn, doc, this.#body(fn, schema));
  }

  #body(fn: string, schema: JsonObject): string {
    switch (kindOf(schema)) {
      case "nullable":
        return this.#check(schema, "value", `${fn}NotNull`);
      case "mixed":
        return this.#union(splitByType(schema) ?? {}, fn);
      case "choice":
        return this.#choice(schema, fn);
      case "union":
        return this.#union(schema, fn);
      case "object":
        return this.#object(schema, fn);
      case "array":
        return this.#array(schema, fn);
      case "scalar":
        return emitScalar(schema, this.#unsupported);
    }
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
    if ("const" in constraints) return emitConstant(constraints["const"], value, this.#unsupported);
    const isLeaf =
      !("oneOf" in constraints || "anyOf" in constraints || isObjectSchema(constraints)) &&
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

  #array(schema: JsonObject, fn: string): string {
    requireOnly(schema, ["type", "items", "minItems", "maxItems"], this.#unsupported);
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
    requireOnly(rest, ["type", "propertyNames", "minProperties", "maxProperties"], this.#unsupported);
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
    requireOnly(schema, ["anyOf", "oneOf", "type"], this.#unsupported);
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
    requireOnly(schema, ["type", "if", "then", "else"], this.#unsupported);
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

  /** The JSON types that a schema lets through, numbers and integers taken together. */
  #types(schema: JsonValue): string[] {
    if (!isObject(schema)) return [...JSON_TYPES];
    const ref = schemaName(schema["$ref"]);
    if (ref !== undefined) return this.#types(this.#schemas[ref] ?? {});
    if ("x-exact" in schema) return ["number", "string", "bigint"];
    for (const key of ["anyOf", "oneOf"]) {
      if (key in schema) return [...new Set(arrayAt(schema, key).flatMap((branch) => this.#types(branch)))];
    }
    if (isObjectSchema(schema) && !Array.isArray(schema["type"])) return ["object"];
    if ("const" in schema) return [typeof schema["const"]];
    if ("enum" in schema)
      return [...new Set(arrayAt(schema, "enum").map((value) => (value === null ? "null" : typeof value)))];
    const types = [schema["type"] ?? []].flat().filter(isString);
    if (types.length === 0) throw this.#unsupported(`A branch of a union without a type: ${JSON.stringify(schema)}.`);
    return types.map((type) => (type === "integer" ? "number" : type));
  }
}

interface FlatObject {
  properties: JsonObject;
  required: string[];
  bases: string[];
  /** What other keys hold: anything, nothing (`false`), or a schema. */
  additional: JsonValue | undefined;
  rest: JsonObject;
}
