import { arrayAt, isObject, isString, objectAt, type JsonObject, type JsonValue } from "./json-value.ts";
import { AnswerComparison } from "./compare-answers.ts";
import { PayloadComparison } from "./compare-payloads.ts";
import { compareSecurity } from "./compare-security.ts";
import { changedKeys, step, summarise, within, type Difference, type Local, type Step } from "./differences.ts";
import { InputError, type Description } from "./read-description.ts";
import { refName, type SchemaGraph } from "./schema-graph.ts";
import type { Value } from "./schema-shapes.ts";
import { BATCH, mediaTypes, Side, type Operation, type Root } from "./side.ts";

/** What two descriptions differ in. */
export interface Comparison {
  readonly differences: readonly Difference[];
  /** What the reader has to know to judge the list: what could not be followed, or was matched by a guess. */
  readonly notes: readonly string[];
}

/**
 * Compares two descriptions of the API, or of the payload alone. Schemas are compared by what they mean from the request
 * bodies on, never by their names.
 *
 * @throws InputError - when one of them describes no payload.
 */
export function compareDescriptions(old: Description, now: Description): Comparison {
  const sides = { old: new Side(old), now: new Side(now) };
  const payloads = new PayloadComparison(sides.old.graph, sides.now.graph);
  const operations = matchOperations(sides.old, sides.now);
  const found: Local[] = [];
  const notes: string[] = [];
  if (operations.some(({ old, now }) => old !== undefined && now !== undefined)) {
    found.push(...compareOperations(operations, sides.old, sides.now, payloads));
    found.push(...compareServers(old.document, now.document));
  } else {
    const [oldRoot, newRoot] = findRoots(sides.old, sides.now);
    notes.push(`Compared: ${oldRoot.where} of ${old.name} with ${newRoot.where} of ${now.name}.`);
    found.push(...within([{ kind: "root", text: BATCH }], payloads.compare(oldRoot.value, newRoot.value)));
  }
  found.push(...compareNamedLimits(old.document, now.document));
  return {
    differences: summarise(found),
    notes: [...notes, ...sides.old.graph.notes, ...sides.now.graph.notes],
  };
}

interface OperationPair {
  readonly name: string;
  readonly old: Operation | undefined;
  readonly now: Operation | undefined;
}

function matchOperations(old: Side, now: Side): OperationPair[] {
  const byName = (operations: readonly Operation[]) =>
    new Map(operations.map((operation) => [operation.name, operation]));
  const [before, after] = [byName(old.operations), byName(now.operations)];
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
    name,
    old: before.get(name),
    now: after.get(name),
  }));
}

/** The two schemas of one batch: a list of batches is compared with a list, a batch with a batch. */
function findRoots(old: Side, now: Side): [Root, Root] {
  const [before, after] = [old.roots(), now.roots()];
  for (const left of before) {
    const right = after.find((root) => isList(root.value) === isList(left.value));
    if (right !== undefined) return [left, right];
  }
  const [left] = before;
  const [right] = after;
  if (left !== undefined && right !== undefined) return [elements(left, old.graph), elements(right, now.graph)];
  const { name } = left === undefined ? old.description : now.description;
  throw new InputError(`${name} describes no payload: no operation has a JSON body, and no schema is called ${BATCH}.`);
}

function elements(root: Root, graph: SchemaGraph): Root {
  return isList(root.value) ? { where: `an item of ${root.where}`, value: itemsOf(root.value, graph) } : root;
}

function isList({ shapes }: Value): boolean {
  return shapes.length > 0 && shapes.every(({ types }) => [...types].join() === "array");
}

function itemsOf({ shapes }: Value, graph: SchemaGraph): Value {
  return graph.anyOf(shapes.map(({ items }) => items ?? graph.value(true)));
}

function compareOperations(
  operations: readonly OperationPair[],
  before: Side,
  after: Side,
  payloads: PayloadComparison,
): Local[] {
  const found: Local[] = [];
  const seen = new Set<string>();
  const said = new Set<string>();
  const answers = new AnswerComparison(before, after, payloads);
  for (const { name, old, now } of operations) {
    const root: Step = { kind: "root", text: name };
    if (old === undefined || now === undefined) {
      found.push(
        now === undefined
          ? { facet: "operation", kind: "removed", verdict: "breaking", old: name, new: null, path: [root] }
          : { facet: "operation", kind: "added", verdict: "compatible", old: null, new: name, path: [root] },
      );
      continue;
    }
    found.push(
      ...within([root], [...compareSecurity(before, old, after, now), ...compareCalls(before, old, after, now)]),
      ...compareBodies(before.schema(old), after.schema(now), name),
      ...answers.compare(name, old, now),
    );
  }
  return found;

  function compareBodies(old: JsonObject | undefined, now: JsonObject | undefined, operation: string): Local[] {
    if (old === undefined || now === undefined) return [];
    const [left, right] = [before.graph.value(old), after.graph.value(now)];
    if (!isList(left) || !isList(right)) {
      return once(left, right, refName(now["$ref"]) ?? refName(old["$ref"]) ?? BATCH);
    }
    // What the batches of a list differ in has been said of the single batch, when that is the same schema.
    const [leftItem, rightItem] = [itemsOf(left, before.graph), itemsOf(right, after.graph)];
    const list = payloads.compare(left, right).filter(({ path }) => path.length === 0);
    return [...within([{ kind: "root", text: operation }], list), ...once(leftItem, rightItem, `${operation}[]`)];
  }

  function once(old: Value, now: Value, text: string): Local[] {
    const pair = `${String(old.id)} ${String(now.id)}`;
    if (seen.has(pair)) return [];
    seen.add(pair);
    // A batch that differs from that of the operations before it differs from the old one in all the same ways, too.
    const news = payloads.compare(old, now).filter((difference) => !said.has(JSON.stringify(difference)));
    for (const difference of news) said.add(JSON.stringify(difference));
    return within([{ kind: "root", text }], news);
  }
}

/** What an operation is, apart from the schema of its body. */
function compareCalls(before: Side, old: Operation, after: Side, now: Operation): Local[] {
  const [oldBody, newBody] = [before.body(old), after.body(now)];
  const [wasRequired, isRequired] = [oldBody?.["required"] === true, newBody?.["required"] === true];
  const found: Local[] = [];
  if (wasRequired !== isRequired) {
    const kind = isRequired ? "tightened" : "loosened";
    // An operation that only takes data is never called without.
    const verdict = isRequired ? "attention" : "compatible";
    found.push({ facet: "body", kind, verdict, old: wasRequired, new: isRequired, path: [step("part", "body")] });
  }
  found.push(
    ...changedKeys("media type", mediaTypes(oldBody), mediaTypes(newBody), "breaking"),
    ...changedKeys("parameter", parameters(before, old), parameters(after, now), "attention"),
  );
  return found;
}

function parameters({ graph }: Side, { item, operation }: Operation): ReadonlySet<string> {
  const all = [...arrayAt(item, "parameters"), ...arrayAt(operation, "parameters")];
  return new Set(
    all.flatMap((parameter) => {
      const { name, in: place, required } = graph.resolve(parameter) ?? {};
      if (!isString(name) || !isString(place)) return [];
      const label = place === "header" ? name.toLowerCase() : name;
      return [`${label} in ${place}${required === true ? " (required)" : ""}`];
    }),
  );
}

function compareServers(old: JsonObject, now: JsonObject): Local[] {
  const [before, after] = [addresses(old), addresses(now)];
  if (before.size === 0 || after.size === 0) return [];
  return changedKeys("server", before, after, "breaking");
}

/** The addresses of the servers, with each value that their variables may have. */
function addresses(document: JsonObject): ReadonlySet<string> {
  return new Set(
    arrayAt(document, "servers").flatMap((server) => {
      const { url, variables } = isObject(server) ? server : {};
      let urls = isString(url) ? [url.replace(/\/$/, "")] : [];
      for (const [name, variable] of Object.entries(isObject(variables) ? variables : {})) {
        const listed = arrayAt(variable, "enum");
        const values = (listed.length > 0 ? listed : [objectAt(variables, name)["default"] ?? ""]).filter(isString);
        urls = urls.flatMap((address) => values.map((value) => address.replaceAll(`{${name}}`, value)));
      }
      return urls;
    }),
  );
}

/** The limits of `x-limits`, when both descriptions name theirs. */
function compareNamedLimits(old: JsonObject, now: JsonObject): Local[] {
  const [before, after] = [objectAt(old, "x-limits"), objectAt(now, "x-limits")];
  if (!("x-limits" in old) || !("x-limits" in now)) return [];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): Local[] => {
    const path: Step[] = [{ kind: "root", text: "x-limits" }, step("property", name)];
    const [left, right] = [limitText(before[name]), limitText(after[name])];
    if (left === right) return [];
    const values = { facet: "named limit", old: left, new: right, path };
    if (left === null) return [{ ...values, kind: "added", verdict: "attention" }];
    if (right === null) return [{ ...values, kind: "removed", verdict: "compatible" }];
    const [least, most] = [valueOf(before[name]), valueOf(after[name])];
    if (least === most) return [{ ...values, kind: "changed", verdict: "attention" }];
    // A limit named min… refuses what is below it.
    const tightened = /(^min|Min)[A-Z]/.test(name) ? most > least : most < least;
    if (!tightened) return [{ ...values, kind: "loosened", verdict: "compatible" }];
    const rejects = objectAt(after, name)["effect"] === "reject";
    return [{ ...values, kind: "tightened", verdict: rejects ? "breaking" : "attention" }];
  });
}

function limitText(limit: JsonValue | undefined): string | null {
  if (!isObject(limit)) return null;
  return [limit["value"], limit["unit"], limit["effect"]]
    .map((part) => (isString(part) ? part : JSON.stringify(part)))
    .join(" ");
}

function valueOf(limit: JsonValue | undefined): number {
  return isObject(limit) ? Number(limit["value"]) : Number.NaN;
}
