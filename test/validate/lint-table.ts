import type { EventType } from "../../src/model/types.ts";
import type { LintCode, Profile } from "../../src/validate/validate.ts";
import { REQUIRED_DATA, type Members } from "../spec/payload-tables.ts";

/** What one lint looks for: members that have it, and members that come as near to it as they may. */
export interface LintRow {
  readonly code: LintCode;
  readonly of: string;
  /** Put over a batch that has nothing wrong. */
  readonly wrong: Members;
  readonly path: string;
  /** Parts of message and hint. */
  readonly says: readonly string[];
  /** Each put over the same batch: nothing is found. */
  readonly right: readonly Members[];
  /** Both, unless one of them refuses such a batch or has nothing against it. */
  readonly profiles?: readonly Profile[];
  readonly severity?: "error";
  readonly endpoint?: "historical";
  /** What the same members are bound to bring up, too. */
  readonly besides?: LintCode;
}

export const both: readonly Profile[] = ["canonical", "wire"];
const wire: readonly Profile[] = ["wire"];

export const NOW = 1_795_000_000_000;
const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const UUID = "0e0c7b9a-64a3-4c0d-9f43-0b36f7f3e6a5";
const OTHER_UUID = "6f3a0a2e-5f7b-4b0a-9a0e-0a3b0c4d5e6f";
const ZERO_UUID = "00000000-0000-0000-0000-000000000000";
export const LONG = "🚀".repeat(257);
const NEARLY_LONG = "🚀".repeat(256);

/** What an event of some types lacks beside what the contract asks for, lest a lint ask for it. */
const SOUND_DATA: Partial<Record<EventType, Members>> = {
  screen_view: { screen_name: "Home" },
  session_start: { session_uuid: UUID },
  session_end: { session_uuid: UUID, session_duration_ms: 61_000 },
};

/** Nothing is wrong with it in either profile, on either path. */
export const GOOD: Members = {
  environment: "development",
  user_identities: { customer_id: "42" },
  events: [event("custom_event", { timestamp_unixtime_ms: NOW - 4 * DAY_MS })],
};

/** Members that are there in {@link GOOD} and are to be absent. */
export function without(...keys: readonly string[]): Members {
  return Object.fromEntries(keys.map((key) => [key, undefined]));
}

function event(type: EventType, data: Members): Members {
  const defaults = { timestamp_unixtime_ms: NOW - 4 * DAY_MS, ...REQUIRED_DATA[type], ...SOUND_DATA[type] };
  return { event_type: type, data: { ...defaults, ...data } };
}

export function events(type: EventType, data: Members): Members {
  return { events: [event(type, data)] };
}

export function custom(data: Members): Members {
  return events("custom_event", data);
}

export function many(count: number): Members {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`name_${String(index)}`, "x"]));
}

function consent(purpose: Members): Members {
  return { consent_state: { gdpr: { marketing: { consented: true, timestamp_unixtime_ms: NOW, ...purpose } } } };
}

function located(location: Members): Members {
  return { context: { location } };
}

const INSTALL = { event_name: "attribution", custom_event_type: "attribution" };
export const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;
const shared = { a: 1 };

class Money {
  readonly currency = "EUR";
  toJSON(): string {
    return "1.00";
  }
}

/** A class that has what JSON wants of it, and more. */
class Tier {
  readonly tier = "gold";
  get since(): string {
    return new Date(NOW).toISOString();
  }
  describe(): string {
    return `${this.tier} since ${this.since}`;
  }
}

/** Has a member that no loop meets. */
function hiding(members: Members, name: string, value: unknown): Members {
  return Object.defineProperty({ ...members }, name, { value, enumerable: false });
}

/** Members that JSON leaves out, and some that only look as if it did. */
const MEMBERS_LOST: readonly Omit<LintRow, "code" | "severity">[] = [
  {
    of: "an attribute from a prototype",
    wrong: { user_attributes: Object.create({ tier: "gold" }) as unknown },
    path: "/user_attributes/tier",
    says: ["inherited", "JSON leaves it out", "plain object"],
    right: [{ user_attributes: Object.assign(Object.create({ toString: () => "gold" }), { tier: "gold" }) as unknown }],
  },
  {
    of: "an attribute that a class computes",
    wrong: { user_attributes: new Tier() },
    path: "/user_attributes/since",
    says: ["inherited"],
    right: [{ user_attributes: { tier: "gold", since: "2026" } }],
  },
  {
    of: "an attribute that is not enumerable",
    wrong: custom({ custom_attributes: hiding({ a: "x" }, "b", "y") }),
    path: "/events/0/data/custom_attributes/b",
    says: ["not enumerable"],
    right: [custom({ custom_attributes: hiding({ a: "x" }, "describe", () => "y") })],
  },
  {
    of: "a flag from a prototype",
    wrong: custom({ custom_flags: Object.create({ "Google.Category": "video" }) as unknown }),
    path: "/events/0/data/custom_flags/Google.Category",
    says: ["inherited"],
    right: [custom({ custom_flags: Object.create(null) as unknown })],
  },
  {
    of: "an identity from a prototype",
    wrong: { partner_identities: Object.create({ a_b: "x" }) as unknown },
    path: "/partner_identities/a_b",
    says: ["inherited"],
    right: [{ partner_identities: { a_b: "x" } }],
  },
  {
    of: "a value for an integration from a prototype",
    wrong: { integration_attributes: { "92": Object.create({ key: "value" }) as unknown } },
    path: "/integration_attributes/92/key",
    says: ["inherited"],
    right: [{ integration_attributes: { "92": { key: "value" } } }],
  },
  {
    of: "a key of an event that is not enumerable",
    wrong: { events: [{ event_type: "first_run", data: hiding({}, "session_uuid", UUID) }] },
    path: "/events/0/data/session_uuid",
    says: ["not enumerable"],
    right: [{ events: [{ event_type: "first_run", data: hiding({}, "note", "of nobody's") }] }],
  },
];

/** Flags that JSON takes away from, and some that are the like of them. */
const FLAGS_LOST: readonly { readonly of: string; readonly flag: unknown; readonly right: readonly unknown[] }[] = [
  { of: "a number that JSON has not", flag: Number.NaN, right: [1, 1e15] },
  { of: "a member from a prototype within a flag", flag: [Object.create({ a: 1 })], right: [[Object.create(null)]] },
  { of: "a function within a flag", flag: [{ a: () => 1 }], right: [[{ a: "() => 1" }]] },
  { of: "a symbol for a flag", flag: Symbol("a"), right: ["a"] },
  { of: "a Set within a flag", flag: { tags: new Set(["a"]) }, right: [{ tags: ["a"] }, 5n] },
];

const TIMESTAMP = "/events/0/data/timestamp_unixtime_ms";
export const EMAIL = { identity_type: "email", identity: "ada@example.com", timestamp_unixtime_ms: NOW };

/** One row or more for each lint. */
export const LINT_ROWS: readonly LintRow[] = [
  // ---------------------------------------------------------------- the batch
  {
    code: "environment-missing",
    of: "a batch without an environment",
    wrong: without("environment"),
    path: "/environment",
    says: ["production", 'Set "development"'],
    right: [{ environment: "production" }],
    profiles: wire,
  },
  {
    code: "environment-missing",
    of: "an environment that is null",
    wrong: { environment: null },
    path: "/environment",
    says: ["production", 'Set "development"'],
    right: [{ environment: "development" }],
    profiles: wire,
  },
  {
    code: "environment-unknown",
    of: "an environment that is unknown",
    wrong: { environment: "unknown" },
    path: "/environment",
    says: ['"unknown"', 'Set "development"'],
    right: [{ environment: "development" }],
    profiles: wire,
    severity: "error",
  },
  {
    code: "no-identity",
    of: "a batch of nobody",
    wrong: without("user_identities"),
    path: "/user_identities",
    says: ["nobody", "customer_id"],
    right: [
      { user_identities: null, mpid: 5n },
      { user_identities: {}, mp_deviceid: UUID },
      { user_identities: undefined, partner_identities: { mParticle_mpid: "42" } },
      { user_identities: undefined, device_info: { ios_idfv: UUID } },
      { user_identities: { email: "ada@example.com" } },
    ],
  },
  {
    code: "no-identity",
    of: "identities that are all null",
    wrong: { user_identities: { customer_id: null, email: null } },
    path: "/user_identities",
    says: ["nobody"],
    right: [{ user_identities: { customer_id: null, email: "ada@example.com" } }],
  },
  {
    code: "empty-batch",
    of: "no events and nothing else",
    wrong: { events: [] },
    path: "/events",
    says: ["no events"],
    right: [
      { events: [], user_attributes: { tier: "gold" } },
      { events: [], deleted_user_attributes: ["tier"] },
      { ...consent({}), events: null },
    ],
  },
  {
    code: "batch-id-present",
    of: "a batch that was received before",
    wrong: { batch_id: "-3676785262209506563" },
    path: "/batch_id",
    says: ["duplicate", "Remove it"],
    right: [{ batch_id: null }],
    profiles: wire,
  },
  {
    code: "service-filled-key",
    of: "the time at which the service received a batch",
    wrong: { timestamp_unixtime_ms: NOW },
    path: "/timestamp_unixtime_ms",
    says: ["ignores", "Remove it"],
    right: [{ timestamp_unixtime_ms: null }],
    profiles: wire,
  },
  {
    code: "service-filled-key",
    of: "why a batch was quarantined",
    wrong: { context: { data_plan: { plan_id: "shop", block_metadata: { a: [] } } } },
    path: "/context/data_plan/block_metadata",
    says: ["ignores", "Remove it"],
    right: [{ context: { data_plan: { plan_id: "shop", block_metadata: null } } }],
    profiles: wire,
  },
  {
    code: "unknown-key",
    of: "a misspelt key on the batch",
    wrong: { user_atributes: {} },
    path: "/user_atributes",
    says: ["is not a key of Batch", 'Did you mean "user_attributes"?'],
    right: [{ user_attributes: {} }, { user_atributes: undefined }],
    profiles: wire,
  },
  {
    code: "unknown-key",
    of: "a key beside the data of an event",
    wrong: { events: [{ ...event("first_run", {}), message_id: "x" }] },
    path: "/events/0/message_id",
    says: ["is not a key of Event", "event_type, data"],
    right: [events("first_run", {})],
    profiles: wire,
  },
  {
    code: "malformed-ip",
    of: "an address with its port",
    wrong: { ip: "203.0.113.24:8080" },
    path: "/ip",
    says: ["expected an IPv4 or IPv6 address", '"203.0.113.24:8080"', "without a port"],
    right: ["203.0.113.24", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::ffff:203.0.113.24"].map((ip) => ({
      ip,
    })),
  },
  ...["", "1.2.3", "1.2.3.4.", "256.1.1.1", "1.2.3.4, 5.6.7.8", ":::", "2001:db8", "1::2::3", "::1.2.3", "g::"].map(
    (ip): LintRow => ({
      code: "malformed-ip",
      of: `"${ip}" for an address`,
      wrong: { ip },
      path: "/ip",
      says: [JSON.stringify(ip)],
      right: [{ ip: null }],
    }),
  ),
  // ---------------------------------------------------------------- times
  {
    code: "seconds-not-milliseconds",
    of: "an event's time in seconds",
    wrong: custom({ timestamp_unixtime_ms: NOW / 1000 }),
    path: TIMESTAMP,
    says: ["1970-01-21", "Seconds would be 2026-11-18", "multiply by 1000"],
    right: [custom({ timestamp_unixtime_ms: NOW })],
  },
  {
    code: "seconds-not-milliseconds",
    of: "a consent's time in seconds",
    wrong: consent({ timestamp_unixtime_ms: 99_999_999_999 }),
    path: "/consent_state/gdpr/marketing/timestamp_unixtime_ms",
    says: ["1973-03-03", "multiply by 1000"],
    right: [consent({ timestamp_unixtime_ms: 100_000_000_000 })],
  },
  {
    code: "seconds-not-milliseconds",
    of: "a consent at the beginning of time",
    wrong: consent({ timestamp_unixtime_ms: 0 }),
    path: "/consent_state/gdpr/marketing/timestamp_unixtime_ms",
    says: ["0 is 1970-01-01", "leave it out"],
    right: [custom({ session_start_unixtime_ms: 0 })],
  },
  {
    code: "seconds-not-milliseconds",
    of: "a product that was put into the cart before that",
    wrong: events("commerce_event", {
      product_action: { action: "add_to_cart", products: [{ id: "1", added_to_cart_time_ms: -5 }] },
    }),
    path: "/events/0/data/product_action/products/0/added_to_cart_time_ms",
    says: ["-5 is 1969-12-31", "leave it out"],
    right: [custom({ session_start_unixtime_ms: NOW })],
  },
  {
    code: "seconds-not-milliseconds",
    of: "a session that began just before none",
    wrong: custom({ session_start_unixtime_ms: -1 }),
    path: "/events/0/data/session_start_unixtime_ms",
    says: ["-1 is 1969-12-31"],
    right: [custom({ session_start_unixtime_ms: null })],
  },
  {
    code: "timestamp-in-future",
    of: "an event more than a day ahead",
    wrong: custom({ timestamp_unixtime_ms: NOW + DAY_MS + 1 }),
    path: TIMESTAMP,
    says: ["more than a day ahead"],
    right: [custom({ timestamp_unixtime_ms: NOW + DAY_MS })],
  },
  {
    code: "timestamp-in-future",
    of: "a time in microseconds",
    wrong: events("commerce_event", {
      product_action: { action: "add_to_cart", products: [{ id: "1", added_to_cart_time_ms: NOW * 1000 }] },
    }),
    path: "/events/0/data/product_action/products/0/added_to_cart_time_ms",
    says: ["ahead of now", "not micro- or nanoseconds"],
    right: [
      events("commerce_event", {
        product_action: { action: "add_to_cart", products: [{ id: "1", added_to_cart_time_ms: NOW }] },
      }),
    ],
  },
  {
    code: "older-than-30-days",
    of: "an old event on the live path",
    wrong: custom({ timestamp_unixtime_ms: NOW - 30 * DAY_MS - 1 }),
    path: TIMESTAMP,
    says: ["30 days ago", "uploadHistorical"],
    right: [custom({ timestamp_unixtime_ms: NOW - 30 * DAY_MS }), custom({ timestamp_unixtime_ms: null })],
  },
  {
    code: "historical-without-events",
    of: "a historical batch that only updates a profile",
    wrong: { events: [], user_attributes: { tier: "gold" } },
    path: "/events",
    says: ["at least one event", "drops it"],
    right: [{ user_attributes: { tier: "gold" } }],
    severity: "error",
    endpoint: "historical",
  },
  {
    code: "historical-timestamp-missing",
    of: "a historical event without a time",
    wrong: custom({ timestamp_unixtime_ms: undefined }),
    path: TIMESTAMP,
    says: ["needs its own time", "drops the batch"],
    right: [custom({ timestamp_unixtime_ms: NOW - 400 * DAY_MS })],
    severity: "error",
    endpoint: "historical",
  },
  {
    code: "historical-timestamp-missing",
    of: "a historical event without data",
    wrong: { events: [{ event_type: "first_run", data: null }] },
    path: "/events/0/data",
    says: ["needs its own time"],
    right: [events("first_run", {})],
    profiles: wire,
    severity: "error",
    endpoint: "historical",
  },
  {
    code: "historical-too-recent",
    of: "a historical event of less than 72 hours ago",
    wrong: custom({ timestamp_unixtime_ms: NOW - 72 * HOUR_MS + 1 }),
    path: TIMESTAMP,
    says: ["less than 72 hours ago", "Send it with upload"],
    right: [custom({ timestamp_unixtime_ms: NOW - 72 * HOUR_MS })],
    severity: "error",
    endpoint: "historical",
  },
  {
    code: "historical-too-recent",
    of: "a historical event of the day after tomorrow, which is in the future besides",
    wrong: custom({ timestamp_unixtime_ms: NOW + 2 * DAY_MS }),
    path: TIMESTAMP,
    says: ["less than 72 hours ago"],
    right: [custom({ timestamp_unixtime_ms: NOW - 5 * DAY_MS })],
    severity: "error",
    endpoint: "historical",
  },
  {
    code: "epoch-in-duration",
    of: "the end of a session for its length",
    wrong: events("session_end", { session_duration_ms: NOW }),
    path: "/events/0/data/session_duration_ms",
    says: ["57 years", "how long it took"],
    right: [events("session_end", { session_duration_ms: 99_999_999_999 })],
  },
  {
    code: "epoch-in-duration",
    of: "the time of a request for its length",
    wrong: events("network_performance", { time_elapsed: NOW }),
    path: "/events/0/data/time_elapsed",
    says: ["years"],
    right: [events("network_performance", { time_elapsed: 1200 })],
  },
  {
    code: "offset-not-in-hours",
    of: "a time zone in minutes",
    wrong: { device_info: { timezone_offset: 120 } },
    path: "/device_info/timezone_offset",
    says: ["120 hours", "whole hours"],
    right: [{ device_info: { timezone_offset: 14 } }, { device_info: { timezone_offset: -12 } }],
  },
  // ---------------------------------------------------------------- sessions
  {
    code: "session-missing",
    of: "the start of no session",
    wrong: events("session_start", { session_uuid: null }),
    path: "/events/0/data/session_uuid",
    says: ["belongs to no session", "docs/guides/sessions.md"],
    right: [events("session_start", {}), custom({ session_uuid: null })],
  },
  {
    code: "session-missing",
    of: "the end of no session",
    wrong: events("session_end", { session_uuid: undefined }),
    path: "/events/0/data/session_uuid",
    says: ["belongs to no session"],
    right: [events("session_end", { session_uuid: UUID })],
  },
  {
    code: "session-id-without-uuid",
    of: "a session that is named by its number",
    wrong: events("session_start", { session_uuid: null, session_id: "8423234234234234234" }),
    path: "/events/0/data/session_id",
    says: ["by its number alone", "Set session_uuid"],
    right: [events("session_start", { session_id: 5 }), custom({ session_id: 5 })],
  },
  {
    code: "session-mismatch",
    of: "a start and an end of two sessions",
    wrong: { events: [event("session_start", {}), event("session_end", { session_uuid: OTHER_UUID })] },
    path: "/events/1/data/session_uuid",
    says: ["not that of the session's start, /events/0", "the same one"],
    right: [
      { events: [event("session_start", {}), event("session_end", { session_uuid: UUID.toUpperCase() })] },
      // The end of the session before it, and the start of the next.
      { events: [event("session_end", { session_uuid: OTHER_UUID }), event("session_start", {})] },
      {
        events: [
          event("session_start", { timestamp_unixtime_ms: NOW - 4 * DAY_MS + 2 }),
          event("session_end", { session_uuid: OTHER_UUID, timestamp_unixtime_ms: NOW - 4 * DAY_MS + 1 }),
        ],
      },
      // Two sessions in one batch: which start belongs to which end nobody says.
      {
        events: [
          event("session_start", {}),
          event("session_start", { session_uuid: OTHER_UUID }),
          event("session_end", { session_uuid: OTHER_UUID }),
        ],
      },
      {
        events: [
          event("session_start", {}),
          event("session_end", { session_uuid: OTHER_UUID }),
          event("session_end", {}),
        ],
      },
    ],
  },
  {
    code: "session-mismatch",
    of: "a start and an end with two numbers, the later of them first",
    wrong: {
      events: [
        event("session_end", { session_id: 6, timestamp_unixtime_ms: NOW - 4 * DAY_MS + 2 }),
        event("session_start", { session_id: 5, timestamp_unixtime_ms: NOW - 4 * DAY_MS + 1 }),
      ],
    },
    path: "/events/0/data/session_id",
    says: ["/events/1"],
    right: [
      { events: [event("session_start", { session_id: 5n }), event("session_end", { session_id: "5" })] },
      { events: [event("session_start", { session_id: -5 }), event("session_end", { session_id: "-005" })] },
      { events: [event("session_start", { session_id: 5 }), event("session_end", {})] },
    ],
  },
  {
    code: "session-duration-missing",
    of: "the end of a session of no length",
    wrong: events("session_end", { session_duration_ms: null }),
    path: "/events/0/data/session_duration_ms",
    says: ["is not said", "milliseconds"],
    right: [events("session_end", { session_duration_ms: 0 })],
  },
  {
    code: "seconds-in-duration",
    of: "a session of less than a second",
    wrong: events("session_end", { session_duration_ms: 999 }),
    path: "/events/0/data/session_duration_ms",
    says: ["999 milliseconds", "999000"],
    right: [events("session_end", { session_duration_ms: 1000 })],
  },
  {
    code: "seconds-in-duration",
    of: "a session of an hour by its times, and of 3,600 by its length",
    wrong: events("session_end", { session_duration_ms: 3600, session_start_unixtime_ms: NOW - 4 * DAY_MS - HOUR_MS }),
    path: "/events/0/data/session_duration_ms",
    says: ["3600 milliseconds", "3600000"],
    right: [
      events("session_end", { session_duration_ms: HOUR_MS, session_start_unixtime_ms: NOW - 4 * DAY_MS - HOUR_MS }),
      // Short indeed, by the times as well.
      events("session_end", { session_duration_ms: 400, session_start_unixtime_ms: NOW - 4 * DAY_MS - 400 }),
      // In the background for most of the time.
      events("session_end", { session_duration_ms: 60_000, session_start_unixtime_ms: NOW - 4 * DAY_MS - HOUR_MS }),
      events("session_end", { session_duration_ms: 3600, session_start_unixtime_ms: 0 }),
    ],
  },
  // ---------------------------------------------------------------- identities and ids
  ...[
    ...["", "undefined", "null", " NaN ", "[object Object]", "anonymous", "Anonymous", "0", "true", "false", "guest"],
    ...["unknown", "n/a", "-", ZERO_UUID],
  ].map((customer_id): LintRow => ({
    code: "placeholder-identity",
    of: `the customer ${JSON.stringify(customer_id)}`,
    wrong: { user_identities: { customer_id } },
    path: "/user_identities/customer_id",
    says: [JSON.stringify(customer_id), "Leave the identity out"],
    right: [{ user_identities: { customer_id: `${customer_id}-42` } }],
  })),
  ...["{{user.id}}", "id-{{ customer_id }}", "${userId}", "<%= user.id %>", "%%USER_ID%%", "*|USER_ID|*"].map(
    (customer_id): LintRow => ({
      code: "placeholder-identity",
      of: `the template ${JSON.stringify(customer_id)}`,
      wrong: { user_identities: { customer_id } },
      path: "/user_identities/customer_id",
      says: [JSON.stringify(customer_id), "identifies nobody"],
      right: [
        { user_identities: { customer_id: customer_id.replace(/[{}<>*]|%%/g, "") } },
        { user_identities: { customer_id: "50%%off", email: "{}@example.com" } },
      ],
    }),
  ),
  ...[0, "0", 0n].map((mpid): LintRow => ({
    code: "placeholder-identity",
    of: `the profile ${typeof mpid} 0`,
    wrong: { mpid },
    path: "/mpid",
    says: ["identifies nobody"],
    right: [{ mpid: 1 }, { mpid: "10" }, { mpid: -1n }],
  })),
  {
    code: "placeholder-identity",
    of: "an identity that changed to nothing in words",
    wrong: events("user_identity_change", { new: { ...EMAIL, identity: "null" }, old: null }),
    path: "/events/0/data/new/identity",
    says: ['"null"'],
    right: [events("user_identity_change", { new: EMAIL, old: null })],
  },
  {
    code: "identity-not-string",
    of: "a number for an identity",
    wrong: { user_identities: { customer_id: 42 } },
    path: "/user_identities/customer_id",
    says: ["the number 42", "Pass it as a string"],
    right: [{ user_identities: { customer_id: "42" } }],
    profiles: wire,
  },
  {
    code: "legacy-key",
    of: "the customer id of older SDKs",
    wrong: { user_identities: { customerid: "42" } },
    path: "/user_identities/customerid",
    says: ['Write "customer_id"'],
    right: [{ user_identities: { customer_id: "42", customerid: null } }],
    profiles: wire,
  },
  {
    code: "legacy-key",
    of: "another id as newer senders spell it",
    wrong: { user_identities: { other2: "42" } },
    path: "/user_identities/other2",
    says: ["other senders", '"other_id_2"'],
    right: [{ user_identities: { other_id_2: "42", other2: null } }],
    profiles: wire,
  },
  {
    code: "conflicting-keys",
    of: "another id in both spellings",
    wrong: { user_identities: { other_id_10: "42", other10: "43" } },
    path: "/user_identities",
    says: ['"other_id_10"', '"other10"'],
    right: [{ user_identities: { other_id_10: "42", other10: null } }],
    profiles: wire,
    besides: "legacy-key",
  },
  {
    code: "conflicting-keys",
    of: "the customer id in both spellings",
    wrong: { user_identities: { customer_id: "42", customerid: "43" } },
    path: "/user_identities",
    says: ["both", 'Keep "customer_id" alone'],
    right: [{ user_identities: { customer_id: "42", customerid: null } }],
    profiles: wire,
    besides: "legacy-key",
  },
  // ---------------------------------------------------------------- text
  ...(
    [
      ["an event name", (text) => custom({ event_name: text }), "/events/0/data/event_name"],
      ["an attribute", (text) => custom({ custom_attributes: { a: text } }), "/events/0/data/custom_attributes/a"],
      ["the name of an attribute", (text) => ({ user_attributes: { [`a${text}`]: "x" } }), undefined],
      ["an entry of a list", (text) => ({ user_attributes: { tags: ["x", text] } }), "/user_attributes/tags/1"],
      ["an identity", (text) => ({ user_identities: { email: text } }), "/user_identities/email"],
      ["a list of names", (text) => ({ deleted_user_attributes: [text] }), "/deleted_user_attributes/0"],
      ["what an attribute was", (text) => events("user_attribute_change", { old: [text] }), "/events/0/data/old/0"],
      ["a flag", (text) => custom({ custom_flags: { a: [text] } }), "/events/0/data/custom_flags/a/0"],
      [
        "a value for an integration",
        (text) => ({ integration_attributes: { "92": { a: text } } }),
        "/integration_attributes/92/a",
      ],
    ] as readonly (readonly [string, (text: string) => Members, string | undefined])[]
  ).flatMap(([of, members, path]): LintRow[] => {
    const row = (code: LintCode, character: string, says: string): LintRow => ({
      code,
      of: `${code === "nul-character" ? "a NUL" : "half a character"} in ${of}`,
      wrong: members(`a${character}b`),
      path: path ?? `/user_attributes/aa${character}b`,
      says: [says],
      right: [members("🚀"), members("\u0001\uffff \u{10ffff}")],
    });
    return [
      row("lone-surrogate", "🚀".slice(0, 1), "half of a surrogate pair"),
      row("lone-surrogate", "🚀".slice(1), "half of a surrogate pair"),
      row("nul-character", "\u0000", "U+0000"),
    ];
  }),
  {
    code: "malformed-uuid",
    of: "a session id of another kind",
    wrong: custom({ session_uuid: "session-1" }),
    path: "/events/0/data/session_uuid",
    says: ["expected a UUID", '"session-1"', "8-4-4-4-12"],
    right: [custom({ session_uuid: UUID.toUpperCase() }), custom({ session_uuid: null })],
    profiles: wire,
  },
  {
    code: "zero-uuid",
    of: "an advertising id that the user has withheld",
    wrong: { device_info: { ios_advertising_id: ZERO_UUID } },
    path: "/device_info/ios_advertising_id",
    says: ["stands for no id", "Leave it out"],
    right: [{ device_info: { ios_advertising_id: UUID } }],
  },
  {
    code: "identity-change-empty",
    of: "an identity change on neither side",
    wrong: events("user_identity_change", { new: null, old: null }),
    path: "/events/0/data",
    says: ["nothing changed"],
    right: [
      events("user_identity_change", { new: EMAIL, old: null }),
      events("user_identity_change", { new: null, old: EMAIL }),
    ],
  },
  {
    code: "identity-change-empty",
    of: "an identity change without data",
    wrong: { events: [{ event_type: "user_identity_change", data: null }] },
    path: "/events/0/data",
    says: ["nothing changed"],
    right: [{ events: [{ event_type: "first_run", data: null }] }],
    profiles: wire,
  },
  {
    code: "legacy-platform",
    of: "a platform in the spelling of one SDK",
    wrong: { device_info: { platform: "FireTV" } },
    path: "/device_info/platform",
    says: ['Write "fire_tv"'],
    right: [{ device_info: { platform: "fire_tv" } }],
    profiles: wire,
  },
  {
    code: "legacy-platform",
    of: "a platform that is unknown",
    wrong: { device_info: { platform: "Unknown" } },
    path: "/device_info/platform",
    says: ["Leave it out"],
    right: [{ device_info: { platform: null } }],
    profiles: wire,
  },
  // ---------------------------------------------------------------- names, attributes and texts
  {
    code: "event-name-too-long",
    of: "an event name of 257 characters",
    wrong: custom({ event_name: LONG }),
    path: "/events/0/data/event_name",
    says: ["cuts", "256", "custom_attributes"],
    right: [custom({ event_name: NEARLY_LONG })],
  },
  {
    code: "event-name-too-long",
    of: "a screen name of 257 characters",
    wrong: events("screen_view", { screen_name: LONG }),
    path: "/events/0/data/screen_name",
    says: ["screens", "256"],
    right: [events("screen_view", { screen_name: NEARLY_LONG })],
  },
  {
    code: "event-name-too-long",
    of: "a purchase on a screen with a name of 257 characters",
    wrong: events("commerce_event", { promotion_action: { action: "view" }, screen_name: LONG }),
    path: "/events/0/data/screen_name",
    says: ["screens", "256"],
    right: [events("commerce_event", { promotion_action: { action: "view" }, screen_name: NEARLY_LONG })],
  },
  {
    code: "attribute-name-too-long",
    of: "an event attribute name of 257 characters",
    wrong: custom({ custom_attributes: { [LONG]: "x" } }),
    path: `/events/0/data/custom_attributes/${LONG}`,
    says: ["cuts", "256", "Shorten"],
    right: [custom({ custom_attributes: { [NEARLY_LONG]: "x" } })],
  },
  {
    code: "attribute-name-too-long",
    of: "a user attribute name of 257 characters",
    wrong: { user_attributes: { [LONG]: "x" } },
    path: `/user_attributes/${LONG}`,
    says: ["may refuse", "256"],
    right: [{ user_attributes: { [NEARLY_LONG]: "x" } }],
    profiles: wire,
  },
  {
    code: "attribute-name-too-long",
    of: "the change of a user attribute whose name has 257 characters",
    wrong: events("user_attribute_change", { user_attribute_name: LONG }),
    path: "/events/0/data/user_attribute_name",
    says: ["may refuse", "256"],
    right: [events("user_attribute_change", { user_attribute_name: NEARLY_LONG })],
  },
  {
    code: "attribute-name-too-long",
    of: "the removal of a user attribute whose name has 257 characters",
    wrong: { deleted_user_attributes: ["tier", LONG] },
    path: "/deleted_user_attributes/1",
    says: ["may refuse", "256"],
    right: [{ deleted_user_attributes: ["tier", NEARLY_LONG] }],
  },
  {
    code: "value-too-long",
    of: "an event attribute of 4,097 characters",
    wrong: custom({ custom_attributes: { text: "x".repeat(4097) } }),
    path: "/events/0/data/custom_attributes/text",
    says: ["4096"],
    right: [custom({ custom_attributes: { text: "🚀".repeat(4096) } })],
    profiles: wire,
  },
  {
    code: "value-too-long",
    of: "a user attribute of 4,097 characters",
    wrong: { user_attributes: { text: "x".repeat(4097) } },
    path: "/user_attributes/text",
    says: ["4096"],
    right: [{ user_attributes: { text: "x".repeat(4096) } }],
    profiles: wire,
  },
  {
    code: "value-too-long",
    of: "a list entry of 513 characters",
    wrong: { user_attributes: { tags: ["x", "x".repeat(513)] } },
    path: "/user_attributes/tags/1",
    says: ["512"],
    right: [{ user_attributes: { tags: ["x", "x".repeat(512)] } }],
    profiles: wire,
  },
  {
    code: "value-too-long",
    of: "a user attribute that changed to 4,097 characters",
    wrong: events("user_attribute_change", { new: "x".repeat(4097), old: null }),
    path: "/events/0/data/new",
    says: ["4096"],
    right: [events("user_attribute_change", { new: "x".repeat(4096), old: null })],
    profiles: wire,
  },
  {
    code: "value-too-long",
    of: "an action of 101 characters",
    wrong: events("push_message", { action_identifier: "x".repeat(101) }),
    path: "/events/0/data/action_identifier",
    says: ["100"],
    right: [events("push_message", { action_identifier: "x".repeat(100) })],
    profiles: wire,
  },
  {
    code: "list-too-long",
    of: "a user attribute of 1,001 entries",
    wrong: { user_attributes: { tags: Array<string>(1001).fill("x") } },
    path: "/user_attributes/tags",
    says: ["1001", "1000"],
    right: [{ user_attributes: { tags: Array<string>(1000).fill("x") } }],
    profiles: wire,
  },
  {
    code: "too-many-attributes",
    of: "101 event attributes",
    wrong: custom({ custom_attributes: many(101) }),
    path: "/events/0/data/custom_attributes",
    says: ["101", "100"],
    right: [custom({ custom_attributes: { ...many(100), absent: undefined } })],
    profiles: wire,
  },
  {
    code: "too-many-attributes",
    of: "101 user attributes",
    wrong: { user_attributes: many(101) },
    path: "/user_attributes",
    says: ["101", "100"],
    right: [{ user_attributes: { ...many(100), absent: undefined } }],
    profiles: wire,
  },
  {
    code: "screen-without-name",
    of: "a screen that JavaScript made without its name",
    wrong: events("screen_view", { screen_name: undefined }),
    path: "/events/0/data/screen_name",
    says: ["neither found nor counted", "Set screen_name"],
    right: [events("screen_view", { screen_name: "Home" })],
  },
  {
    code: "screen-without-name",
    of: "a screen view without data",
    wrong: { events: [{ event_type: "screen_view", data: null }] },
    path: "/events/0/data/screen_name",
    says: ["Set screen_name"],
    right: [events("screen_view", {})],
    profiles: wire,
  },
  {
    code: "empty-value",
    of: "a screen that is named by blanks",
    wrong: events("screen_view", { screen_name: " \t" }),
    path: "/events/0/data/screen_name",
    says: ["blanks alone"],
    right: [events("screen_view", { screen_name: "Home page" })],
  },
  {
    code: "empty-value",
    of: "an event that is named by a blank",
    wrong: custom({ event_name: " " }),
    path: "/events/0/data/event_name",
    says: ["neither found nor counted"],
    right: [custom({ event_name: " a " })],
  },
  {
    code: "empty-value",
    of: "a screen without a name",
    wrong: events("screen_view", { screen_name: "" }),
    path: "/events/0/data/screen_name",
    says: ["expected some text"],
    right: [events("screen_view", { screen_name: " x " })],
  },
  {
    code: "empty-value",
    of: "an event without a name",
    wrong: custom({ event_name: "" }),
    path: "/events/0/data/event_name",
    says: ["without a name"],
    right: [custom({ event_name: "a" })],
    profiles: wire,
  },
  {
    code: "attribute-not-string",
    of: "a number among user attributes",
    wrong: { user_attributes: { $age: 42 } },
    path: "/user_attributes/$age",
    says: ["the number 42", "Pass it as a string"],
    right: [{ user_attributes: { $age: "42", nothing: null } }],
    profiles: wire,
  },
  {
    code: "attribute-not-string",
    of: "a number in a list",
    wrong: { user_attributes: { sizes: ["42", 43] } },
    path: "/user_attributes/sizes/1",
    says: ["the number 43", "Pass it as a string"],
    right: [{ user_attributes: { sizes: ["42", null] } }],
    profiles: wire,
  },
  {
    code: "attribute-not-string",
    of: "a user attribute that changed to a boolean",
    wrong: events("user_attribute_change", { new: true, old: null }),
    path: "/events/0/data/new",
    says: ["the boolean true"],
    right: [events("user_attribute_change", { new: "true", old: null })],
    profiles: wire,
  },
  {
    code: "unknown-reserved-attribute",
    of: "a reserved name in another case",
    wrong: { user_attributes: { $FirstName: "Ada" } },
    path: "/user_attributes/$FirstName",
    says: ['"$FirstName"', 'Did you mean "$firstname"?'],
    right: [{ user_attributes: { $firstname: "Ada", FirstName: "Ada" } }],
  },
  {
    code: "unknown-reserved-attribute",
    of: "the removal of a reserved name in another case",
    wrong: { deleted_user_attributes: ["$Age"] },
    path: "/deleted_user_attributes/0",
    says: ['"$Age"', 'Did you mean "$age"?'],
    right: [{ deleted_user_attributes: ["$age", "Age", ""] }],
  },
  {
    code: "unknown-reserved-attribute",
    of: "the change of a reserved name in another case",
    wrong: events("user_attribute_change", { user_attribute_name: "$LastName" }),
    path: "/events/0/data/user_attribute_name",
    says: ['Did you mean "$lastname"?'],
    right: [events("user_attribute_change", { user_attribute_name: "$lastname" })],
  },
  {
    code: "unknown-reserved-attribute",
    of: "a name with a $ that is like no reserved one",
    wrong: { user_attributes: { $: "x" } },
    path: "/user_attributes/$",
    says: ["Reserved are $age", "name others without $"],
    right: [{ user_attributes: { a$: "x" } }],
  },
  {
    code: "integration-id-not-numeric",
    of: "an integration by its name",
    wrong: { integration_attributes: { Google: { key: "value" } } },
    path: "/integration_attributes/Google",
    says: ["the number of an integration", '"Google"'],
    right: [{ integration_attributes: { "92": { key: "value" } } }],
  },
  // ---------------------------------------------------------------- numbers and JSON
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, among event attributes",
    wrong: custom({ custom_attributes: { order: 2 ** 53 } }),
    path: "/events/0/data/custom_attributes/order",
    says: ["9007199254740992", "beyond 2^53", "string of digits"],
    right: [custom({ custom_attributes: { order: 2 ** 53 - 1 } })],
  },
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, among user attributes",
    wrong: { user_attributes: { account: -(2 ** 53) } },
    path: "/user_attributes/account",
    says: ["-9007199254740992", "beyond 2^53"],
    right: [{ user_attributes: { account: String(2 ** 53) } }],
  },
  {
    code: "unsafe-integer",
    of: "a position beyond what a double can hold",
    wrong: custom({ event_num: 2 ** 60 }),
    path: "/events/0/data/event_num",
    says: ["beyond 2^53"],
    right: [custom({ event_num: 2 ** 53 - 1 })],
  },
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, in a list",
    wrong: { user_attributes: { accounts: ["1", 2 ** 53] } },
    path: "/user_attributes/accounts/1",
    says: ["beyond 2^53", "string of digits"],
    right: [{ user_attributes: { accounts: ["1", String(2 ** 53)] } }],
  },
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, for a flag",
    wrong: custom({ custom_flags: { campaign: 2 ** 53 } }),
    path: "/events/0/data/custom_flags/campaign",
    says: ["beyond 2^53", "string of digits"],
    right: [custom({ custom_flags: { campaign: 2 ** 53 - 1 } })],
  },
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, in a flag that is a list",
    wrong: custom({ custom_flags: { campaigns: [1, -(2 ** 53)] } }),
    path: "/events/0/data/custom_flags/campaigns/1",
    says: ["beyond 2^53"],
    right: [custom({ custom_flags: { campaigns: [1, 2] } })],
  },
  {
    code: "unsafe-integer",
    of: "an id that a double has rounded, deep in a flag",
    wrong: custom({ custom_flags: { campaign: { id: [2 ** 60] } } }),
    path: "/events/0/data/custom_flags/campaign",
    says: ["1152921504606847000", "beyond 2^53"],
    right: [custom({ custom_flags: { campaign: { id: [2 ** 50] } } })],
    profiles: wire,
  },
  {
    code: "unsafe-integer",
    of: "a step of the checkout that no double holds, beside an amount that is merely large",
    wrong: events("commerce_event", { product_action: { action: "checkout", checkout_step: 2 ** 53 } }),
    path: "/events/0/data/product_action/checkout_step",
    says: ["beyond 2^53"],
    right: [
      events("commerce_event", {
        product_action: {
          action: "checkout",
          total_amount: 1e20,
          products: [{ id: "sku-1", price: 1e20, quantity: 2 ** 53 }],
        },
        lifetime_value_change: -1e20,
        device_current_state: { application_memory_total_bytes: 2 ** 53 },
      }),
    ],
    profiles: wire,
  },
  {
    code: "lost-in-json",
    of: "a Map for an object",
    wrong: custom({ custom_attributes: new Map([["a", "x"]]) }),
    path: "/events/0/data/custom_attributes",
    says: ["makes {} of a Map", "Object.fromEntries"],
    right: [custom({ custom_attributes: Object.fromEntries([["a", "x"]]) })],
    severity: "error",
  },
  ...MEMBERS_LOST.map((row): LintRow => ({ ...row, code: "lost-in-json", severity: "error" })),
  {
    code: "to-json-present",
    of: "an object that writes itself as text",
    wrong: { user_attributes: new Money() },
    path: "/user_attributes",
    says: ["toJSON", "plain object"],
    right: [{ user_attributes: Object.setPrototypeOf({ currency: "EUR" }, null) }],
  },
  ...FLAGS_LOST.map(({ of, flag, right }): LintRow => ({
    code: "lost-in-json",
    of,
    wrong: custom({ custom_flags: { flag } }),
    path: "/events/0/data/custom_flags/flag",
    says: ["JSON cannot hold"],
    right: right.map((value) => custom({ custom_flags: { flag: value } })),
    profiles: wire,
    severity: "error",
  })),
  {
    code: "not-serializable",
    of: "a flag that holds itself",
    wrong: custom({ custom_flags: { flag: cyclic } }),
    path: "/events/0/data/custom_flags/flag",
    says: ["refers to itself"],
    right: [custom({ custom_flags: { flag: [shared, shared, { again: shared }] } })],
    profiles: wire,
    severity: "error",
  },
  // ---------------------------------------------------------------- consent, places, commerce, attribution
  {
    code: "ccpa-unknown-purpose",
    of: "a CCPA purpose of another name",
    wrong: { consent_state: { ccpa: { sale: { consented: true, timestamp_unixtime_ms: NOW } } } },
    path: "/consent_state/ccpa/sale",
    says: ['"sale"', "data_sale_opt_out"],
    right: [{ consent_state: { ccpa: { data_sale_opt_out: { consented: true, timestamp_unixtime_ms: NOW } } } }],
    profiles: wire,
  },
  {
    code: "consent-incomplete",
    of: "consent without a decision",
    wrong: consent({ consented: null }),
    path: "/consent_state/gdpr/marketing/consented",
    says: ["both a decision and its time"],
    right: [consent({ consented: false })],
    profiles: wire,
  },
  {
    code: "consent-incomplete",
    of: "consent without a time",
    wrong: consent({ timestamp_unixtime_ms: null }),
    path: "/consent_state/gdpr/marketing/timestamp_unixtime_ms",
    says: ["both a decision and its time"],
    right: [consent({ timestamp_unixtime_ms: NOW })],
    profiles: wire,
  },
  {
    code: "not-an-iso-code",
    of: "a currency in small letters",
    wrong: events("commerce_event", { product_action: { action: "click" }, currency_code: "eur" }),
    path: "/events/0/data/currency_code",
    says: ["ISO 4217", '"eur"', 'Write "EUR"'],
    right: [events("commerce_event", { product_action: { action: "click" }, currency_code: "EUR" })],
  },
  {
    code: "not-an-iso-code",
    of: "a country of three letters",
    wrong: located({ country_code: "NLD" }),
    path: "/context/location/country_code",
    says: ["ISO 3166-1", '"NLD"'],
    right: [located({ country_code: "NL" })],
  },
  {
    code: "incomplete-location",
    of: "a latitude alone",
    wrong: located({ latitude: 51.92 }),
    path: "/context/location",
    says: ["a latitude and no longitude", "Give both"],
    right: [located({ latitude: 51.92, longitude: 0 }), located({ city_name: "Rotterdam" })],
  },
  {
    code: "incomplete-location",
    of: "a longitude alone, in an event",
    wrong: custom({ location: { longitude: 4.48, latitude: null } }),
    path: "/events/0/data/location",
    says: ["a longitude and no latitude"],
    right: [custom({ location: { longitude: null, latitude: null } })],
  },
  {
    code: "location-out-of-range",
    of: "a longitude for a latitude",
    wrong: located({ latitude: 104.48, longitude: 51.92 }),
    path: "/context/location/latitude",
    says: ["at most 90 degrees", "104.48", "order"],
    right: [located({ latitude: -90, longitude: 180 })],
  },
  {
    code: "location-out-of-range",
    of: "a longitude in millionths, as text",
    wrong: located({ latitude: "51.92", longitude: "4480000" }),
    path: "/context/location/longitude",
    says: ["at most 180 degrees", '"4480000"'],
    right: [located({ latitude: "51.92", longitude: "-180" })],
    profiles: wire,
  },
  {
    code: "commerce-without-payload",
    of: "a commerce event about nothing",
    wrong: events("commerce_event", { currency_code: "EUR" }),
    path: "/events/0/data",
    says: ["says nothing", "product_action, promotion_action, product_impressions"],
    right: [events("commerce_event", { promotion_action: { action: "view" } })],
  },
  {
    code: "commerce-without-payload",
    of: "a commerce event without data",
    wrong: { events: [{ event_type: "commerce_event", data: null }] },
    path: "/events/0/data",
    says: ["says nothing"],
    right: [{ events: [{ event_type: "first_run", data: null }] }],
    profiles: wire,
  },
  {
    code: "transaction-missing",
    of: "a purchase without its order",
    wrong: events("commerce_event", { product_action: { action: "purchase", products: [{ id: "sku-1" }] } }),
    path: "/events/0/data/product_action/transaction_id",
    says: ["a purchase without transaction_id", "repetition", "id of the order"],
    right: [
      events("commerce_event", { product_action: { action: "purchase", transaction_id: "T-1" } }),
      events("commerce_event", { product_action: { action: "checkout", products: [{ id: "sku-1" }] } }),
      events("commerce_event", { product_action: { action: "add_to_cart" } }),
    ],
  },
  ...["", null].map((transaction_id): LintRow => ({
    code: "transaction-missing",
    of: `a refund of the order ${JSON.stringify(transaction_id)}`,
    wrong: events("commerce_event", { product_action: { action: "refund", transaction_id } }),
    path: "/events/0/data/product_action/transaction_id",
    says: ["a refund without transaction_id"],
    right: [events("commerce_event", { product_action: { action: "refund", transaction_id: "T-1" } })],
  })),
  {
    code: "product-without-id",
    of: "a product that is only a price",
    wrong: events("commerce_event", {
      product_action: { action: "click", products: [{ id: "a" }, { price: 5, id: "" }] },
    }),
    path: "/events/0/data/product_action/products/1",
    says: ["neither id nor name", "SKU"],
    right: [
      events("commerce_event", { product_action: { action: "click", products: [{ id: "sku-1" }, { name: "Lamp" }] } }),
      events("commerce_event", { product_action: { action: "click", products: [] } }),
    ],
  },
  {
    code: "product-without-id",
    of: "a product without anything that was seen in a list",
    wrong: events("commerce_event", { product_impressions: [{ product_impression_list: "Search", products: [{}] }] }),
    path: "/events/0/data/product_impressions/0/products/0",
    says: ["neither id nor name"],
    right: [
      events("commerce_event", {
        product_impressions: [{ product_impression_list: "Search", products: [{ id: "a" }] }],
      }),
    ],
  },
  {
    code: "commerce-with-several-payloads",
    of: "a commerce event of two kinds",
    wrong: events("commerce_event", { product_action: { action: "click" }, promotion_action: { action: "click" } }),
    path: "/events/0/data",
    says: ["product_action and promotion_action exclude each other", "one event for each"],
    right: [events("commerce_event", { product_action: { action: "click" }, promotion_action: null })],
  },
  {
    code: "attribution-incomplete",
    of: "an install by nobody's campaign",
    wrong: custom({ ...INSTALL, custom_attributes: { publisher: "news" } }),
    path: "/events/0/data",
    says: ["campaign is missing", "custom_attributes"],
    right: [
      custom({ ...INSTALL, custom_attributes: { publisher: "news", campaign: "spring" } }),
      custom({ ...INSTALL, custom_attributes: { action: "delete" } }),
      custom({ ...INSTALL, event_name: "attributed" }),
    ],
  },
];
