import { isObject, objectAt, type JsonObject } from "./json-value.ts";
import { InputError, type Description } from "./read-description.ts";
import { SchemaGraph } from "./schema-graph.ts";
import { VALUE_TYPES, type Value } from "./schema-shapes.ts";

/** The name of what is sent, where a description has none for it. */
export const BATCH = "Batch";
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** An operation, its path without a version that other descriptions have in the server's address. */
export interface Operation {
  readonly name: string;
  readonly item: JsonObject;
  readonly operation: JsonObject;
}

/** A schema that batches are compared from, and how to call it. */
export interface Root {
  readonly where: string;
  readonly value: Value;
}

/** One of the two descriptions, as operations and payloads. */
export class Side {
  readonly description: Description;
  readonly graph: SchemaGraph;
  readonly operations: readonly Operation[];

  constructor(description: Description) {
    this.description = description;
    this.graph = new SchemaGraph(description);
    this.operations = Object.entries(objectAt(description.document, "paths")).flatMap(([path, given]) => {
      const item = this.graph.resolve(given) ?? {};
      return METHODS.flatMap((method) => {
        const operation = item[method];
        if (!isObject(operation)) return [];
        return [{ name: `${method.toUpperCase()} ${path.replace(/^\/v\d+(?=\/)/, "")}`, item, operation }];
      });
    });
  }

  body({ operation }: Operation): JsonObject | undefined {
    return this.graph.resolve(operation["requestBody"]);
  }

  /** The schema of the JSON body of a request. */
  schema(operation: Operation): JsonObject | undefined {
    return jsonSchema(this.body(operation));
  }

  /** The schemas that may be the batch: the bodies of operations, or what a JSON Schema is about. */
  roots(): Root[] {
    const { document, name, style } = this.description;
    if (style === "openapi") {
      const bodies = this.operations.flatMap((operation) => {
        const schema = this.schema(operation);
        return schema === undefined
          ? []
          : [{ where: `the body of ${operation.name}`, value: this.graph.value(schema) }];
      });
      return [...this.#named(), ...bodies];
    }
    const root = { where: "the root", value: this.graph.value(document) };
    const saysSomething = root.value.shapes.some(({ types }) => types.size < VALUE_TYPES.length);
    if (saysSomething) return [root];
    const named = this.#named();
    if (named.length > 0) return named;
    throw new InputError(`${name} describes no payload: its root says nothing, and no definition is called ${BATCH}.`);
  }

  #named(): Root[] {
    const named = [...this.graph.named()];
    // A description that was merged into another one comes with a prefix.
    const found = named.find(([name]) => name === BATCH) ?? named.find(([name]) => /[_.-]batch$/i.test(name));
    return found === undefined ? [] : [{ where: `the schema ${found[0]}`, value: this.graph.value(found[1]) }];
  }
}

/** The schema of a body that is JSON, of a request or of an answer. */
export function jsonSchema(body: JsonObject | undefined): JsonObject | undefined {
  const content = objectAt(body, "content");
  const type = Object.keys(content).find((name) => /[/+]json\b/i.test(name));
  const schema = type === undefined ? undefined : objectAt(content, type)["schema"];
  return isObject(schema) ? schema : undefined;
}

/** The media types of a body. */
export function mediaTypes(body: JsonObject | undefined): ReadonlySet<string> {
  return new Set(Object.keys(objectAt(body, "content")).map((type) => type.toLowerCase().replace(/\s*;.*$/, "")));
}
