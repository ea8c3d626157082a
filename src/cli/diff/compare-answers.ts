import { isObject, objectAt, type JsonObject } from "./json-value.ts";
import type { PayloadComparison } from "./compare-payloads.ts";
import { changedKeys, step, within, type Local } from "./differences.ts";
import { refName } from "./schema-graph.ts";
import { jsonSchema, mediaTypes, type Operation, type Side } from "./side.ts";

/**
 * What comes back. To whoever reads it, a member more is nothing, and anything else may be what breaks the reading.
 */
export class AnswerComparison {
  readonly #before: Side;
  readonly #after: Side;
  readonly #payloads: PayloadComparison;
  /** Pairs of bodies that have been compared: most answers of an API share one. */
  readonly #seen = new Set<string>();

  constructor(before: Side, after: Side, payloads: PayloadComparison) {
    this.#before = before;
    this.#after = after;
    this.#payloads = payloads;
  }

  /** The differences between the answers of an operation, with paths from the root on. */
  compare(name: string, old: Operation, now: Operation): Local[] {
    const [before, after] = [objectAt(old.operation, "responses"), objectAt(now.operation, "responses")];
    const root = step("root", name);
    const found = within([root], changedKeys("response", namesOf(before), namesOf(after), "attention", "attention"));
    for (const status of Object.keys(before)) {
      const left = this.#before.graph.resolve(before[status]);
      const right = this.#after.graph.resolve(after[status]);
      if (left === undefined || right === undefined) continue;
      const at = [root, step("part", status)];
      found.push(
        ...within(at, this.#headers(left, right)),
        ...within(at, changedKeys("media type", mediaTypes(left), mediaTypes(right), "attention")),
        ...this.#bodies(left, right, `${name} ${status}`),
      );
    }
    return found;
  }

  #headers(left: JsonObject, right: JsonObject): Local[] {
    const [old, now] = [headersOf(left), headersOf(right)];
    const found = changedKeys("header", new Set(old.keys()), new Set(now.keys()), "attention");
    for (const [name, header] of old) {
      const match = now.get(name);
      if (match === undefined) continue;
      const [was, is] = [this.#before.graph.resolve(header), this.#after.graph.resolve(match)];
      const schemas = [was, is].map((resolved) => resolved?.["schema"] ?? true);
      const values = [this.#before.graph.value(schemas[0]), this.#after.graph.value(schemas[1])] as const;
      found.push(...within([step("part", name)], this.#payloads.compare(...values).map(forReader)));
    }
    return found;
  }

  #bodies(left: JsonObject, right: JsonObject, name: string): Local[] {
    const [old, now] = [jsonSchema(left), jsonSchema(right)];
    if (old === undefined || now === undefined) return [];
    const [was, is] = [this.#before.graph.value(old), this.#after.graph.value(now)];
    const pair = `${String(was.id)} ${String(is.id)}`;
    if (this.#seen.has(pair)) return [];
    this.#seen.add(pair);
    const root = step("root", refName(now["$ref"]) ?? refName(old["$ref"]) ?? name);
    return within([root], this.#payloads.compare(was, is).map(forReader));
  }
}

/** The same difference, from the other end of the wire. */
function forReader({ reason: _, ...difference }: Local): Local {
  const isMore = difference.kind === "added" && difference.facet === "property";
  return { ...difference, verdict: isMore ? "compatible" : "attention" };
}

function namesOf(object: JsonObject): ReadonlySet<string> {
  return new Set(Object.keys(object));
}

/** Headers by their names, which are the same in any case. */
function headersOf(response: JsonObject): Map<string, JsonObject> {
  const headers = Object.entries(objectAt(response, "headers"));
  return new Map(
    headers.flatMap(([name, header]) => (isObject(header) ? [[name.toLowerCase(), header] as const] : [])),
  );
}
