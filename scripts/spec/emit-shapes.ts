import { BATCH, eventBranches, eventUnion, partsOf, refOf, schemaCalled } from "./batch-layout.ts";
import {
  isObject,
  isString,
  objectAt,
  stringsAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";

/** The declarations in front of the data; what each member means is said there. */
const DECLARATIONS = `/** Where another named object is found in the value of a key. */
export interface NestedShape {
  /** Name of the object in {@link SHAPES}. \`"Event"\` is told apart further by {@link EVENT_DATA_SHAPES}. */
  readonly of: string;
  /** The value is an array (\`items\`) or a free-keyed map (\`values\`) of such objects, not the object itself. */
  readonly each?: "items" | "values";
}

/** A key that the wire profile knows and the canonical one does not: accepted in replays, never authored. */
export interface WireOnlyKey {
  /** The key to write instead, for a second spelling of the same thing. */
  readonly insteadUse?: string;
  /** Who fills the key, or why it is not authored. */
  readonly note: string;
}

/** What is known of one named object. Lists rather than maps of keys, so that \`__proto__\` is never "known". */
export interface Shape {
  /** The object whose keys, wire-only keys and nested objects this one also has. */
  readonly extends?: string;
  /** Keys that a well-behaved sender may use. */
  readonly keys: readonly string[];
  /** Keys known in the wire profile only. Look up with \`Object.hasOwn\`. */
  readonly wireOnly?: { readonly [key: string]: WireOnlyKey };
  /** Keys whose value is, or holds, another named object. Look up with \`Object.hasOwn\`. */
  readonly nested?: { readonly [key: string]: NestedShape };
  /** What every key that is not in \`keys\` holds, where the wire profile takes free keys of one shape. */
  readonly rest?: string;
  /** Keys that hold any number, fractions too: amounts and measures, never ids. */
  readonly amounts?: readonly string[];
  /** Keys that exclude each other, though the schemas let several pass. */
  readonly atMostOne?: readonly string[];
  /** The wire profile refuses unknown keys here too, instead of letting them pass. */
  readonly closedOnWire?: true;
}
`;

/** What `validate` needs to name an unknown key, and the object that lives at a path. */
export function emitShapes(source: JsonObject, canonical: JsonObject, wire: JsonObject): string {
  const emitter = new Shapes(source, canonical, wire);
  const eventData = Object.fromEntries(eventBranches(wire).map(({ eventType, data }) => [eventType, data]));
  return `${DECLARATIONS}
/** Every named object of a batch, by the name it has in the contract and in the types. */
export const SHAPES: { readonly [name: string]: Shape } = ${JSON.stringify(emitter.all())};

/** The object in \`data\`, by \`event_type\`. Look up with \`Object.hasOwn\`. */
export const EVENT_DATA_SHAPES: { readonly [eventType: string]: string } = ${JSON.stringify(eventData)};
`;
}

class Shapes {
  readonly #source: JsonObject;
  readonly #canonical: JsonObject;
  readonly #wire: JsonObject;
  readonly #union: string | undefined;
  readonly #events: Set<string>;
  readonly #found = new Map<string, JsonObject>();

  constructor(source: JsonObject, canonical: JsonObject, wire: JsonObject) {
    this.#source = source;
    this.#canonical = canonical;
    this.#wire = wire;
    this.#union = eventUnion(wire);
    this.#events = new Set(eventBranches(wire).map(({ event }) => event));
  }

  all(): JsonObject {
    this.#visit(BATCH);
    for (const { data } of eventBranches(this.#wire)) this.#visit(data);
    return Object.fromEntries(this.#found);
  }

  #visit(name: string): void {
    if (this.#found.has(name)) return;
    this.#found.set(name, {});
    const canonical = partsOf(schemaCalled(this.#canonical, name));
    const wireSchema = schemaCalled(this.#wire, name);
    const wire = partsOf(wireSchema);
    const nested: JsonObject = {};
    for (const [key, schema] of Object.entries(wire.properties)) {
      const found = this.#nested(canonical.properties[key] ?? schema);
      if (found !== undefined) nested[key] = found;
    }
    const keys = Object.keys(canonical.properties);
    const wireOnly = Object.entries(wire.properties).filter(([key]) => !keys.includes(key));
    const rest = refOf(wireSchema["additionalProperties"]);
    const amounts = Object.entries({ ...wire.properties, ...canonical.properties }).flatMap(([key, schema]) =>
      isAmount(schema) ? [key] : [],
    );
    const atMostOne = stringsAt(wireSchema, "x-at-most-one");
    const [base] = wire.bases;
    this.#found.set(name, {
      ...(base !== undefined && { extends: base }),
      keys,
      ...(wireOnly.length > 0 && {
        wireOnly: Object.fromEntries(wireOnly.map(([key, schema]) => [key, this.#wireOnly(name, key, schema)])),
      }),
      ...(Object.keys(nested).length > 0 && { nested }),
      ...(rest !== undefined && this.#isShape(rest) && { rest }),
      ...(amounts.length > 0 && { amounts }),
      ...(atMostOne.length > 0 && { atMostOne }),
      ...(wireSchema["additionalProperties"] === false && { closedOnWire: true }),
    });
    if (base !== undefined) this.#visit(base);
    if (rest !== undefined && this.#isShape(rest)) this.#visit(rest);
  }

  #wireOnly(owner: string, key: string, schema: JsonValue): JsonObject {
    for (const [name, property] of Object.entries(partsOf(schemaCalled(this.#source, owner)).properties)) {
      const { alias, reason } = objectAt(property, "x-wire");
      if (alias === key) return { insteadUse: name, note: isString(reason) ? reason : `Another spelling of ${name}.` };
    }
    const description = isObject(schema) ? schema["description"] : undefined;
    return { note: isString(description) ? description.trim().replace(/\s+/g, " ") : "Known on the wire only." };
  }

  #nested(schema: JsonValue | undefined): JsonObject | undefined {
    const direct = this.#shapeAt(schema);
    if (direct !== undefined) return { of: direct };
    const ref = refOf(schema);
    const target = ref === undefined ? schema : schemaCalled(this.#wire, ref);
    const items = this.#shapeAt(objectAt(target, "items"));
    if (items !== undefined) return { of: items, each: "items" };
    const values = this.#shapeAt(objectAt(target, "additionalProperties"));
    return values === undefined ? undefined : { of: values, each: "values" };
  }

  /** The name of the object that a schema refers to, every event going by the name of the union. */
  #shapeAt(schema: JsonValue | undefined): string | undefined {
    const ref = refOf(schema);
    if (ref === undefined) return undefined;
    if (ref === this.#union || this.#events.has(ref)) {
      const union = this.#union ?? ref;
      const [first] = this.#events;
      if (!this.#found.has(union))
        this.#found.set(union, { keys: Object.keys(partsOf(schemaCalled(this.#wire, first ?? ref)).properties) });
      return union;
    }
    if (!this.#isShape(ref)) return undefined;
    this.#visit(ref);
    return ref;
  }

  #isShape(name: string): boolean {
    const schema = schemaCalled(this.#wire, name);
    return "properties" in schema || "allOf" in schema;
  }
}

/** Text may be a number on the wire as well, but is then a number that somebody forgot to quote. */
function isAmount(schema: JsonValue): boolean {
  const types = isObject(schema) ? [schema["type"] ?? []].flat() : [];
  return types.includes("number") && !types.includes("string");
}
