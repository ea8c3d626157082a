import { EVENT_TYPES } from "../../generated/contract.ts";
import { SHAPES } from "../../generated/shapes.ts";
import type { SchemaCode } from "./codes.ts";
import { quote } from "../rules/describe-value.ts";
import type { Statement } from "../rules/statement.ts";
import { eventDataShape, knownShape, type KnownShape } from "./known-shapes.ts";
import { nearest } from "../rules/nearest-name.ts";

/** Which of the two descriptions of the API a batch is held against. */
export type Profile = "canonical" | "wire";

/** What people write who know another API, an older SDK or the documentation's own slips. Holds where the right key exists. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  attributes: ["custom_attributes", "user_attributes"],
  batch_context: ["context"],
  consent: ["consent_state"],
  currency: ["currency_code"],
  email_address: ["email"],
  gaid: ["android_advertising_id"],
  idfa: ["ios_advertising_id"],
  idfv: ["ios_idfv"],
  lat: ["latitude"],
  lng: ["longitude"],
  lon: ["longitude"],
  mobile: ["mobile_number"],
  name: ["event_name", "screen_name"],
  other_id: ["other"],
  other_id_1: ["other"],
  phone: ["mobile_number"],
  phone_number: ["mobile_number"],
  phone_number_1: ["mobile_number"],
  revenue: ["total_amount"],
  sku: ["id"],
  tax: ["tax_amount"],
  shipping: ["shipping_amount"],
  time: ["timestamp_unixtime_ms"],
  timestamp: ["timestamp_unixtime_ms"],
  timestamp_ms: ["timestamp_unixtime_ms"],
  total: ["total_amount"],
  traits: ["user_attributes"],
  type: ["event_type", "custom_event_type"],
  user_id: ["customer_id"],
  userid: ["customer_id"],
};

/** A list of keys that is short enough to be told in full. */
const MAX_KEYS_LISTED = 6;

/**
 * What to say about a key that an object does not have.
 *
 * @param value - what is found there: it tells an attribute from an object that belongs elsewhere.
 */
export function describeUnknownKey(
  key: string,
  shape: KnownShape,
  profile: Profile,
  value: unknown,
): Statement<SchemaCode & "unknown-key"> {
  return {
    code: "unknown-key",
    message: `${quote(key)} is not a key of ${shape.name}.`,
    hint: hintForUnknownKey(key, shape, profile, value),
  };
}

/** The key of the object that was most likely meant. */
export function meantKey(key: string, shape: KnownShape, profile: Profile): string | undefined {
  return (
    otherName(key, shape) ?? nearest(key, profile === "wire" ? [...shape.keys, ...shape.wireOnly.keys()] : shape.keys)
  );
}

function otherName(key: string, shape: KnownShape): string | undefined {
  const word = snakeCase(key);
  const others = Object.hasOwn(OTHER_NAMES, word) ? OTHER_NAMES[word] : undefined;
  return others?.find((name) => shape.keys.has(name));
}

function hintForUnknownKey(key: string, shape: KnownShape, profile: Profile, value: unknown): string | undefined {
  // A key that is right elsewhere is no misspelling of one that is near.
  const home = otherName(key, shape) === undefined ? homeOf(key, shape) : undefined;
  if (home !== undefined) return `It belongs ${home}.`;
  const meant = meantKey(key, shape, profile);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  const attributes = ["custom_attributes", "user_attributes"].find((name) => shape.keys.has(name));
  if (attributes !== undefined && isAttribute(value)) return `Attributes of your own go into "${attributes}".`;
  const keys = [...shape.keys];
  return keys.length > 0 && keys.length <= MAX_KEYS_LISTED ? `Its keys are ${keys.join(", ")}.` : undefined;
}

function isAttribute(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" || Array.isArray(value);
}

/** Where a key would be right: one or two objects further in, or further out. */
function homeOf(key: string, shape: KnownShape): string | undefined {
  return homeWithin(key, shape) ?? homeAround(key, shape);
}

function homeWithin(key: string, shape: KnownShape): string | undefined {
  const inner = [...shape.nested].filter(([, nested]) => nested.of !== "Event");
  for (const [name, { of }] of inner) if (knownShape(of).keys.has(key)) return `in "${name}"`;
  for (const [name, { of, each }] of inner) {
    const further = each === undefined ? homeWithin(key, knownShape(of)) : undefined;
    if (further !== undefined) return `${further} of "${name}"`;
  }
  if (shape.name === "Event" && isEventDataKey(key)) return 'in "data"';
  // One word, such as `url`, may as well be an attribute of a user.
  const isOfSomeEvent = key.includes("_") && isEventDataKey(key);
  return shape.name === "Batch" && isOfSomeEvent ? "in the data of an event" : undefined;
}

function homeAround(key: string, shape: KnownShape): string | undefined {
  let around = [shape.name];
  for (let levels = 1; around.length > 0 && levels <= MAX_LEVELS_OUT; levels++) {
    const holders = around.flatMap(holdersOf);
    const home = holders.find(({ holder }) => knownShape(holder).keys.has(key));
    if (home?.holder.endsWith("EventData") === true) return "in the data of the event";
    if (home !== undefined && home.holder !== "Batch") return `one level up, beside "${home.member}"`;
    around = holders.map(({ holder }) => holder);
  }
  return shape.name !== "Batch" && knownShape("Batch").keys.has(key) ? "on the batch" : undefined;
}

/** A product within an action within an event. */
const MAX_LEVELS_OUT = 2;

/** The objects that hold such an object, each with the key that it is the value of. */
function holdersOf(name: string): { readonly holder: string; readonly member: string }[] {
  return Object.entries(SHAPES).flatMap(([holder, { nested = {} }]) =>
    Object.entries(nested).flatMap(([member, { of }]) => (of === name ? [{ holder, member }] : [])),
  );
}

/** The event type whose data has the keys given and the others have not; undefined when that is none, or several. */
export function eventTypeByKeys(keys: readonly string[]): string | undefined {
  const common = knownShape("CommonEventData").keys;
  const telling = keys.filter((key) => !common.has(key));
  if (telling.length === 0) return undefined;
  const types = EVENT_TYPES.filter((type) => {
    const data = eventDataShape(type);
    return data !== undefined && telling.every((key) => knownShape(data).keys.has(key));
  });
  return types.length === 1 ? types[0] : undefined;
}

const eventDataKeys = new Set<string>();

/** Whether the data of some event has such a key, in its own spelling or another. */
export function isEventDataKey(key: string): boolean {
  if (eventDataKeys.size === 0) {
    for (const type of EVENT_TYPES) {
      for (const name of knownShape(eventDataShape(type) ?? "").keys) eventDataKeys.add(name);
    }
  }
  return eventDataKeys.has(key) || eventDataKeys.has(snakeCase(key));
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
