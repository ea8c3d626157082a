import { isObject, isString, objectAt, stringsAt, without, type JsonObject, type JsonValue } from "./json-value.ts";
import type { Description } from "./read-description.ts";
import {
  conditionsOf,
  includes,
  limitsOf,
  tagValues,
  tighter,
  typeOfValue,
  typesOf,
  VALUE_TYPES,
  type Shape,
  type Tag,
  type Value,
  type ValueType,
} from "./schema-shapes.ts";

/** One document, as far as references need to know it. */
interface Home {
  readonly root: JsonObject;
  readonly uri: string;
}

/** An alternative while it is gathered: schemas without references and combinations, all of which hold. */
interface Draft {
  readonly atoms: readonly JsonObject[];
  readonly name: string | undefined;
  readonly tag: Tag | undefined;
}

/** More alternatives than any description for people has: unions multiplied by unions. */
const MAX_ALTERNATIVES = 500;
const ANYTHING: JsonObject = {};
const NOTHING: JsonObject = { not: {} };
const NULL: JsonObject = { type: "null" };
const TEXT: JsonObject = { type: "string" };
const COMBINATIONS = ["$ref", "allOf", "anyOf", "oneOf", "nullable", "discriminator"];
/** Together they are two alternatives; what tells them apart shows in their properties. */
const CHOICE = ["if", "then", "else"];
/** What may stand beside a reference without changing what it means. */
const BESIDE_REF = ["$ref", "title", "description", "summary", "example", "examples", "default", "x-wire", "$comment"];
/** The schemas of one description. */
export class SchemaGraph {
  readonly description: Description;
  /** What could not be followed, for the reader of the result. */
  readonly notes = new Set<string>();
  readonly #homes = new WeakMap<JsonObject, Home>();
  readonly #loaded = new Map<string, Home | undefined>();
  readonly #ids = new WeakMap<JsonObject, number>();
  readonly #values = new Map<string, Value>();
  readonly #home: Home;
  #lastId = 0;

  constructor(description: Description) {
    this.description = description;
    this.#home = this.#register(description.document);
  }

  /** The value that all of `schemas` hold for. Its alternatives are worked out when they are asked for. */
  value(...schemas: readonly (JsonValue | undefined)[]): Value {
    const parts = schemas.map(asSchema);
    const ids = [...new Set(parts.map((part) => this.#idOf(this.#target(part))))].sort((a, b) => a - b);
    return this.#valueOf(ids.join("&"), () => {
      const drafts = parts
        .map((part) => this.#expand(part, []))
        .reduce((all, more) => this.#product(all, more), [EMPTY_DRAFT]);
      return drafts.map((draft) => this.#shape(draft)).filter((shape) => shape.types.size > 0);
    });
  }

  /** The value that is any of `values`. */
  anyOf(values: readonly Value[]): Value {
    const [only] = values;
    if (only !== undefined && values.length === 1) return only;
    return this.#valueOf(`any of ${values.map(({ id }) => id).join()}`, () => values.flatMap(({ shapes }) => shapes));
  }

  /** What a reference leads to; the holder itself when it is none, undefined (and a note) when it leads nowhere. */
  resolve(holder: JsonValue | undefined): JsonObject | undefined {
    if (!isObject(holder)) return undefined;
    const ref = holder["$ref"];
    if (!isString(ref)) return holder;
    const [uri = "", pointer = ""] = ref.split("#", 2);
    const home = this.#homes.get(holder) ?? this.#home;
    const target = locate(uri === "" || uri === home.uri ? home : this.#load(uri), pointer);
    if (typeof target === "boolean") return asSchema(target);
    if (isObject(target)) return target;
    this.notes.add(`${this.description.name}: $ref ${ref} leads nowhere and was taken for anything.`);
    return undefined;
  }

  /** The named schemas of the description. */
  named(): ReadonlyMap<string, JsonObject> {
    const { document } = this.description;
    const maps = [
      objectAt(document["components"], "schemas"),
      objectAt(document, "definitions"),
      objectAt(document, "$defs"),
    ];
    return new Map(
      maps.flatMap((map) => Object.entries(map).map(([name, schema]) => [name, asSchema(schema)] as const)),
    );
  }

  /**
   * Named schemas by the one value that each allows for a property. A union whose author forgot to refer to its
   * branches can be put together with it.
   */
  byTag(property: string): Map<string, Shape> {
    const found = new Map<string, Shape>();
    for (const [name, schema] of this.named()) {
      if (!(property in objectAt(schema, "properties"))) continue;
      const shapes = this.value(schema).shapes;
      const [shape] = shapes;
      const values = shape === undefined || shapes.length > 1 ? [] : tagValues(shape, property);
      const [value] = values;
      if (shape !== undefined && value !== undefined && values.length === 1 && !found.has(value)) {
        found.set(value, { ...shape, name });
      }
    }
    return found;
  }

  #valueOf(key: string, shapes: () => readonly Shape[]): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    let made: readonly Shape[] | undefined;
    const value: Value = {
      id: this.#values.size,
      get shapes() {
        return (made ??= shapes());
      },
    };
    this.#values.set(key, value);
    return value;
  }

  #idOf(schema: JsonObject): number {
    const id = this.#ids.get(schema) ?? ++this.#lastId;
    this.#ids.set(schema, id);
    return id;
  }

  /** The schema that a reference stands for, if it says nothing of its own: however it was reached, it is the same. */
  #target(schema: JsonObject): JsonObject {
    const seen = new Set<JsonObject>();
    let target = schema;
    while (isString(target["$ref"]) && Object.keys(target).every((key) => BESIDE_REF.includes(key))) {
      const next = this.resolve(target);
      if (next === undefined || seen.has(next)) break;
      seen.add(next);
      target = next;
    }
    return target;
  }

  /** The alternatives of a schema. `above` are the schemas it is a part of, not the ones it is a property of. */
  #expand(schema: JsonObject, above: readonly JsonObject[], inAllOf = false): Draft[] {
    const isChoice = CHOICE.every((key) => key in schema);
    const own: Draft = { ...EMPTY_DRAFT, atoms: [without(schema, ...COMBINATIONS, ...(isChoice ? CHOICE : []))] };
    // A schema that contains itself says nothing new the second time.
    if (above.includes(schema)) return [own];
    const within = [...above, schema];
    const name = refName(schema["$ref"]);
    let drafts: Draft[] = [own];
    if (name !== undefined) {
      const target = this.resolve(schema) ?? ANYTHING;
      const targets = this.#expand(target, within, inAllOf).map((draft) => ({ ...draft, name: draft.name ?? name }));
      if (!this.description.refStandsAlone) drafts = this.#product(drafts, targets);
      else {
        // An enum beside such a $ref does not bind, and still is a list of values that somebody knows.
        const known: Draft = { ...EMPTY_DRAFT, atoms: [{ "x-known-values": stringsAt(schema, "enum") }] };
        drafts = this.#product(targets, [known]);
      }
    }
    for (const part of listAt(schema, "allOf")) {
      drafts = this.#product(drafts, this.#expand(asSchema(part), within, true));
    }
    for (const key of ["anyOf", "oneOf"]) {
      const branches = listAt(schema, key);
      if (branches.length === 0) continue;
      const union = branches.flatMap((branch) =>
        this.#expand(asSchema(branch), within).map((draft) => ({ ...draft, tag: tagOf(schema, branch) ?? draft.tag })),
      );
      drafts = this.#product(drafts, union);
    }
    if (isChoice) {
      const branches = ["then", "else"].flatMap((key) => this.#expand(asSchema(schema[key]), within));
      drafts = this.#product(drafts, branches);
    }
    const children = inAllOf || "anyOf" in schema || "oneOf" in schema ? [] : mappedSchemas(schema);
    if (children.length > 0) {
      // A base class: it stands for the classes that its discriminator names.
      drafts = children.flatMap((child) =>
        this.#expand(child, within).map((draft) => ({ ...draft, tag: tagOf(schema, child) ?? draft.tag })),
      );
    }
    return schema["nullable"] === true ? [...drafts, { ...EMPTY_DRAFT, atoms: [NULL] }] : drafts;
  }

  #product(left: readonly Draft[], right: readonly Draft[]): Draft[] {
    if (left.length * right.length > MAX_ALTERNATIVES) {
      this.notes.add(`${this.description.name}: a union has too many combinations; some were left out.`);
      return [...left];
    }
    return left.flatMap((a) =>
      right.map((b) => ({ atoms: [...a.atoms, ...b.atoms], name: a.name ?? b.name, tag: a.tag ?? b.tag })),
    );
  }

  #shape({ atoms, name, tag }: Draft): Shape {
    const properties = new Map<string, JsonValue[]>();
    const limits = new Map<string, JsonValue>();
    const wireOnly = new Set<string>();
    let types: ReadonlySet<ValueType> = new Set(VALUE_TYPES);
    let values: readonly JsonValue[] | undefined;
    for (const atom of atoms) {
      types = new Set([...typesOf(atom)].filter((type) => types.has(type)));
      const listed = "const" in atom ? [atom["const"] ?? null] : "enum" in atom ? listAt(atom, "enum") : undefined;
      if (listed !== undefined) values = values?.filter((value) => includes(listed, value)) ?? listed;
      for (const [key, limit] of limitsOf(atom)) limits.set(key, tighter(key, limits.get(key), limit));
      const members = objectAt(atom, "properties");
      for (const [key, member] of Object.entries(members)) {
        properties.set(key, [...(properties.get(key) ?? []), member]);
        const { alias } = objectAt(member, "x-wire");
        if (isString(alias)) wireOnly.add(alias);
      }
      for (const key of Object.keys(objectAt(objectAt(atom, "x-wire"), "properties"))) {
        if (!(key in members)) wireOnly.add(key);
      }
    }
    if (values !== undefined) {
      const fitting = new Set(values.map(typeOfValue));
      types = new Set([...types].filter((type) => fitting.has(type)));
      values = values.filter((value) => value !== null && types.has(typeOfValue(value)));
    }
    const subschemas = (key: string) => atoms.flatMap((atom) => (isObject(atom[key]) ? [atom[key]] : []));
    const valueAt = (key: string, ...also: readonly JsonObject[]) => {
      const schemas = subschemas(key).filter((schema) => Object.keys(schema).length > 0);
      return schemas.length === 0 ? undefined : this.value(...schemas, ...also);
    };
    const closed = atoms.some(
      (atom) => atom["additionalProperties"] === false || atom["unevaluatedProperties"] === false,
    );
    return {
      types,
      values,
      known: [...new Set(atoms.flatMap((atom) => stringsAt(atom, "x-known-values")))],
      limits,
      properties: new Map([...properties].map(([key, schemas]) => [key, this.value(...schemas)])),
      required: new Set(atoms.flatMap((atom) => stringsAt(atom, "required"))),
      additional: closed ? false : valueAt("additionalProperties"),
      propertyNames: valueAt("propertyNames", TEXT),
      items: valueAt("items"),
      conditions: conditionsOf(atoms),
      deprecated: atoms.some((atom) => atom["deprecated"] === true),
      wireOnly,
      name,
      tag,
    };
  }

  #load(uri: string): Home | undefined {
    if (this.#loaded.has(uri)) return this.#loaded.get(uri);
    const document = this.description.beside(uri);
    const home = document === undefined ? undefined : this.#register(document);
    this.#loaded.set(uri, home);
    return home;
  }

  /** Notes for every object of a document that it belongs there: that is where its references start. */
  #register(root: JsonObject): Home {
    const id = root["$id"] ?? root["id"];
    const home: Home = { root, uri: isString(id) ? id.replace(/#$/, "") : "" };
    const stack: JsonValue[] = [root];
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      if (Array.isArray(value)) for (const item of value) stack.push(item);
      if (!isObject(value) || this.#homes.has(value)) continue;
      this.#homes.set(value, home);
      for (const member of Object.values(value)) stack.push(member);
    }
    return home;
  }
}

const EMPTY_DRAFT: Draft = { atoms: [], name: undefined, tag: undefined };

/** What the discriminator of a union, or of a base class, says of one of its branches. */
function tagOf(union: JsonObject, branch: JsonValue): Tag | undefined {
  const { propertyName, mapping } = objectAt(union, "discriminator");
  if (!isString(propertyName)) return undefined;
  const ref = isObject(branch) ? branch["$ref"] : undefined;
  const values = Object.entries(isObject(mapping) ? mapping : {}).flatMap(([value, target]) =>
    isString(target) && (target === ref || target === refName(ref)) ? [value] : [],
  );
  return { property: propertyName, values };
}

/** The schemas that a discriminator maps to, as references. */
function mappedSchemas(schema: JsonObject): JsonObject[] {
  const targets = Object.values(objectAt(objectAt(schema, "discriminator"), "mapping")).filter(isString);
  return [...new Set(targets)].map((target) => ({
    $ref: /[#/.]/.test(target) ? target : `#/components/schemas/${target}`,
  }));
}

/** The last name of a reference: that of the component or definition, or of the file. */
export function refName(ref: JsonValue | undefined): string | undefined {
  return isString(ref) ? unescaped(ref.split("/").at(-1) ?? ref) : undefined;
}

/** A schema as an object: `true` and `false` are schemas as well. */
function asSchema(value: JsonValue | undefined): JsonObject {
  if (value === false) return NOTHING;
  return isObject(value) ? value : ANYTHING;
}

function locate(home: Home | undefined, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = home?.root;
  if (pointer === "") return value;
  for (const step of pointer.replace(/^\//, "").split("/")) {
    const key = unescaped(step);
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** A step of a JSON Pointer in a URI fragment. */
function unescaped(step: string): string {
  const plain = step.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function listAt(schema: JsonObject, key: string): readonly JsonValue[] {
  const list = schema[key];
  return Array.isArray(list) ? list : [];
}
