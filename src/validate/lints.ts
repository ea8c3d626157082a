import { LIMITS } from "../../generated/contract.ts";
import { jsonMembers } from "../../generated/validators/checks.js";
import { describe, quote } from "../rules/describe-value.ts";
import { ENVIRONMENT_HINT, ENVIRONMENT_MISSING } from "../rules/environment.ts";
import { describeUnsafe, isUnsafe } from "../rules/exact-integers.ts";
import {
  HISTORICAL_WITHOUT_EVENTS,
  historicalTimeProblem,
  isoDate,
  liveAgeProblem,
  secondsProblem,
} from "../rules/history.ts";
import { isObject, type Members } from "../rules/objects.ts";
import { knownShape } from "./known-shapes.ts";
import { entriesOf, LintPlans, LintWalk, type FieldLint, type LintContext, type ObjectLint } from "./lint-walk.ts";
import { nearest } from "../rules/nearest-name.ts";
import { isDurationKey, isTimestampKey } from "./timestamp-keys.ts";
import { isSentWhole, unsentNames } from "./unsent-members.ts";

/** Looks for what is legal and almost certainly wrong. */
export function lintBatch(batch: unknown, context: LintContext): void {
  new LintWalk(PLANS, context).batch(batch);
}

/**
 * Clocks of devices are off by minutes or hours, local time taken for UTC by up to 14 hours, and neither can be helped
 * here. More than a day is a mistake of the sender: another unit, or a clock that was never set.
 */
const FUTURE_TOLERANCE_MS = 86_400_000;

// ------------------------------------------------------------------ time

const timestamp: FieldLint = (value, key, walk) => {
  // An official sample has 0 for "no session", and nowhere else.
  if (typeof value !== "number" || (value === 0 && key === "session_start_unixtime_ms")) return;
  const seconds = secondsProblem(value);
  if (seconds !== undefined) {
    walk.warn(seconds.code, key, seconds.message, seconds.hint);
  } else if (value > walk.context.nowMs + FUTURE_TOLERANCE_MS) {
    walk.warn(
      "timestamp-in-future",
      key,
      `${String(value)} is ${isoDate(value)}, more than a day ahead of now.`,
      "Pass milliseconds since the Unix epoch: not micro- or nanoseconds, and of a clock that is set.",
    );
  }
};

const duration: FieldLint = (value, key, walk) => {
  if (typeof value !== "number" || value < LIMITS.secondsSuspectBelowMs) return;
  walk.warn(
    "epoch-in-duration",
    key,
    `${String(value)} milliseconds are ${String(Math.round(value / 31_557_600_000))} years.`,
    "Pass how long it took, not when it ended.",
  );
};

/** How old an event may be depends on where it is sent; breadcrumbs within a crash report are not asked. */
function eventAge(data: Members | undefined, walk: LintWalk): void {
  const { historical, nowMs } = walk.context;
  const time = data?.["timestamp_unixtime_ms"];
  if (!historical) {
    const old = typeof time === "number" ? liveAgeProblem(time, nowMs) : undefined;
    if (old !== undefined) walk.warn(old.code, "timestamp_unixtime_ms", old.message, old.hint);
    return;
  }
  const problem = historicalTimeProblem(time, nowMs);
  if (problem === undefined) return;
  const { code, message, hint } = problem;
  if (data === undefined) walk.refuse(code, "data", message, hint);
  else if (code === "historical-too-recent") walk.refuse(code, "timestamp_unixtime_ms", message, hint);
  else walk.refuseForAbsence(code, "timestamp_unixtime_ms", message, hint);
}

const timezoneOffset: FieldLint = (value, key, walk) => {
  if (typeof value !== "number" || (value >= -12 && value <= 14)) return; // the zones there are (IANA time zone database)
  walk.warn(
    "offset-not-in-hours",
    key,
    `${String(value)} hours is no offset from UTC.`,
    "Pass whole hours, east positive: Math.trunc(-date.getTimezoneOffset() / 60).",
  );
};

// ------------------------------------------------------------------ the batch

const environment: FieldLint = (value, key, walk) => {
  if (value === "unknown") {
    walk.refuse("environment-unknown", key, '"unknown" is neither test data nor live data.', ENVIRONMENT_HINT);
  } else if (value === null) walk.warn("environment-missing", key, ENVIRONMENT_MISSING.message, ENVIRONMENT_HINT);
};

const batchId: FieldLint = (value, key, walk) => {
  if (value === null) return;
  walk.warn(
    "batch-id-present",
    key,
    "the service assigns it, and may drop a batch that has one as a duplicate.",
    "Remove it before sending.",
  );
};

const serviceFilled: FieldLint = (value, key, walk) => {
  if (value !== null)
    walk.warn("service-filled-key", key, "the service sets it and ignores what is sent.", "Remove it before sending.");
};

const ip: FieldLint = (value, key, walk) => {
  if (typeof value !== "string" || IPV4.test(value) || isIpv6(value)) return;
  const hint =
    value === ""
      ? "Leave it out when it is not known."
      : "Pass the address of the user's device alone, without a port.";
  walk.warn("malformed-ip", key, `expected an IPv4 or IPv6 address, got ${describe(value)}.`, hint);
};

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Groups of hexadecimal digits, at most one gap `::`, and IPv4 notation at the end (RFC 4291, section 2.2). */
function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const lastColon = text.lastIndexOf(":");
  const tail = text.slice(lastColon + 1);
  const groups = tail.includes(".") ? (IPV4.test(tail) ? `${text.slice(0, lastColon + 1)}0:0` : "") : text;
  const halves = groups.split("::");
  if (halves.length > 2) return false;
  const parts = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  return (
    parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part)) &&
    (halves.length === 2 ? parts.length < 8 : parts.length === 8)
  );
}

const wholeBatch: ObjectLint = (batch, walk) => {
  if (batch["environment"] === undefined && walk.context.profile === "wire") {
    walk.warnOfAbsence("environment-missing", "environment", ENVIRONMENT_MISSING.message, ENVIRONMENT_HINT);
  }
  checkEvents(batch, walk);
  if (!isIdentified(batch)) {
    walk.warnOfAbsence(
      "no-identity",
      "user_identities",
      "no identity, mpid or device id: nobody will be recognised by this batch.",
      'Add user_identities, such as { customer_id: "…" }, or a device id.',
    );
  }
};

function checkEvents(batch: Members, walk: LintWalk): void {
  const events = batch["events"];
  const hasEvents = Array.isArray(events) ? events.length > 0 : events !== undefined && events !== null;
  if (hasEvents) return;
  if (walk.context.historical) {
    walk.refuseForAbsence("historical-without-events", "events", HISTORICAL_WITHOUT_EVENTS.message);
  } else if (PROFILE_CONTENT.every((key) => isNothing(batch[key]))) {
    walk.warnOfAbsence("empty-batch", "events", "no events, and nothing else that would update a profile.");
  }
}

/** Any of these is a reason to send a batch without events: it updates the profile. */
const PROFILE_CONTENT = [
  "user_attributes",
  "deleted_user_attributes",
  "consent_state",
  "partner_identities",
  "device_info",
  "integration_attributes",
  "attribution_info",
];

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (typeof value !== "object") return false;
  for (const _ in jsonMembers(value)) return false;
  return true;
}

function isIdentified(batch: Members): boolean {
  return (
    isPresent(batch["mpid"]) ||
    isPresent(batch["mp_deviceid"]) ||
    hasValue(batch["user_identities"]) ||
    hasValue(batch["partner_identities"]) ||
    hasDeviceId(batch["device_info"])
  );
}

/** Ids that a device keeps, by which the service finds its profile again. */
const DEVICE_ID_KEYS = [
  "android_uuid",
  "ios_advertising_id",
  "ios_idfv",
  "android_advertising_id",
  "push_token",
  "amp_id",
  "roku_advertising_id",
  "roku_publisher_id",
  "fire_advertising_id",
  "microsoft_advertising_id",
  "microsoft_publisher_id",
];

function hasDeviceId(deviceInfo: unknown): boolean {
  return isObject(deviceInfo) && DEVICE_ID_KEYS.some((key) => isPresent(deviceInfo[key]));
}

/** Even a value of the wrong type, or an empty one: that has a finding of its own. */
function hasValue(identities: unknown): boolean {
  if (!isObject(identities)) return identities !== undefined && identities !== null;
  return Object.values(jsonMembers(identities)).some((identity) => identity !== undefined && identity !== null);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== ZERO_UUID;
}

// ------------------------------------------------------------------ identities

const identity: FieldLint = (value, key, walk) => {
  if (typeof value === "string") {
    if (value.length <= LONGEST_PLACEHOLDER && PLACEHOLDERS.has(value.trim())) {
      walk.warn(
        "placeholder-identity",
        key,
        `${quote(value)} identifies nobody: all users sent with it become one.`,
        "Leave the identity out when it is not known.",
      );
    }
  } else if (typeof value === "number" || typeof value === "boolean") {
    walk.warn("identity-not-string", key, `identities are text, got ${describe(value)}.`, "Pass it as a string.");
  }
};

/** What JavaScript and others make of a value that is not there. */
const PLACEHOLDERS = new Set(["", "undefined", "null", "NaN", "None", "nil", "[object Object]"]);
const LONGEST_PLACEHOLDER = 20;

const legacyCustomerId: FieldLint = (value, key, walk) => {
  if (value === null) return;
  identity(value, key, walk);
  walk.warn("legacy-key", key, "it is the spelling of older SDKs.", 'Write "customer_id".');
};

const userIdentities: ObjectLint = (identities, walk) => {
  const { customer_id: current, customerid: legacy } = identities;
  if (isNothing(current) || isNothing(legacy)) return;
  walk.warn("conflicting-keys", undefined, 'it has both "customer_id" and "customerid".', 'Keep "customer_id" alone.');
};

const identityChange: ObjectLint = (change, walk) => {
  if (isNothing(change["new"]) && isNothing(change["old"])) {
    walk.warnOfAbsence(
      "identity-change-empty",
      undefined,
      'both "new" and "old" are empty: nothing changed.',
      "Give the identity that was added, removed or replaced.",
    );
  }
};

const ZERO_UUID = "00000000-0000-0000-0000-000000000000";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const uuid: FieldLint = (value, key, walk) => {
  if (typeof value !== "string") return;
  if (value === ZERO_UUID) {
    walk.warn("zero-uuid", key, "the all-zero UUID stands for no id.", "Leave it out.");
  } else if (value.length !== ZERO_UUID.length || !UUID.test(value)) {
    const hint = value === "" ? "Leave it out when there is none." : "A UUID has 8-4-4-4-12 hexadecimal digits.";
    walk.warn("malformed-uuid", key, `expected a UUID, got ${describe(value)}.`, hint);
  }
};

/** Everything the contract gives the format of a UUID; a test compares the two. */
export const UUID_KEYS: ReadonlySet<string> = new Set([
  "mp_deviceid",
  "session_uuid",
  "ios_advertising_id",
  "ios_idfv",
  "android_advertising_id",
  "roku_advertising_id",
  "roku_publisher_id",
  "fire_advertising_id",
]);

const platform: FieldLint = (value, key, walk) => {
  if (value === "FireTV") {
    walk.warn("legacy-platform", key, '"FireTV" is the spelling of one SDK.', 'Write "fire_tv".');
  } else if (value === "Unknown") {
    walk.warn("legacy-platform", key, '"Unknown" says nothing.', "Leave it out when it is not known.");
  }
};

// ------------------------------------------------------------------ attributes and names

const eventName: FieldLint = (value, key, walk) => {
  if (value === "") walk.warn("empty-value", key, "an event without a name can be neither found nor counted.");
  else longEventName(value, key, walk);
};

/** Screens are counted and kept together with events, by their names. */
const screenName: FieldLint = (value, key, walk) => {
  if (value === "") walk.warn("empty-value", key, NO_TEXT);
  else longEventName(value, key, walk);
};

function longEventName(name: unknown, key: string, walk: LintWalk): void {
  if (typeof name !== "string" || !isLonger(name, LIMITS.eventNameMaxLength)) return;
  walk.warn(
    "event-name-too-long",
    key,
    `the service cuts names of events and screens after ${String(LIMITS.eventNameMaxLength)} characters.`,
    "Put what varies into custom_attributes.",
  );
}

const notEmpty: FieldLint = (value, key, walk) => {
  if (value === "") walk.warn("empty-value", key, NO_TEXT);
};

const NO_TEXT = "expected some text, got an empty string.";

const customAttributes: FieldLint = (value, key, walk) => {
  if (!isObject(value)) return;
  let count = 0;
  walk.each(key, value, (attribute, name) => {
    count++;
    if (name.length > LIMITS.attributeNameMaxLength) {
      longName(name, name, LIMITS.attributeNameMaxLength, "cuts", walk);
    }
    if (typeof attribute === "string") longText(attribute, name, LIMITS.attributeValueMaxLength, walk);
    else if (typeof attribute === "number") unsafeNumber(attribute, name, walk);
  });
  if (count > LIMITS.eventAttributesMaxCount) tooMany(key, count, LIMITS.eventAttributesMaxCount, walk);
};

const userAttributes: FieldLint = (value, key, walk) => {
  if (!isObject(value)) return;
  let count = 0;
  walk.each(key, value, (attribute, name) => {
    count++;
    userAttributeName(name, name, walk);
    userAttributeValue(attribute, name, walk);
  });
  if (count > LIMITS.userAttributesMaxCount) tooMany(key, count, LIMITS.userAttributesMaxCount, walk);
};

/**
 * The name of a user attribute, wherever it is written.
 *
 * @param token - where it is: itself a key, in a list, or in a key of an event.
 */
function userAttributeName(name: string, token: string | number, walk: LintWalk): void {
  if (name.length > LIMITS.userAttributeNameMaxLength) {
    longName(name, token, LIMITS.userAttributeNameMaxLength, "may refuse", walk);
  } else if (name.startsWith("$") && !RESERVED_ATTRIBUTES.includes(name)) {
    const meant = nearest(name, RESERVED_ATTRIBUTES);
    walk.warn(
      "unknown-reserved-attribute",
      token,
      `${quote(name)} is none of the reserved names.`,
      meant === undefined
        ? `Reserved are ${RESERVED_ATTRIBUTES.join(", ")}; name others without $.`
        : `Did you mean "${meant}"?`,
    );
  }
}

/** The names with a meaning of their own, as server payloads spell them. */
const RESERVED_ATTRIBUTES = [
  "$age",
  "$gender",
  "$country",
  "$zip",
  "$city",
  "$state",
  "$address",
  "$firstname",
  "$lastname",
  "$mobile",
];

const changedAttributeName: FieldLint = (value, key, walk) => {
  if (typeof value !== "string") return;
  if (value === "") walk.warn("empty-value", key, NO_TEXT);
  else userAttributeName(value, key, walk);
};

const deletedAttributes: FieldLint = (value, key, walk) => {
  if (!Array.isArray(value)) return;
  walk.within(key, () => {
    for (let index = 0, count = entriesOf(value); index < count; index++) {
      const name: unknown = value[index];
      if (typeof name === "string") userAttributeName(name, index, walk);
    }
  });
};

/** The value of a user attribute, on the user or on either side of a change. */
const userAttributeValue: FieldLint = (value, key, walk) => {
  if (!Array.isArray(value)) userAttributeScalar(value, key, LIMITS.userAttributeValueMaxLength, walk);
  else {
    const most = LIMITS.userAttributeListMaxLength;
    if (value.length > most) {
      walk.warn(
        "list-too-long",
        key,
        `${String(value.length)} entries, and the service may refuse more than ${String(most)}.`,
        "Send fewer entries.",
      );
    }
    walk.within(key, () => {
      for (let index = 0; index < value.length && index < most; index++) {
        userAttributeScalar(value[index], index, LIMITS.userAttributeListEntryMaxLength, walk);
      }
    });
  }
};

function userAttributeScalar(value: unknown, token: string | number, maxLength: number, walk: LintWalk): void {
  if (typeof value === "string") longText(value, token, maxLength, walk);
  else if (typeof value === "number" && isUnsafe(value)) unsafeNumber(value, token, walk);
  // Senders of their own know what they send; in a foreign payload it is a sign of a serialiser that guesses types.
  else if (walk.context.profile === "wire" && (typeof value === "number" || typeof value === "boolean")) {
    walk.warn(
      "attribute-not-string",
      token,
      `user attributes are text, got ${describe(value)}.`,
      "Pass it as a string.",
    );
  }
}

function unsafeNumber(value: number, token: string | number, walk: LintWalk): void {
  if (!isUnsafe(value) || !Number.isFinite(value)) return; // JSON has no infinity, and that has been said
  walk.warn("unsafe-integer", token, describeUnsafe(value), "Pass an id as a string of digits.");
}

function longName(name: string, token: string | number, limit: number, effect: string, walk: LintWalk): void {
  if (!isLonger(name, limit)) return;
  walk.warn(
    "attribute-name-too-long",
    token,
    `the service ${effect} attribute names of more than ${String(limit)} characters.`,
    "Shorten the name.",
  );
}

function longText(text: string, token: string | number, limit: number, walk: LintWalk): void {
  if (text.length <= limit || !isLonger(text, limit)) return;
  walk.warn(
    "value-too-long",
    token,
    `the service may refuse text of more than ${String(limit)} characters.`,
    "Shorten the text before sending.",
  );
}

function tooMany(key: string, count: number, limit: number, walk: LintWalk): void {
  walk.warn(
    "too-many-attributes",
    key,
    `${String(count)} attributes, and the service may refuse more than ${String(limit)}.`,
    "Send fewer attributes.",
  );
}

/** By code points, as the contract counts. Only text near the limit has to be counted. */
function isLonger(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  if (text.length > 2 * limit) return true;
  let surrogatePairs = 0;
  for (let at = 0; at < text.length; at++) if ((text.codePointAt(at) ?? 0) > 0xffff) surrogatePairs++;
  return text.length - surrogatePairs > limit;
}

const integrationAttributes: FieldLint = (value, key, walk) => {
  if (!isObject(value)) return;
  walk.each(key, value, (attributes, id) => {
    if (isObject(attributes)) walk.each(id, attributes, () => undefined);
    if (/^\d+$/.test(id)) return;
    walk.warn(
      "integration-id-not-numeric",
      id,
      `expected the number of an integration module, got ${quote(id)}.`,
      "The address of the integration's page in the directory ends with it.",
    );
  });
};

// ------------------------------------------------------------------ consent, places, commerce, attribution

const ccpaPurpose: FieldLint = (_, key, walk) => {
  walk.warn(
    "ccpa-unknown-purpose",
    key,
    `${quote(key)} is no purpose under CCPA.`,
    'The only one is "data_sale_opt_out", and true means that the user opted out.',
  );
};

const consentPart: FieldLint = (value, key, walk) => {
  if (value === null) {
    walk.warn(
      "consent-incomplete",
      key,
      "consent needs both a decision and its time.",
      "Leave the purpose out, or fill it in.",
    );
  }
};

const consentTime: FieldLint = (value, key, walk) => {
  consentPart(value, key, walk);
  timestamp(value, key, walk);
};

const coordinate =
  (limit: number): FieldLint =>
  (value, key, walk) => {
    const degrees = typeof value === "string" ? Number(value) : value;
    if (typeof degrees !== "number" || Math.abs(degrees) <= limit || !Number.isFinite(degrees)) return;
    walk.warn(
      "location-out-of-range",
      key,
      `expected at most ${String(limit)} degrees, got ${describe(value)}.`,
      "Pass degrees, and mind the order of latitude and longitude.",
    );
  };

const place: ObjectLint = (location, walk) => {
  const { latitude, longitude } = location;
  if (isNothing(latitude) === isNothing(longitude)) return;
  const [given, lacking] = isNothing(latitude) ? ["longitude", "latitude"] : ["latitude", "longitude"];
  walk.warnOfAbsence(
    "incomplete-location",
    undefined,
    `it has a ${given} and no ${lacking}.`,
    "Give both, or neither.",
  );
};

const isoCode =
  (pattern: RegExp, name: string): FieldLint =>
  (value, key, walk) => {
    if (typeof value !== "string" || pattern.test(value)) return;
    const upper = value.length <= 3 ? value.toUpperCase() : "";
    const hint = pattern.test(upper) ? `Write "${upper}".` : undefined;
    walk.warn("not-an-iso-code", key, `expected ${name}, got ${describe(value)}.`, hint);
  };

const commercePayload: ObjectLint = (data, walk) => {
  const { atMostOne } = knownShape("CommerceEventData");
  const payloads = atMostOne.filter((key) => data[key] !== undefined && data[key] !== null);
  if (payloads.length === 1) return;
  if (payloads.length === 0) {
    walk.warnOfAbsence(
      "commerce-without-payload",
      undefined,
      "it says nothing about products, promotions or impressions.",
      `Give one of ${atMostOne.join(", ")}.`,
    );
  } else {
    walk.warn(
      "commerce-with-several-payloads",
      undefined,
      `${payloads.join(" and ")} exclude each other.`,
      "Send one event for each.",
    );
  }
};

const attribution: ObjectLint = (data, walk) => {
  if (data["custom_event_type"] !== "attribution" || data["event_name"] !== "attribution") return;
  const given = data["custom_attributes"];
  const attributes: Members = isObject(given) ? given : {};
  if (attributes["action"] === "delete") return;
  const lacking = ["publisher", "campaign"].filter((key) => isNothing(attributes[key]));
  if (lacking.length === 0) return;
  walk.warnOfAbsence(
    "attribution-incomplete",
    undefined,
    `an install is attributed by publisher and campaign, and ${lacking.join(" and ")} ${lacking.length === 1 ? "is" : "are"} missing.`,
    "Set both in custom_attributes.",
  );
};

// ------------------------------------------------------------------ what JSON loses

function instance(object: object, walk: LintWalk): void {
  if (object instanceof Map) {
    walk.refuse("lost-in-json", undefined, "JSON makes {} of a Map.", "Pass Object.fromEntries(map).");
  } else if (object instanceof Set) {
    walk.refuse("lost-in-json", undefined, "JSON makes {} of a Set.", "Pass an array, where one is taken.");
  } else if ("toJSON" in object && typeof object.toJSON === "function") {
    walk.warn(
      "to-json-present",
      undefined,
      "its toJSON decides what is sent, which nobody has checked.",
      "Pass a plain object.",
    );
  }
}

const customFlags: FieldLint = (value, key, walk) => {
  if (!isObject(value)) return;
  walk.each(key, value, (flag, name) => {
    customFlag(flag, name, walk);
  });
};

function customFlag(flag: unknown, name: string, walk: LintWalk): void {
  if (typeof flag === "string" || typeof flag === "boolean" || flag === null) return;
  const numbers: readonly unknown[] = Array.isArray(flag) ? flag : [];
  if (typeof flag === "number") unsafeNumber(flag, name, walk);
  walk.within(name, () => {
    for (let index = 0, count = entriesOf(numbers); index < count; index++) {
      const entry = numbers[index];
      if (typeof entry === "number") unsafeNumber(entry, index, walk);
    }
  });
  // On the wire flags hold any JSON value; nothing else has looked at what is in them.
  const trouble = walk.context.profile === "wire" ? findTrouble(flag, []) : undefined;
  if (trouble === "cycle") {
    walk.refuse("not-serializable", name, "the value refers to itself or is nested too deeply for JSON.");
  } else if (typeof trouble === "number") unsafeNumber(trouble, name, walk);
  else if (trouble !== undefined) {
    walk.refuse(
      "lost-in-json",
      name,
      `JSON cannot hold ${trouble.lost}.`,
      "Pass text, numbers, booleans, arrays and plain objects.",
    );
  }
}

/** What is wrong with a value: it has no end, it holds what JSON cannot (in words), or a number that is rounded. */
type Trouble = "cycle" | { readonly lost: string } | number;

/** Deeper than anything that is meant. */
const MAX_FLAG_DEPTH = 100;

/** What JSON makes something else of, in a value and in whatever it holds. Looks at each object once. */
function findTrouble(value: unknown, holders: readonly object[], seen = new Set<object>()): Trouble | undefined {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) return { lost: `the number ${String(value)}` };
      return isUnsafe(value) && !isLookedAt(holders) ? value : undefined;
    case "function":
    case "symbol":
      return { lost: `a ${typeof value}` };
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (holders.includes(value) || holders.length > MAX_FLAG_DEPTH) return "cycle";
  if (seen.has(value)) return undefined;
  seen.add(value);
  const inside = [...holders, value];
  let rounded: number | undefined;
  for (const member of membersWithin(value)) {
    const trouble = findTrouble(member, inside, seen);
    if (typeof trouble === "number") rounded ??= trouble;
    else if (trouble !== undefined) return trouble;
  }
  return lossOf(value) ?? rounded;
}

/** Numbers that are a flag, or an entry of one, have findings of their own. */
function isLookedAt([flag, ...further]: readonly object[]): boolean {
  return flag === undefined || (Array.isArray(flag) && further.length === 0);
}

function* membersWithin(value: object): Generator {
  if (Array.isArray(value)) for (let index = 0, count = entriesOf(value); index < count; index++) yield value[index];
  else if (isObject(value)) for (const key in value) if (Object.hasOwn(value, key)) yield value[key];
}

/** What an object loses of itself. */
function lossOf(object: object): { readonly lost: string } | undefined {
  if (object instanceof Map || object instanceof Set) return { lost: describe(object) };
  if (!isObject(object) || isSentWhole(object)) return undefined;
  const [name] = unsentNames(object);
  return name === undefined ? undefined : { lost: `${quote(name)}, which is inherited or not enumerable` };
}

// ------------------------------------------------------------------ where to look

const FIELD_LINTS: Readonly<Record<string, Readonly<Record<string, FieldLint>>>> = {
  Batch: {
    environment,
    batch_id: batchId,
    timestamp_unixtime_ms: serviceFilled,
    source_info: serviceFilled,
    user_attributes: userAttributes,
    deleted_user_attributes: deletedAttributes,
    integration_attributes: integrationAttributes,
    ip,
  },
  UserIdentities: { customerid: legacyCustomerId, "*": identity },
  DeviceInformation: { platform, timezone_offset: timezoneOffset },
  CcpaConsentState: { "*": ccpaPurpose, data_sale_opt_out: () => undefined },
  ConsentPurpose: { consented: consentPart, timestamp_unixtime_ms: consentTime },
  DataPlan: { plan_id: notEmpty, block_metadata: serviceFilled },
  GeoLocation: {
    latitude: coordinate(LIMITS.latitudeMaxDegrees),
    longitude: coordinate(LIMITS.longitudeMaxDegrees),
    country_code: isoCode(/^[A-Z]{2}$/, "an ISO 3166-1 country code of two capitals"),
  },
  CommonEventData: { custom_attributes: customAttributes, custom_flags: customFlags },
  CustomEventData: { event_name: eventName },
  CommerceEventData: {
    event_name: eventName,
    screen_name: longEventName,
    currency_code: isoCode(/^[A-Z]{3}$/, "an ISO 4217 currency code of three capitals"),
  },
  Product: { custom_attributes: customAttributes },
  ScreenViewEventData: { screen_name: screenName },
  PushMessageEventData: {
    action_identifier: (value, key, walk) => {
      if (typeof value === "string") longText(value, key, LIMITS.actionIdentifierMaxLength, walk);
    },
  },
  UserAttributeChangeEventData: {
    user_attribute_name: changedAttributeName,
    new: userAttributeValue,
    old: userAttributeValue,
  },
  UserIdentity: { identity },
};

const OBJECT_LINTS: Readonly<Record<string, ObjectLint>> = {
  Batch: wholeBatch,
  UserIdentities: userIdentities,
  GeoLocation: place,
  CustomEventData: attribution,
  CommerceEventData: commercePayload,
  UserIdentityChangeEventData: identityChange,
};

/** The lint for a key: that of the object itself, of the one it extends, or of all keys so named. */
function fieldLint(shape: string, key: string): FieldLint | undefined {
  for (const name of [shape, knownShape(shape).extends]) {
    if (name === undefined || !Object.hasOwn(FIELD_LINTS, name)) continue;
    const lints = FIELD_LINTS[name] ?? {};
    if (Object.hasOwn(lints, key)) return lints[key];
    if (Object.hasOwn(lints, "*")) return lints["*"];
  }
  if (UUID_KEYS.has(key)) return uuid;
  if (isTimestampKey(key)) return timestamp;
  return isDurationKey(key) ? duration : undefined;
}

const PLANS = new LintPlans({
  fieldLint,
  objectLint: (shape) => (Object.hasOwn(OBJECT_LINTS, shape) ? OBJECT_LINTS[shape] : undefined),
  eventLint: eventAge,
  instanceLint: instance,
  unsafeNumberLint: (value, key, walk) => {
    unsafeNumber(value, key, walk);
  },
});
