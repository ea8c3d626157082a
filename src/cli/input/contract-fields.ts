import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { SHAPES } from "../../../generated/shapes.ts";
import { nearest } from "../../rules/nearest-name.ts";

/** What the contract says of a place in a batch. */
export interface Field {
  /** Keys from the batch on; a number is a place in a list. */
  readonly tokens: readonly (string | number)[];
  readonly type: "text" | "number" | "integer" | "boolean" | "list";
}

type Schema = Readonly<Record<string, unknown>>;

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The packaged contract, as far as somebody asks it where a field is and what it holds. */
export class ContractFields {
  readonly #document: Schema;

  constructor(document: unknown) {
    this.#document = isSchema(document) ? document : {};
  }

  /** Of the contract in this package. */
  static load(): ContractFields {
    const path = createRequire(import.meta.url).resolve("mparticle-events/openapi.json");
    return new ContractFields(JSON.parse(readFileSync(path, "utf8")));
  }

  /**
   * Where a path with dots leads, such as `events.data.product_action.products.id`. A list means its first entry. Behind
   * free keys, such as those of `user_attributes`, the rest of the path is the key.
   *
   * @param eventType - whose data it is; without one `events.data` has only what all events have.
   * @returns `undefined` when the contract has no such place.
   */
  find(path: string, eventType?: string): Field | undefined {
    const tokens: (string | number)[] = [];
    let schema: Schema | undefined = this.#named("Batch");
    let rest = path.split(".");
    while (schema !== undefined && rest.length > 0) {
      const items: Schema | undefined = this.#items(schema);
      if (items !== undefined) {
        tokens.push(0);
        schema = items;
        continue;
      }
      const [key = "", ...behind] = rest;
      const name: string = this.#currentName(tokens, key);
      const next: Schema | undefined = this.#property(schema, name, eventType);
      if (next !== undefined) {
        tokens.push(name);
        schema = next;
        rest = behind;
        continue;
      }
      const free: Schema | undefined = this.#freeKeys(schema);
      if (free === undefined) return undefined;
      // Keys may have dots; but where the values are objects again, the next key begins behind the dot.
      const holdsObjects: boolean = this.#holdsObjects(free);
      tokens.push(holdsObjects ? key : rest.join("."));
      schema = free;
      rest = holdsObjects ? behind : [];
    }
    if (schema === undefined || tokens.includes("__proto__") || tokens.includes("")) return undefined;
    const type = this.#items(schema) === undefined ? this.#type(schema) : undefined;
    return type === undefined ? undefined : { tokens, type };
  }

  /**
   * The place that was probably meant by a path that leads nowhere: one or more of its keys are misspelt, or it is the name of
   * a place alone, such as `Customer ID` for `user_identities.customer_id`.
   *
   * @param eventType - as of {@link find}.
   */
  nearest(path: string, eventType?: string): string | undefined {
    return this.#called(path, eventType) ?? this.#spelt(path, eventType);
  }

  #called(name: string, eventType: string | undefined): string | undefined {
    for (const place of [[], ["user_identities"], ["events", "data"], ["device_info"], ["application_info"]]) {
      const schema = this.#schemaAt(place, eventType);
      const key = schema && this.#names(schema, eventType).find((known) => wordsOf(known) === wordsOf(name));
      const path = key === undefined ? "" : [...place, key].join(".");
      if (this.find(path, eventType) !== undefined) return path;
    }
    return undefined;
  }

  #schemaAt(keys: readonly string[], eventType: string | undefined): Schema | undefined {
    let schema = this.#named("Batch");
    for (const key of keys) {
      const next: Schema | undefined = schema && this.#property(schema, key, eventType);
      schema = next && (this.#items(next) ?? next);
    }
    return schema;
  }

  #spelt(path: string, eventType: string | undefined): string | undefined {
    const keys: string[] = [];
    let schema = this.#named("Batch");
    for (const key of path.split(".")) {
      while (schema !== undefined && this.#items(schema) !== undefined) schema = this.#items(schema);
      if (schema === undefined) return undefined;
      const name = this.#currentName(keys, key);
      let next = this.#property(schema, name, eventType);
      let meant: string | undefined = name;
      if (next === undefined) {
        next = this.#freeKeys(schema);
        if (next === undefined) {
          meant = nearest(key, this.#names(schema, eventType));
          next = meant === undefined ? undefined : this.#property(schema, meant, eventType);
        }
      }
      if (meant === undefined) return undefined;
      keys.push(meant);
      schema = next;
    }
    const found = keys.join(".");
    return this.find(found, eventType) === undefined ? undefined : found;
  }

  /** The keys that a place has by name. */
  #names(schema: Schema, eventType: string | undefined): readonly string[] {
    const mapping = isSchema(schema["discriminator"]) ? schema["discriminator"]["mapping"] : undefined;
    if (isSchema(mapping)) return ["event_type", "data"].filter((name) => this.#property(schema, name, eventType));
    return this.#parts(schema).flatMap(({ properties }) => (isSchema(properties) ? Object.keys(properties) : []));
  }

  /** The vendor's files use second spellings, such as `user_identities.customerid`. */
  #currentName(tokens: readonly (string | number)[], key: string): string {
    const shape = tokens[0] === "user_identities" ? SHAPES["UserIdentities"] : undefined;
    const known = shape?.wireOnly;
    return (known !== undefined && Object.hasOwn(known, key) ? known[key]?.insteadUse : undefined) ?? key;
  }

  #named(name: string): Schema | undefined {
    return this.#resolve({ $ref: `#/components/schemas/${name}` });
  }

  #resolve(schema: unknown): Schema | undefined {
    if (!isSchema(schema)) return undefined;
    const reference = schema["$ref"];
    if (typeof reference !== "string") return schema;
    let found: unknown = this.#document;
    for (const key of reference.slice(2).split("/")) found = isSchema(found) ? found[key] : undefined;
    return this.#resolve(found);
  }

  /** The schema itself, and those that it puts together. */
  #parts(schema: Schema): readonly Schema[] {
    const members = ["allOf", "anyOf", "oneOf"].flatMap((key) => listOf(schema[key]));
    const parts = members.flatMap((member) => {
      const part = this.#resolve(member);
      return part === undefined ? [] : this.#parts(part);
    });
    return [schema, ...parts];
  }

  #property(schema: Schema, name: string, eventType: string | undefined): Schema | undefined {
    // Of the seventeen kinds of event only the one that is meant.
    const mapping = isSchema(schema["discriminator"]) ? schema["discriminator"]["mapping"] : undefined;
    if (isSchema(mapping)) {
      if (name === "event_type") return { type: "string" };
      const reference = eventType !== undefined && Object.hasOwn(mapping, eventType) ? mapping[eventType] : undefined;
      if (reference === undefined) return name === "data" ? this.#named("CommonEventData") : undefined;
      const event = this.#resolve({ $ref: reference });
      return event && this.#property(event, name, undefined);
    }
    for (const part of this.#parts(schema)) {
      const properties = part["properties"];
      if (isSchema(properties) && Object.hasOwn(properties, name)) return this.#resolve(properties[name]);
    }
    return undefined;
  }

  #items(schema: Schema): Schema | undefined {
    for (const part of this.#parts(schema)) {
      if (typesOf(part).includes("string")) return undefined; // a text as well as a list
      const items = this.#resolve(part["items"]);
      if (items !== undefined && this.#holdsObjects(items)) return items;
    }
    return undefined;
  }

  #freeKeys(schema: Schema): Schema | undefined {
    for (const part of this.#parts(schema)) {
      const free = this.#resolve(part["additionalProperties"]);
      if (free !== undefined) return free;
    }
    return undefined;
  }

  #holdsObjects(schema: Schema): boolean {
    return this.#parts(schema).some((part) => typesOf(part).includes("object"));
  }

  #type(schema: Schema): Field["type"] | undefined {
    const parts = this.#parts(schema);
    const types = parts.flatMap(typesOf);
    if (types.includes("object")) return undefined;
    if (types.includes("string") || parts.some((part) => "enum" in part || "const" in part)) return "text";
    for (const type of ["integer", "number", "boolean"] as const) if (types.includes(type)) return type;
    return types.includes("array") ? "list" : "text";
  }
}

/** A name without what people write it with: `Customer ID` and `customerId` are `customer_id`. */
function wordsOf(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, "");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function typesOf({ type }: Schema): readonly string[] {
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type.filter((one): one is string => typeof one === "string") : [];
}
