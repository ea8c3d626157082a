import { EVENT_TYPES } from "../../generated/contract.ts";
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

/** What to say about a key that an object does not have. */
export function describeUnknownKey(
  key: string,
  shape: KnownShape,
  profile: Profile,
): Statement<SchemaCode & "unknown-key"> {
  return {
    code: "unknown-key",
    message: `${quote(key)} is not a key of ${shape.name}.`,
    hint: hintForUnknownKey(key, shape, profile),
  };
}

/** The key of the object that was most likely meant. */
export function meantKey(key: string, shape: KnownShape, profile: Profile): string | undefined {
  const word = snakeCase(key);
  const others = Object.hasOwn(OTHER_NAMES, word) ? OTHER_NAMES[word] : undefined;
  const other = others?.find((name) => shape.keys.has(name));
  if (other !== undefined) return other;
  return nearest(key, profile === "wire" ? [...shape.keys, ...shape.wireOnly.keys()] : shape.keys);
}

function hintForUnknownKey(key: string, shape: KnownShape, profile: Profile): string | undefined {
  const meant = meantKey(key, shape, profile);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  const home = homeOf(key, shape);
  if (home !== undefined) return `It belongs ${home}.`;
  const keys = [...shape.keys];
  return keys.length > 0 && keys.length <= MAX_KEYS_LISTED ? `Its keys are ${keys.join(", ")}.` : undefined;
}

/** Where a key would be right: one object further in, or on the batch. */
function homeOf(key: string, shape: KnownShape): string | undefined {
  for (const [name, nested] of shape.nested) {
    if (nested.of !== "Event" && knownShape(nested.of).keys.has(key)) return `in "${name}"`;
  }
  if (shape.name !== "Batch" && knownShape("Batch").keys.has(key)) return "on the batch";
  return shape.name === "Batch" && knownShape("CommonEventData").keys.has(key) ? "in the data of an event" : undefined;
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
