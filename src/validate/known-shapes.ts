import { jsonMembers } from "../../generated/validators/checks.js";
import { EVENT_DATA_SHAPES, SHAPES, type NestedShape, type Shape, type WireOnlyKey } from "../../generated/shapes.ts";
import { isObject, type Members } from "../rules/objects.ts";

/** What is known of one named object, with what it inherits. */
export interface KnownShape {
  readonly name: string;
  readonly keys: ReadonlySet<string>;
  readonly wireOnly: ReadonlyMap<string, WireOnlyKey>;
  readonly nested: ReadonlyMap<string, NestedShape>;
  /** What every other key holds, where the wire profile takes any key. */
  readonly rest: string | undefined;
  /** Keys that hold any number: amounts and measures, never ids. */
  readonly amounts: ReadonlySet<string>;
  /** Keys that exclude each other. */
  readonly atMostOne: readonly string[];
  /** The object it has inherited keys from. */
  readonly extends: string | undefined;
}

const shapes = new Map<string, KnownShape>();

/** The shape of that name; one that knows no keys when there is none. */
export function knownShape(name: string): KnownShape {
  let known = shapes.get(name);
  if (known === undefined) {
    known = withInherited(name);
    shapes.set(name, known);
  }
  return known;
}

function withInherited(name: string): KnownShape {
  const own: Shape = (Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined) ?? { keys: [] };
  const base = own.extends === undefined ? undefined : knownShape(own.extends);
  return {
    name,
    keys: new Set([...own.keys, ...(base?.keys ?? [])]),
    wireOnly: new Map([...(base?.wireOnly ?? []), ...Object.entries(own.wireOnly ?? {})]),
    nested: new Map([...(base?.nested ?? []), ...Object.entries(own.nested ?? {})]),
    rest: own.rest,
    amounts: new Set([...(own.amounts ?? []), ...(base?.amounts ?? [])]),
    atMostOne: own.atMostOne ?? [],
    extends: own.extends,
  };
}

/** The shape of the `data` that goes with a value of `event_type`; undefined when it is no event type. */
export function eventDataShape(eventType: unknown): string | undefined {
  return typeof eventType === "string" && Object.hasOwn(EVENT_DATA_SHAPES, eventType)
    ? EVENT_DATA_SHAPES[eventType]
    : undefined;
}

/** What a pointer into a batch points to. */
export interface Place {
  readonly value: unknown;
  /** The named object that the value is, or should be; undefined for anything else. */
  readonly shape: KnownShape | undefined;
}

/**
 * Follows the keys of a pointer through a batch, and through the shapes that the contract has for its objects.
 *
 * @param bareBreadcrumbs - whether the data of a breadcrumb may stand where the event belongs, as on the wire.
 */
export function placeAt(batch: unknown, tokens: readonly string[], bareBreadcrumbs: boolean): Place {
  let value = batch;
  let shape: string | undefined = "Batch";
  /** The shape of the items or values of the collection that `value` is. */
  let shapeOfEach: string | undefined;
  /** Whether the events that are met are breadcrumbs, whatever they say they are. */
  let inBreadcrumbs = false;
  for (const token of tokens) {
    const holder = value;
    value = memberOf(holder, token);
    if (shapeOfEach !== undefined) {
      shape =
        inBreadcrumbs && bareBreadcrumbs && isObject(value) && isBareBreadcrumb(value)
          ? "BreadcrumbEventData"
          : shapeOfEach;
      shapeOfEach = undefined;
    } else if (shape === "Event") {
      const data = inBreadcrumbs ? "BreadcrumbEventData" : eventDataShape(memberOf(holder, "event_type"));
      shape = token === "data" ? data : undefined;
    } else if (shape !== undefined) {
      const known = knownShape(shape);
      const nested = known.nested.get(token);
      shape = nested?.each === undefined ? (nested?.of ?? known.rest) : undefined;
      shapeOfEach = nested?.each === undefined ? undefined : nested.of;
      inBreadcrumbs = token === "breadcrumbs";
    }
  }
  return { value, shape: shape === undefined ? undefined : knownShape(shape) };
}

/** Some senders put the data of a breadcrumb where the event belongs; the wire profile takes that. */
export function isBareBreadcrumb(breadcrumb: Members): boolean {
  const { event_type, data } = jsonMembers(breadcrumb);
  return event_type === undefined && data === undefined;
}

function memberOf(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null && key in holder
    ? (holder as Members)[key] // an array is read by index here, which Members allows as well
    : undefined;
}
