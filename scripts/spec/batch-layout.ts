import {
  arrayAt,
  isObject,
  isString,
  objectAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { schemaName } from "./references.ts";

/** The component schema that everything is about. */
export const BATCH = "Batch";

/** One branch of the union of events. */
export interface EventBranch {
  readonly eventType: string;
  /** Name of the component schema of the whole event. */
  readonly event: string;
  /** Name of the component schema of its `data`. */
  readonly data: string;
}

/** Name of the component schema that an event of a batch has to satisfy. */
export function eventUnion(document: JsonObject): string | undefined {
  const events = objectAt(objectAt(schemaCalled(document, BATCH), "properties"), "events");
  return schemaName(objectAt(events, "items")["$ref"]);
}

/** The event types of a profile, in the order of the union. */
export function eventBranches(document: JsonObject): EventBranch[] {
  const union = schemaCalled(document, eventUnion(document) ?? "");
  const tag = objectAt(union, "discriminator")["propertyName"];
  if (!isString(tag)) return [];
  return arrayAt(union, "oneOf").flatMap((branch) => {
    const event = isObject(branch) ? schemaName(branch["$ref"]) : undefined;
    if (event === undefined) return [];
    const properties = objectAt(schemaCalled(document, event), "properties");
    const data = refOf(properties["data"]);
    const type = objectAt(properties, tag);
    const types = "const" in type ? [type["const"]] : arrayAt(type, "enum");
    return data === undefined ? [] : types.filter(isString).map((eventType) => ({ eventType, event, data }));
  });
}

export function schemaCalled(document: JsonObject, name: string): JsonObject {
  return objectAt(objectAt(objectAt(document, "components"), "schemas"), name);
}

/** The component schema that a property refers to, whether or not null is allowed beside it. */
export function refOf(schema: JsonValue | undefined): string | undefined {
  if (!isObject(schema)) return undefined;
  const direct = schemaName(schema["$ref"]);
  if (direct !== undefined) return direct;
  const branches = arrayAt(schema, "anyOf").filter((branch) => !(isObject(branch) && branch["type"] === "null"));
  const [only] = branches;
  return branches.length === 1 && isObject(only) ? schemaName(only["$ref"]) : undefined;
}

/** The parts of an object schema, its allOf taken apart: what it has itself, and the component schemas it builds on. */
export function partsOf(schema: JsonObject): { properties: JsonObject; bases: string[] } {
  const properties: JsonObject = { ...objectAt(schema, "properties") };
  const bases: string[] = [];
  for (const part of arrayAt(schema, "allOf")) {
    if (!isObject(part)) continue;
    const base = schemaName(part["$ref"]);
    if (base !== undefined) bases.push(base);
    else Object.assign(properties, objectAt(part, "properties"));
  }
  return { properties, bases };
}
