import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../generated/contract.ts";
import type { Finding } from "../../src/errors.ts";
import { Report } from "../../src/validate/report.ts";
import { reportSchemaErrors } from "../../src/validate/schema-findings.ts";
import { checkBatch, SCHEMA_CODES, type Profile, type SchemaCode } from "../../src/validate/validate.ts";
import { batch, dataName, eventBatch, REQUIRED_DATA, type Members } from "../spec/payload-tables.ts";

/** One mistake, and the one thing that is said about it. */
interface Row {
  readonly of: string;
  readonly payload: unknown;
  readonly code: SchemaCode;
  readonly path: string;
  /** Parts of the message: the value that was found, and what was expected. */
  readonly says: readonly string[];
  /** The hint to the letter; none when left out. */
  readonly hint?: string;
  /** Both, unless one of them takes the payload or says something else. */
  readonly profiles?: readonly Profile[];
}

const both: readonly Profile[] = ["canonical", "wire"];
const canonical: readonly Profile[] = ["canonical"];
const wire: readonly Profile[] = ["wire"];

const EPOCH_MS = 1_795_000_000_000;
const LONG_NAME = "n".repeat(257);

/** A custom event with further data, the form in which most mistakes are made. */
function custom(data: Members): Members {
  return eventBatch("custom_event", data);
}

function timed(timestamp: unknown): Members {
  return custom({ timestamp_unixtime_ms: timestamp });
}

function many(count: number): Members {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`name_${String(index)}`, "x"]));
}

/** An event in the style of a class, whose accessors JSON does not ask. */
class FirstRun {
  readonly data = {};
  get event_type(): string {
    return EVENT_TYPES.find((type) => type.startsWith("first")) ?? "";
  }
}

const TIMESTAMP = "/events/0/data/timestamp_unixtime_ms";
const EVENT_TYPE_LIST = `Event types are ${EVENT_TYPES.join(", ")}.`;
const EXACT_HINT = "Pass the id as a bigint or as a string of digits.";

const ROWS: readonly Row[] = [
  // ---------------------------------------------------------------- not-an-object
  ...([null, undefined, 5, "x", true, 5n] as const).map((payload) => ({
    of: `${String(payload)} for a batch`,
    payload,
    code: "not-an-object" as const,
    path: "",
    says: ["expected a batch", payload === undefined ? "nothing" : String(payload)],
  })),
  {
    of: "a list of batches",
    payload: [batch({})],
    code: "not-an-object",
    path: "",
    says: ["expected a batch", "an array of 1"],
    hint: "Check each batch by itself.",
  },
  {
    of: "text for an object",
    payload: batch({ device_info: "iPhone" }),
    code: "not-an-object",
    path: "/device_info",
    says: ["expected an object", '"iPhone"'],
  },
  {
    of: "identities as the service's output lists them",
    payload: batch({ user_identities: [{ identity_type: "email", identity: "ada@example.com" }] }),
    code: "not-an-object",
    path: "/user_identities",
    says: ["expected an object", "an array of 1"],
    hint: 'Write { customer_id: "…", email: "…" }: only the service\'s output is a list.',
  },
  // ---------------------------------------------------------------- wrong-type
  {
    of: "one event that is not in a list",
    payload: batch({ events: { event_type: "first_run", data: {} } }),
    code: "wrong-type",
    path: "/events",
    says: ["expected an array", "an object"],
    hint: "Put it into an array.",
  },
  {
    of: "a time as text",
    payload: timed("2026-01-01T00:00:00Z"),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", '"2026-01-01T00:00:00Z"'],
    hint: "Pass milliseconds: Date.parse(text), here 1767225600000.",
  },
  {
    of: "a time as text that has no zone",
    payload: timed("2026-11-28 10:00"),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", '"2026-11-28 10:00"'],
    hint: 'Pass the milliseconds of a time with its zone, such as Date.parse("2026-11-28T10:00:00Z").',
  },
  {
    of: "a time as text that is no time",
    payload: timed("yesterday"),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", '"yesterday"'],
    hint: "Pass milliseconds since the Unix epoch, such as Date.now().",
  },
  {
    of: "a time as digits in quotes",
    payload: timed(String(EPOCH_MS)),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", `"${String(EPOCH_MS)}"`],
    hint: `Pass it as a number: ${String(EPOCH_MS)}.`,
  },
  {
    of: "a time in seconds with a fraction",
    payload: timed(1_795_000_000.5),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", "1795000000.5"],
    hint: "It looks like seconds with a fraction: pass Math.round(seconds * 1000).",
  },
  {
    of: "a time with a fraction of a millisecond",
    payload: timed(EPOCH_MS + 0.5),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", "1795000000000.5"],
    hint: "Pass whole milliseconds: Math.trunc(value).",
  },
  {
    of: "a Date for a time",
    payload: timed(new Date(EPOCH_MS)),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", "a Date"],
    hint: "Pass its milliseconds: date.getTime().",
  },
  {
    of: "a bigint for a time",
    payload: timed(BigInt(EPOCH_MS)),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", `the bigint ${String(EPOCH_MS)}`],
    hint: "Pass Number(value).",
  },
  {
    of: "a time that is no number at all",
    payload: timed(Number.NaN),
    code: "wrong-type",
    path: TIMESTAMP,
    says: ["expected an integer", "NaN"],
    hint: "JSON has no such number and turns it into null.",
  },
  {
    of: "an infinite price",
    payload: eventBatch("commerce_event", { product_action: { action: "click", total_amount: Infinity } }),
    code: "wrong-type",
    path: "/events/0/data/product_action/total_amount",
    says: ["expected a number", "Infinity"],
    hint: "JSON has no such number and turns it into null.",
  },
  {
    of: "a number in quotes",
    payload: eventBatch("session_end", {
      session_duration_ms: "1500",
      session_uuid: "0e0c7b9a-64a3-4c0d-9f43-0b36f7f3e6a5",
    }),
    code: "wrong-type",
    path: "/events/0/data/session_duration_ms",
    says: ["expected an integer", '"1500"'],
    hint: "Pass it as a number: 1500.",
  },
  {
    of: "a fraction for an integer",
    payload: batch({ device_info: { screen_height: 2556.5 } }),
    code: "wrong-type",
    path: "/device_info/screen_height",
    says: ["expected an integer", "2556.5"],
    hint: "Round it first.",
  },
  {
    of: "a bigint where only a number will do",
    payload: batch({ device_info: { screen_height: 2556n } }),
    code: "wrong-type",
    path: "/device_info/screen_height",
    says: ["expected an integer", "2556"],
    hint: "Only 64-bit ids are bigints: pass Number(value).",
  },
  {
    of: "a boolean in quotes",
    payload: eventBatch("push_registration", { register: "true" }),
    code: "wrong-type",
    path: "/events/0/data/register",
    says: ["expected a boolean", '"true"'],
    hint: "Pass true without quotes.",
    profiles: canonical,
  },
  {
    of: "a number for an identity",
    payload: batch({ user_identities: { customer_id: 42 } }),
    code: "wrong-type",
    path: "/user_identities/customer_id",
    says: ["expected a string", "the number 42"],
    hint: 'Pass it as a string: "42".',
    profiles: canonical,
  },
  {
    of: "a Date for text",
    payload: custom({ canonical_name: new Date(EPOCH_MS) }),
    code: "wrong-type",
    path: "/events/0/data/canonical_name",
    says: ["expected a string", "a Date"],
    hint: "Pass it as text: date.toISOString().",
  },
  {
    of: "an object among event attributes",
    payload: custom({ custom_attributes: { address: { city: "Rotterdam" } } }),
    code: "wrong-type",
    path: "/events/0/data/custom_attributes/address",
    says: ["expected a string or a number or a boolean", "an object"],
    hint: "Attributes hold neither lists nor objects: use several attributes, or JSON.stringify it.",
  },
  {
    of: "an object among user attributes",
    payload: batch({ user_attributes: { address: { city: "Rotterdam" } } }),
    code: "wrong-type",
    path: "/user_attributes/address",
    says: ["or an array", "an object"],
    hint: "Attributes hold no objects: use several attributes.",
  },
  {
    of: "a Map where a scalar belongs",
    payload: batch({ user_attributes: { address: new Map() } }),
    code: "wrong-type",
    path: "/user_attributes/address",
    says: ["or an array", "a Map"],
    hint: "A Map has no members in JSON: pass Object.fromEntries(map).",
  },
  {
    of: "a Set for a list",
    payload: batch({ user_attributes: { tags: new Set(["a"]) } }),
    code: "wrong-type",
    path: "/user_attributes/tags",
    says: ["or an array", "a Set"],
    hint: "A Set has no members in JSON: pass an array.",
  },
  {
    of: "something that is no data at all",
    payload: batch({ ip: () => "203.0.113.24" }),
    code: "wrong-type",
    path: "/ip",
    says: ["expected a string", "a function"],
  },
  {
    of: "a latitude in quotes",
    payload: batch({ context: { location: { latitude: "51.92", longitude: 4.48 } } }),
    code: "wrong-type",
    path: "/context/location/latitude",
    says: ["expected a number", '"51.92"'],
    hint: "Pass it as a number: 51.92.",
    profiles: canonical,
  },
  // ---------------------------------------------------------------- missing-key, environment-missing
  {
    of: "a custom event without a name",
    payload: batch({ events: [{ event_type: "custom_event", data: { custom_event_type: "search" } }] }),
    code: "missing-key",
    path: "/events/0/data/event_name",
    says: ['"event_name" is required in CustomEventData'],
  },
  {
    of: "an event without data",
    payload: batch({ events: [{ event_type: "first_run" }] }),
    code: "missing-key",
    path: "/events/0/data",
    says: ['"data" is required in Event'],
  },
  {
    of: "an event without a type",
    payload: batch({ events: [{ data: { label: "here" } }] }),
    code: "missing-key",
    path: "/events/0/event_type",
    says: ['"event_type" is required in Event'],
  },
  {
    of: "a breadcrumb without a label",
    payload: eventBatch("crash_report", { breadcrumbs: [{ event_type: "breadcrumb", data: {} }] }),
    code: "missing-key",
    path: "/events/0/data/breadcrumbs/0/data/label",
    says: ['"label" is required in BreadcrumbEventData'],
  },
  {
    of: "a batch that is neither test nor live",
    payload: { events: [] },
    code: "environment-missing",
    path: "/environment",
    says: ["is missing", "production"],
    hint: 'Set "development" or "production".',
    profiles: canonical,
  },
  // ---------------------------------------------------------------- unknown-key
  {
    of: "a key with a letter too few",
    payload: batch({ user_atributes: {} }),
    code: "unknown-key",
    path: "/user_atributes",
    says: ['"user_atributes" is not a key of Batch'],
    hint: 'Did you mean "user_attributes"?',
    profiles: canonical,
  },
  {
    of: "a key in camel case",
    payload: batch({ deviceInfo: {} }),
    code: "unknown-key",
    path: "/deviceInfo",
    says: ['"deviceInfo" is not a key of Batch'],
    hint: 'Did you mean "device_info"?',
    profiles: canonical,
  },
  {
    of: "a required key that is misspelt",
    payload: { enviroment: "production" },
    code: "unknown-key",
    path: "/enviroment",
    says: ['"enviroment" is not a key of Batch', 'the required "environment" is missing'],
    hint: 'Did you mean "environment"?',
    profiles: canonical,
  },
  {
    of: "a required key of an event that is misspelt",
    payload: batch({ events: [{ event_type: "push_message", data: { pushMessageType: "sent" } }] }),
    code: "unknown-key",
    path: "/events/0/data/pushMessageType",
    says: ['"pushMessageType" is not a key of PushMessageEventData', 'the required "push_message_type" is missing'],
    hint: 'Did you mean "push_message_type"?',
  },
  {
    of: "the word of another API",
    payload: batch({ user_identities: { user_id: "42" } }),
    code: "unknown-key",
    path: "/user_identities/user_id",
    says: ['"user_id" is not a key of UserIdentities'],
    hint: 'Did you mean "customer_id"?',
  },
  {
    of: "a key that belongs two objects further in",
    payload: batch({ latitude: 51.92 }),
    code: "unknown-key",
    path: "/latitude",
    says: ['"latitude" is not a key of Batch'],
    hint: 'It belongs in "location" of "context".',
    profiles: canonical,
  },
  {
    of: "a key that belongs one object further in",
    payload: batch({ data_plan: { plan_id: "shop" } }),
    code: "unknown-key",
    path: "/data_plan",
    says: ['"data_plan" is not a key of Batch'],
    hint: 'It belongs in "context".',
    profiles: canonical,
  },
  {
    of: "a key of an event's data on the batch",
    payload: batch({ currency_code: "EUR" }),
    code: "unknown-key",
    path: "/currency_code",
    says: ['"currency_code" is not a key of Batch'],
    hint: "It belongs in the data of an event.",
    profiles: canonical,
  },
  {
    of: "a key of an event's data beside it",
    payload: batch({
      events: [
        {
          event_type: "custom_event",
          data: { event_name: "watched", custom_event_type: "media" },
          currency_code: "EUR",
        },
      ],
    }),
    code: "unknown-key",
    path: "/events/0/currency_code",
    says: ['"currency_code" is not a key of Event'],
    hint: 'It belongs in "data".',
    profiles: canonical,
  },
  {
    of: "a key that belongs on the batch",
    payload: custom({ user_identities: { customer_id: "42" } }),
    code: "unknown-key",
    path: "/events/0/data/user_identities",
    says: ['"user_identities" is not a key of CustomEventData'],
    hint: "It belongs on the batch.",
    profiles: canonical,
  },
  {
    of: "a key unlike any in an object that has few",
    payload: batch({ attribution_info: { service_provider: "a", publisher: "b", campaign: "c", zzz: 1 } }),
    code: "unknown-key",
    path: "/attribution_info/zzz",
    says: ['"zzz" is not a key of AttributionInfo'],
    hint: "Its keys are service_provider, publisher, campaign.",
    profiles: canonical,
  },
  {
    of: "a key that has to be escaped in a pointer",
    payload: batch({ "a/b~c": {} }),
    code: "unknown-key",
    path: "/a~1b~0c",
    says: ['"a/b~c" is not a key of Batch'],
    profiles: canonical,
  },
  // ---------------------------------------------------------------- wire-only-key
  {
    of: "the service's own id of a batch",
    payload: batch({ batch_id: 5 }),
    code: "wire-only-key",
    path: "/batch_id",
    says: ['"batch_id" is not for senders'],
    hint: 'Remove it, or check replayed data with profile "wire".',
    profiles: canonical,
  },
  {
    of: "the old spelling of the customer id",
    payload: batch({ user_identities: { customerid: "42" } }),
    code: "wire-only-key",
    path: "/user_identities/customerid",
    says: ['"customerid" is not for senders'],
    hint: 'Write "customer_id".',
    profiles: canonical,
  },
  // ---------------------------------------------------------------- event-not-wrapped
  {
    of: "the data of an event in its place",
    payload: batch({ events: [REQUIRED_DATA.custom_event] }),
    code: "event-not-wrapped",
    path: "/events/0",
    says: ["event_name, custom_event_type belong into", '"data"'],
    hint: 'Write { event_type: "custom_event", data: { … } }, or make the event with its factory.',
  },
  {
    of: "the data of an event beside its type",
    payload: batch({ events: [{ event_type: "push_message", ...REQUIRED_DATA.push_message }] }),
    code: "event-not-wrapped",
    path: "/events/0",
    says: ["push_message_type belongs into", '"data"'],
    hint: 'Write { event_type: "push_message", data: { … } }, or make the event with its factory.',
  },
  {
    of: "the data of a breadcrumb in its place",
    payload: eventBatch("crash_report", { breadcrumbs: [{ label: "here" }] }),
    code: "event-not-wrapped",
    path: "/events/0/data/breadcrumbs/0",
    says: ["label belongs into", '"data"'],
    hint: 'Write { event_type: "breadcrumb", data: { … } }, or make the event with its factory.',
    profiles: canonical,
  },
  // ---------------------------------------------------------------- unknown-event-type
  {
    of: "half an event type",
    payload: batch({ events: [{ event_type: "custom", data: {} }] }),
    code: "unknown-event-type",
    path: "/events/0/event_type",
    says: ["expected an event type", '"custom"'],
    hint: 'Did you mean "custom_event"?',
  },
  {
    of: "an event type unlike any",
    payload: batch({ events: [{ event_type: "zzz", data: {} }] }),
    code: "unknown-event-type",
    path: "/events/0/event_type",
    says: ["expected an event type", '"zzz"'],
    hint: EVENT_TYPE_LIST,
  },
  {
    of: "an event type by number",
    payload: batch({ events: [{ event_type: 4, data: {} }] }),
    code: "unknown-event-type",
    path: "/events/0/event_type",
    says: ["expected an event type", "the number 4"],
    hint: EVENT_TYPE_LIST,
  },
  // ---------------------------------------------------------------- value-not-allowed
  {
    of: "a custom event type that is an action",
    payload: custom({ custom_event_type: "purchase" }),
    code: "value-not-allowed",
    path: "/events/0/data/custom_event_type",
    says: ['expected one of "navigation"', 'got "purchase"'],
  },
  {
    of: "an abbreviated environment",
    payload: batch({ environment: "prod" }),
    code: "value-not-allowed",
    path: "/environment",
    says: ['"development", "production"', 'got "prod"'],
    hint: 'Did you mean "production"?',
  },
  {
    of: "another word for test data",
    payload: batch({ environment: "staging" }),
    code: "value-not-allowed",
    path: "/environment",
    says: ['"development", "production"', 'got "staging"'],
    hint: 'Did you mean "development"?',
  },
  {
    of: "the wish list in the spelling of its neighbour",
    payload: eventBatch("commerce_event", { product_action: { action: "remove_from_wishlist" } }),
    code: "value-not-allowed",
    path: "/events/0/data/product_action/action",
    says: ["expected one of", 'got "remove_from_wishlist"'],
    hint: 'Write "remove_from_wish_list": the API spells this one action with one more underscore.',
  },
  {
    of: "an event that is no breadcrumb among breadcrumbs",
    payload: eventBatch("crash_report", { breadcrumbs: [{ event_type: "custom_event", data: { label: "here" } }] }),
    code: "value-not-allowed",
    path: "/events/0/data/breadcrumbs/0/event_type",
    says: ['expected "breadcrumb"', 'got "custom_event"'],
  },
  // ---------------------------------------------------------------- sizes
  {
    of: "an event name that is empty",
    payload: custom({ event_name: "" }),
    code: "empty-value",
    path: "/events/0/data/event_name",
    says: ["expected some text", "empty"],
    profiles: canonical,
  },
  {
    of: "a user attribute of 4,097 characters",
    payload: batch({ user_attributes: { text: "🚀".repeat(4097) } }),
    code: "value-too-long",
    path: "/user_attributes/text",
    says: ["4097 characters", "at most 4096"],
    hint: "The service may refuse the batch: shorten the text before sending.",
    profiles: canonical,
  },
  {
    of: "a user attribute name of 257 characters",
    payload: batch({ user_attributes: { [LONG_NAME]: "x" } }),
    code: "attribute-name-too-long",
    path: `/user_attributes/${LONG_NAME}`,
    says: ["257 characters", "at most 256"],
    profiles: canonical,
  },
  {
    of: "a user attribute name of 257 characters in twice as many units",
    payload: batch({ user_attributes: { ["🚀".repeat(257)]: "x" } }),
    code: "attribute-name-too-long",
    path: `/user_attributes/${"🚀".repeat(257)}`,
    says: ["257 characters", "at most 256"],
    profiles: canonical,
  },
  {
    of: "101 user attributes",
    payload: batch({ user_attributes: many(101) }),
    code: "too-many-attributes",
    path: "/user_attributes",
    says: ["101 attributes", "at most 100"],
    hint: "The service may refuse the batch: send fewer attributes.",
    profiles: canonical,
  },
  {
    of: "101 event attributes",
    payload: custom({ custom_attributes: many(101) }),
    code: "too-many-attributes",
    path: "/events/0/data/custom_attributes",
    says: ["101 attributes", "at most 100"],
    hint: "The service may refuse the batch: send fewer attributes.",
    profiles: canonical,
  },
  {
    of: "a user attribute of 1,001 entries",
    payload: batch({ user_attributes: { tags: Array<string>(1001).fill("x") } }),
    code: "list-too-long",
    path: "/user_attributes/tags",
    says: ["1001 entries", "at most 1000"],
    hint: "The service may refuse the batch: send fewer entries.",
    profiles: canonical,
  },
  {
    of: "a number above its range",
    payload: eventBatch("push_message", { push_message_behavior: 32 }),
    code: "out-of-range",
    path: "/events/0/data/push_message_behavior",
    says: ["expected at most 31", "the number 32"],
  },
  {
    of: "a number below its range",
    payload: eventBatch("push_message", { push_message_behavior: -1 }),
    code: "out-of-range",
    path: "/events/0/data/push_message_behavior",
    says: ["expected at least 0", "the number -1"],
  },
  // ---------------------------------------------------------------- formats and ids
  {
    of: "a longitude in words",
    payload: batch({ context: { location: { latitude: 51.92, longitude: "east" } } }),
    code: "bad-format",
    path: "/context/location/longitude",
    says: ["expected text of the form", 'got "east"'],
    profiles: wire,
  },
  {
    of: "a device id that is no UUID",
    payload: batch({ mp_deviceid: "device-1" }),
    code: "malformed-uuid",
    path: "/mp_deviceid",
    says: ["expected a UUID", 'got "device-1"'],
    hint: "A UUID has 8-4-4-4-12 hexadecimal digits.",
    profiles: canonical,
  },
  {
    of: "a device id that is empty",
    payload: batch({ mp_deviceid: "" }),
    code: "malformed-uuid",
    path: "/mp_deviceid",
    says: ["expected a UUID", 'got ""'],
    hint: "Leave it out when there is none.",
    profiles: canonical,
  },
  {
    of: "a profile id with a fraction",
    payload: batch({ mpid: 1.5 }),
    code: "not-an-integer",
    path: "/mpid",
    says: ["expected a 64-bit integer", "1.5"],
    hint: EXACT_HINT,
  },
  {
    of: "a profile id with a letter in it",
    payload: batch({ mpid: "12a" }),
    code: "not-an-integer",
    path: "/mpid",
    says: ["expected a 64-bit integer", '"12a"'],
    hint: EXACT_HINT,
  },
  {
    of: "a profile id that a double has rounded",
    payload: batch({ mpid: 2 ** 62 }),
    code: "unsafe-integer",
    path: "/mpid",
    says: [String(2 ** 62), "beyond 2^53", "rounded"],
    hint: EXACT_HINT,
  },
  {
    of: "a profile id beyond 64 bits",
    payload: batch({ mpid: 2n ** 63n }),
    code: "integer-out-of-range",
    path: "/mpid",
    says: ["expected int64", "9223372036854775808"],
  },
  {
    of: "a number beyond 32 bits",
    payload: batch({ device_info: { screen_height: 2 ** 31 } }),
    code: "integer-out-of-range",
    path: "/device_info/screen_height",
    says: ["32 bits", "2147483648"],
    profiles: canonical,
  },
  {
    of: "a negative zero for an unsigned id",
    payload: eventBatch("crash_report", { ios_image_size: "-0" }),
    code: "integer-out-of-range",
    path: "/events/0/data/ios_image_size",
    says: ["expected uint64", '"-0"'],
  },
  // ---------------------------------------------------------------- lost-in-json
  {
    of: "a key of a batch that its prototype has",
    payload: Object.assign(Object.create({ environment: "production" }), { events: [] }),
    code: "lost-in-json",
    path: "/environment",
    says: ["inherited", "JSON leaves it out"],
    hint: "Pass a plain object that has it itself.",
    profiles: canonical,
  },
  {
    of: "a key of a batch that is not enumerable",
    payload: Object.defineProperty({}, "environment", { value: "production" }),
    code: "lost-in-json",
    path: "/environment",
    says: ["not enumerable", "JSON leaves it out"],
    hint: "Pass a plain object that has it itself.",
    profiles: canonical,
  },
  {
    of: "a key of an event that its class computes",
    payload: batch({ events: [new FirstRun()] }),
    code: "lost-in-json",
    path: "/events/0/event_type",
    says: ["inherited", "JSON leaves it out"],
    hint: "Pass a plain object that has it itself.",
  },
  {
    of: "the data of an event on its prototype",
    payload: batch({ events: [Object.assign(Object.create({ data: {} }), { event_type: "first_run" })] }),
    code: "lost-in-json",
    path: "/events/0/data",
    says: ["inherited", "JSON leaves it out"],
    hint: "Pass a plain object that has it itself.",
  },
  // ---------------------------------------------------------------- a breadcrumb, which may be one thing or another on the wire
  {
    of: "a breadcrumb without its data, whatever is in its place",
    payload: eventBatch("crash_report", { breadcrumbs: [{ event_type: "breadcrumb" }] }),
    code: "missing-key",
    path: "/events/0/data/breadcrumbs/0/data",
    says: ['"data" is required in Event'],
  },
  {
    of: "the data of a breadcrumb with text for a time",
    payload: eventBatch("crash_report", { breadcrumbs: [{ label: "here", timestamp_unixtime_ms: "now" }] }),
    code: "wrong-type",
    path: "/events/0/data/breadcrumbs/0/timestamp_unixtime_ms",
    says: ["expected an integer", '"now"'],
    hint: "Pass milliseconds since the Unix epoch, such as Date.now().",
    profiles: wire,
  },
  {
    of: "a breadcrumb that is a number",
    payload: eventBatch("crash_report", { breadcrumbs: [5] }),
    code: "wrong-type",
    path: "/events/0/data/breadcrumbs/0",
    says: ["expected a string or an object", "the number 5"],
    hint: 'Pass it as a string: "5".',
    profiles: wire,
  },
];

/** What only another contract, or another language than JSON, brings about; tested by itself below. */
const WITHOUT_A_ROW: readonly SchemaCode[] = ["invalid-value", "unreadable"];

function errorsOf(payload: unknown, profile: Profile): Finding[] {
  return checkBatch(payload, { profile, lints: false });
}

describe("a mistake against the contract", () => {
  const cases = ROWS.flatMap((row) => (row.profiles ?? both).map((profile) => ({ ...row, profile })));

  it.each(cases)("is one error in the $profile profile: $of", ({ payload, profile, code, path, says, hint }) => {
    const findings = errorsOf(payload, profile);
    expect(findings.map((finding) => [finding.severity, finding.code, finding.path])).toEqual([["error", code, path]]);
    for (const part of says) expect(findings[0]?.message).toContain(part);
    expect(findings[0]?.message).toMatch(/\.$/);
    expect(findings[0]?.hint).toBe(hint);
  });

  it.each(cases)("is not told again by a lint in the $profile profile: $of", ({ payload, profile, path }) => {
    const lints = { "no-identity": false, "empty-batch": false };
    const at = checkBatch(payload, { profile, lints, now: EPOCH_MS }).map((finding) => finding.path);
    expect(at).toEqual([path]);
  });

  it("has a row for every code", () => {
    const shown = new Set<string>([...ROWS.map(({ code }) => code), ...WITHOUT_A_ROW]);
    expect(Object.keys(SCHEMA_CODES).filter((code) => !shown.has(code))).toEqual([]);
  });

  it("is described even when its keyword is one that nobody has met", () => {
    const report = new Report(100, undefined);
    const error = { instancePath: "/events", keyword: "uniqueItems", params: {}, message: "must be unique" };
    reportSchemaErrors(batch({ events: [] }), [error], "canonical", report);
    expect(report.findings()).toEqual([
      { severity: "error", code: "invalid-value", path: "/events", message: "must be unique." },
    ]);
  });

  it("is described without repeating the payload, however long it is", () => {
    const [finding] = errorsOf(batch({ environment: "x".repeat(10_000) }), "canonical");
    expect(finding?.message.length).toBeLessThan(200);
  });
});

describe("a getter or a proxy that throws", () => {
  const failing = {
    environment: "production",
    get events(): unknown {
      throw new Error("the lazy list is closed");
    },
  };

  it.each(both)("is one error in the %s profile, with what it said", (profile) => {
    expect(checkBatch(failing, { profile })).toEqual([
      {
        severity: "error",
        code: "unreadable",
        path: "",
        message: "reading the batch failed: the lazy list is closed.",
        hint: "Pass plain data.",
      },
    ]);
  });

  it("leaves standing what was found before", () => {
    let reads = 0;
    const later = {
      environment: "prod",
      get ip(): string {
        reads++;
        if (reads > 1) throw new TypeError("once only");
        return "203.0.113.24";
      },
    };
    expect(checkBatch(later).map(({ code }) => code)).toEqual(["value-not-allowed", "unreadable"]);
  });

  it("is an error too when what it throws cannot be read either", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = new Proxy(
      {},
      {
        get() {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- anything can be thrown
          throw proxy;
        },
      },
    );
    for (const payload of [hostile, batch({ events: [hostile] })]) {
      expect(checkBatch(payload)[0]).toMatchObject({ code: "unreadable", message: "reading the batch failed." });
    }
    for (const payload of [proxy, batch({ events: proxy })])
      expect(checkBatch(payload)[0]?.message).toMatch(/^reading the batch failed: .*proxy/);
  });
});

describe.each(EVENT_TYPES)("an event of type %s", (type) => {
  const data = REQUIRED_DATA[type];

  it.each(both)("is reported on by its own keys and those of no other type, in the %s profile", (profile) => {
    const wrong = batch({ events: [{ event_type: type, data: { ...data, location: "Rotterdam" } }] });
    expect(errorsOf(wrong, profile)).toEqual([
      {
        severity: "error",
        code: "not-an-object",
        path: "/events/0/data/location",
        message: 'expected an object, got "Rotterdam".',
      },
    ]);
  });

  it("has an unknown key named once, as one that its own data does not have", () => {
    const wrong = batch({ events: [{ event_type: type, data: { ...data, timestamp_unixtime: EPOCH_MS } }] });
    const finding = {
      code: "unknown-key",
      path: "/events/0/data/timestamp_unixtime",
      message: `"timestamp_unixtime" is not a key of ${dataName(type)}.`,
      hint: 'Did you mean "timestamp_unixtime_ms"?',
    };
    const options = { now: EPOCH_MS, lints: { "no-identity": false, "commerce-without-payload": false } };
    const found = (profile: Profile) =>
      checkBatch(wrong, { ...options, profile }).filter(({ code }) => code !== "identity-change-empty");
    expect(found("canonical")).toEqual([{ severity: "error", ...finding }]);
    expect(found("wire")).toEqual([{ severity: "warning", ...finding }]);
  });

  it("is told to be wrapped, whichever type its keys give away", () => {
    for (const profile of both) {
      const bare = batch({ events: [{ timestamp_unixtime_ms: EPOCH_MS, ...data }] });
      expect(errorsOf(bare, profile).map(({ code, path }) => [code, path])).toEqual([
        ["event-not-wrapped", "/events/0"],
      ]);
    }
  });
});

describe("several mistakes", () => {
  it("are told in the order of the batch, each once", () => {
    const wrong = {
      environment: "prod",
      events: [
        { event_type: "custom_event", data: { event_name: "a", custom_event_type: "purchase", custom_attributes: [] } },
        { event_type: "custom_evnt", data: {} },
        { event_name: "a" },
      ],
      user_identities: { email: { address: "ada@example.com" }, mail: "x" },
    };
    for (const profile of both) {
      expect(errorsOf(wrong, profile).map(({ path }) => path)).toEqual([
        "/environment",
        "/events/0/data/custom_event_type",
        "/events/0/data/custom_attributes",
        "/events/1/event_type",
        "/events/2",
        "/user_identities/email",
        "/user_identities/mail",
      ]);
    }
  });

  it("are told of the breadcrumb that was meant, by the keys it has", () => {
    const wrong: readonly (readonly [unknown, readonly string[]])[] = [
      [
        { event_type: "breadcrumb", data: { timestamp_unixtime_ms: "x", label: 5 } },
        ["/data/timestamp_unixtime_ms", "/data/label"],
      ],
      [
        { event_type: "breadcrumbs", data: { label: "x", session_number: "a" } },
        ["/event_type", "/data/session_number"],
      ],
      [{ data: { label: 5 } }, ["/data/label", "/event_type"]],
    ];
    for (const profile of both) {
      for (const [breadcrumb, places] of wrong) {
        const found = errorsOf(eventBatch("crash_report", { breadcrumbs: [breadcrumb] }), profile);
        expect(found.map(({ path }) => path)).toEqual(places.map((place) => `/events/0/data/breadcrumbs/0${place}`));
      }
    }
    const bare = { label: "x", timestamp_unixtime_ms: "x", session_number: "y" };
    expect(errorsOf(eventBatch("crash_report", { breadcrumbs: [bare] }), "wire").map(({ path }) => path)).toEqual([
      "/events/0/data/breadcrumbs/0/timestamp_unixtime_ms",
      "/events/0/data/breadcrumbs/0/session_number",
    ]);
  });

  it("are two when a key is required twice over and one misspelling cannot stand for both", () => {
    const wrong = batch({ events: [{ event_type: "custom_event", data: { eventName: "a" } }] });
    expect(errorsOf(wrong, "canonical").map(({ code, path }) => [code, path])).toEqual([
      ["unknown-key", "/events/0/data/eventName"],
      ["missing-key", "/events/0/data/custom_event_type"],
    ]);
  });
});
