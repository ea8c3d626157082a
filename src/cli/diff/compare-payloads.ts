import { local, step, type Local, type Step } from "./differences.ts";
import { compareLimits, compareScalars } from "./compare-scalars.ts";
import { compareTypes, isAnything, typeText, withType } from "./compare-types.ts";
import type { SchemaGraph } from "./schema-graph.ts";
import { tagValues, type Shape, type Value, type ValueType } from "./schema-shapes.ts";

/** Types whose constraints are compared together, with the keywords that are about them. */
const SCALARS: readonly (readonly [readonly ValueType[], readonly string[]])[] = [
  [["string"], ["minLength", "maxLength", "pattern", "format"]],
  [
    ["integer", "fraction"],
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format", "x-exact"],
  ],
  [["boolean"], []],
];
/** Compares values of two descriptions, from the point of view of somebody who sends what the old one allows. */
export class PayloadComparison {
  readonly #old: SchemaGraph;
  readonly #new: SchemaGraph;
  readonly #done = new Map<string, readonly Local[]>();
  readonly #byTag = new Map<string, ReadonlyMap<string, Shape>>();

  constructor(old: SchemaGraph, now: SchemaGraph) {
    this.#old = old;
    this.#new = now;
  }

  /** The differences between two values, with paths that start there. */
  compare(old: Value, now: Value): readonly Local[] {
    const pair = `${String(old.id)} ${String(now.id)}`;
    const known = this.#done.get(pair);
    if (known !== undefined) return known;
    // Recursion ends here: what a value differs in is said once, not again inside itself.
    this.#done.set(pair, []);
    const found = this.#compare(old.shapes, now.shapes);
    this.#done.set(pair, found);
    return found;
  }

  #compare(old: readonly Shape[], now: readonly Shape[]): Local[] {
    const found = compareTypes(old, now);
    // Of a value that may be anything there is nothing more to say.
    if (isAnything(old) || isAnything(now)) return found;
    for (const [types, keywords] of SCALARS) {
      const [before, after] = [withType(old, types), withType(now, types)];
      if (before.length > 0 && after.length > 0) found.push(...compareScalars(before, after, types, keywords));
    }
    const [oldArrays, newArrays] = [withType(old, ["array"]), withType(now, ["array"])];
    if (oldArrays.length > 0 && newArrays.length > 0) found.push(...this.#compareArrays(oldArrays, newArrays));
    const [oldObjects, newObjects] = [withType(old, ["object"]), withType(now, ["object"])];
    if (oldObjects.length > 0 && newObjects.length > 0) found.push(...this.#compareUnions(oldObjects, newObjects));
    const deprecation = old.some((shape) => shape.deprecated) === now.some((shape) => shape.deprecated);
    if (!deprecation) {
      const added = now.some((shape) => shape.deprecated);
      found.push(local("deprecated", added ? "added" : "removed", added ? "attention" : "compatible", !added, added));
    }
    return found;
  }

  #compareArrays(old: readonly Shape[], now: readonly Shape[]): Local[] {
    return [
      ...compareLimits(old, now, ["minItems", "maxItems", "uniqueItems"]),
      ...below(step("items"), this.compare(itemsOf(old, this.#old), itemsOf(now, this.#new))),
    ];
  }

  #compareUnions(old: readonly Shape[], now: readonly Shape[]): Local[] {
    const tag = old.length > 1 || now.length > 1 ? (tagProperty(now) ?? tagProperty(old)) : undefined;
    if (tag === undefined) return this.#compareAlternatives(old, now);
    const before = this.#split(old, tag, this.#old);
    const after = this.#split(now, tag, this.#new);
    // One side does not say which values there are, so nothing can be told apart by them.
    if (before.size === 0 || after.size === 0) return this.#compareAlternatives(old, now);
    const found: Local[] = [];
    const shared = [...before.keys()].filter((value) => after.has(value)).length;
    for (const [value, shape] of before) {
      const at: Step = { ...step("variant", value), of: shared };
      const match = after.get(value);
      if (match !== undefined) found.push(...below(at, this.#compareObjects(shape, match, tag)));
      else found.push(...below(at, [local("variant", "removed", "breaking", value, null)]));
    }
    for (const value of after.keys()) {
      if (before.has(value)) continue;
      found.push(...below(step("variant", value), [local("variant", "added", "compatible", null, value)]));
    }
    return found;
  }

  /** The alternatives by the values of the property that tells them apart. */
  #split(shapes: readonly Shape[], tag: string, graph: SchemaGraph): Map<string, Shape> {
    const byValue = new Map<string, Shape>();
    for (const shape of shapes) {
      const values = tagValues(shape, tag);
      for (const value of values) {
        const match = values.length > 1 ? this.#standIn(graph, tag, value) : undefined;
        if (!byValue.has(value)) byValue.set(value, match ?? shape);
      }
    }
    return byValue;
  }

  /** A schema that says more about one value of a union than the one schema that is there for many. */
  #standIn(graph: SchemaGraph, tag: string, value: string): Shape | undefined {
    const { name } = graph.description;
    const key = JSON.stringify([graph === this.#old, tag]);
    const schemas = this.#byTag.get(key) ?? graph.byTag(tag);
    this.#byTag.set(key, schemas);
    const found = schemas.get(value);
    if (found !== undefined) {
      graph.notes.add(
        `${name}: one schema stands for several values of ${tag}; schemas that nothing refers to were matched by it.`,
      );
    }
    return found;
  }

  /** Alternatives that nothing tells apart: paired by name, then by the properties they share. */
  #compareAlternatives(old: readonly Shape[], now: readonly Shape[]): Local[] {
    const [before] = old;
    const [after] = now;
    if (old.length === 1 && now.length === 1 && before !== undefined && after !== undefined) {
      return this.#compareObjects(before, after);
    }
    const left = [...now];
    const found: Local[] = [];
    const alone: Shape[] = [];
    for (const shape of old) {
      const match = bestMatch(shape, left);
      if (match === undefined) {
        alone.push(shape);
        continue;
      }
      left.splice(left.indexOf(match), 1);
      const at = match.name ?? shape.name;
      const differences = this.#compareObjects(shape, match);
      found.push(...(at === undefined ? differences : below(step("variant", at), differences)));
    }
    for (const shape of alone) found.push(local("alternative", "removed", "breaking", outline(shape), null));
    for (const shape of left) found.push(local("alternative", "added", "compatible", null, outline(shape)));
    return found;
  }

  #compareObjects(old: Shape, now: Shape, tag?: string): Local[] {
    const found: Local[] = [];
    for (const [name, member] of old.properties) {
      const at = step("property", name);
      const match = now.properties.get(name);
      if (match === undefined) found.push(...below(at, [removedProperty(name, old, now)]));
      else {
        const wasRequired = old.required.has(name);
        const isRequired = now.required.has(name);
        if (wasRequired !== isRequired) found.push(...below(at, [changedRequirement(isRequired)]));
        if (name !== tag) found.push(...below(at, this.compare(member, match)));
      }
    }
    for (const name of now.properties.keys()) {
      if (old.properties.has(name)) continue;
      found.push(...below(step("property", name), [addedProperty(name, old, now)]));
    }
    // Names that are required without being described.
    const described = (name: string) => old.properties.has(name) || now.properties.has(name);
    for (const name of new Set([...old.required, ...now.required])) {
      if (described(name) || old.required.has(name) === now.required.has(name)) continue;
      found.push(...below(step("property", name), [changedRequirement(now.required.has(name))]));
    }
    return [
      ...found,
      ...this.#compareAdditional(old, now),
      ...this.#compareNames(old, now),
      ...compareLimits([old], [now], ["minProperties", "maxProperties"]),
      ...compareConditions(old, now),
    ];
  }

  #compareAdditional({ additional: old }: Shape, { additional: now }: Shape): Local[] {
    if (old === now) return [];
    if (typeof old === "object" && typeof now === "object") return below(step("values"), this.compare(old, now));
    const [before, after] = [additionalText(old), additionalText(now)];
    const tightened = now === false || old === undefined;
    const kind = tightened ? "tightened" : "loosened";
    return [local("additional properties", kind, tightened ? "breaking" : "compatible", before, after)];
  }

  #compareNames({ propertyNames: old }: Shape, { propertyNames: now }: Shape): Local[] {
    if (old === now) return [];
    const text = { type: "string" };
    return below(step("names"), this.compare(old ?? this.#old.value(text), now ?? this.#new.value(text)));
  }
}

function below(at: Step, differences: readonly Local[]): Local[] {
  return differences.map((difference) => ({ ...difference, path: [at, ...difference.path] }));
}

function removedProperty(name: string, old: Shape, now: Shape): Local {
  const difference = local("property", "removed", "breaking", typeText(old.properties.get(name)), null);
  if (now.wireOnly.has(name)) {
    return { ...difference, verdict: "attention", reason: "in the wire profile only" };
  }
  if (now.additional === false) return difference;
  const reason = now.additional === undefined ? "any other property passes" : "falls under the additional properties";
  return { ...difference, verdict: "attention", reason };
}

function addedProperty(name: string, old: Shape, now: Shape): Local {
  const difference = local("property", "added", "compatible", null, typeText(now.properties.get(name)));
  if (now.required.has(name)) return { ...difference, verdict: "breaking", reason: "required" };
  return old.wireOnly.has(name) ? { ...difference, reason: "was in the wire profile only" } : difference;
}

function changedRequirement(isRequired: boolean): Local {
  return isRequired
    ? local("required", "tightened", "breaking", false, true)
    : local("required", "loosened", "compatible", true, false);
}

function additionalText(additional: Shape["additional"]): string {
  if (additional === false) return "none";
  return additional === undefined ? "any" : `${typeText(additional)} only`;
}

function compareConditions({ conditions: old }: Shape, { conditions: now }: Shape): Local[] {
  if (old === now) return [];
  const kind = old === "" ? "tightened" : now === "" ? "loosened" : "changed";
  return [local("condition", kind, kind === "loosened" ? "compatible" : "attention", old || null, now || null)];
}

/** What an array holds, whichever of the alternatives it is. */
function itemsOf(arrays: readonly Shape[], graph: SchemaGraph): Value {
  return graph.anyOf(arrays.map(({ items }) => items ?? graph.value(true)));
}

/** The property that tells the alternatives apart: what a discriminator says, else one with values of its own in each. */
function tagProperty(shapes: readonly Shape[]): string | undefined {
  for (const { tag } of shapes) if (tag !== undefined) return tag.property;
  const [first, ...others] = shapes;
  return [...(first?.properties.keys() ?? [])].find((name) => {
    const lists = [first, ...others].map((shape) => (shape === undefined ? [] : tagValues(shape, name)));
    const all = lists.flat();
    return lists.every((values) => values.length > 0) && new Set(all).size === all.length;
  });
}

function bestMatch(shape: Shape, candidates: readonly Shape[]): Shape | undefined {
  const named = candidates.find(({ name }) => name !== undefined && name === shape.name);
  if (named !== undefined) return named;
  const shared = (other: Shape) => [...other.properties.keys()].filter((name) => shape.properties.has(name)).length;
  const [best] = [...candidates].sort((a, b) => shared(b) - shared(a));
  const hasProperties = shape.properties.size > 0;
  return best !== undefined && (shared(best) > 0 || (!hasProperties && best.properties.size === 0)) ? best : undefined;
}

function outline({ name, properties }: Shape): string {
  return name ?? `{ ${[...properties.keys()].join(", ")} }`;
}
