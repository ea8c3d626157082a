import type { Batch, Event } from "../../generated/schema.ts";
import type { BeforeSend } from "../delivery/before-send.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { checkOptions } from "../transport/option-checks.ts";

/** Which attributes: by their exact name, or by a pattern that a part of the name matches. */
export type AttributeNames = readonly (string | RegExp)[];

/** Where the attributes are. */
export interface AttributeScope {
  /**
   * `"user"` are the user attributes; `"event"` are the custom attributes of events and of the products in them.
   * `@default both`
   */
  readonly of?: "user" | "event" | undefined;
}

/**
 * A step of `beforeSend` that takes attributes out of the batch.
 *
 * @param names - of those to take out: `["ssn", /^internal_/]`. Upper and lower case differ.
 * @param scope - `{ of?: "user" | "event" }`.
 * @throws TypeError - for what is no list of names and patterns.
 */
export function dropAttributes(names: AttributeNames, scope: AttributeScope = {}): BeforeSend {
  const isNamed = matcherOf("dropAttributes", names, scope);
  return function dropAttributes(batch) {
    return filterAttributes(batch, scope, (name) => !isNamed(name));
  };
}

/**
 * A step of `beforeSend` that leaves only the named attributes in the batch.
 *
 * @param names - of those to keep: `["plan", /^public_/]`. Upper and lower case differ.
 * @param scope - `{ of?: "user" | "event" }`.
 * @throws TypeError - for what is no list of names and patterns.
 */
export function keepAttributes(names: AttributeNames, scope: AttributeScope = {}): BeforeSend {
  const isNamed = matcherOf("keepAttributes", names, scope);
  return function keepAttributes(batch) {
    return filterAttributes(batch, scope, isNamed);
  };
}

function matcherOf(step: string, names: AttributeNames, scope: AttributeScope): (name: string) => boolean {
  const given: unknown = names;
  if (!Array.isArray(given) || !given.every((name) => typeof name === "string" || name instanceof RegExp)) {
    throw new TypeError(`\`${step}\` got ${show(given)}; expected a list of names and patterns.`);
  }
  checkOptions(scope, { of: "any" });
  const { of } = scope;
  if (of !== undefined && (of as string) !== "user" && (of as string) !== "event") {
    throw new TypeError(`\`of\` is ${show(of)}; expected "user" or "event".`);
  }
  const exact = new Set(names.filter((name) => typeof name === "string"));
  // A pattern that is global or sticky remembers where it stopped; it would match every other time.
  const patterns = names
    .filter((name) => name instanceof RegExp)
    .map(({ source, flags }) => new RegExp(source, flags.replace(/[gy]/g, "")));
  return (name) => exact.has(name) || patterns.some((pattern) => pattern.test(name));
}

function filterAttributes(batch: Batch, { of }: AttributeScope, keeps: (name: string) => boolean): Batch {
  const filter = <Attributes>(attributes: Attributes): Attributes =>
    isObject(attributes)
      ? (Object.fromEntries(Object.entries(attributes).filter(([name]) => keeps(name))) as Attributes) // some of its own
      : attributes;
  return {
    ...batch,
    ...(of !== "event" && "user_attributes" in batch && { user_attributes: filter(batch.user_attributes) }),
    ...(of !== "user" && batch.events && { events: batch.events.map((event) => inEvent(event, filter)) }),
  };
}

/** The attributes of an event lie in its data, and in each product wherever products lie. */
function inEvent(event: Event, filter: <Attributes>(attributes: Attributes) => Attributes): Event {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, key === "custom_attributes" ? filter(member) : walk(member)]),
    );
  };
  return walk(event) as Event; // as it was, with fewer attributes
}
