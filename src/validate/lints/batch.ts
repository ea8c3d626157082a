import { jsonMembers } from "../../../generated/validators/checks.js";
import { describe } from "../../rules/describe-value.ts";
import { ENVIRONMENT_HINT, ENVIRONMENT_MISSING } from "../../rules/environment.ts";
import { HISTORICAL_WITHOUT_EVENTS } from "../../rules/history.ts";
import { isObject, type Members } from "../../rules/objects.ts";
import { isNothing } from "./absence.ts";
import { ZERO_UUID } from "./identity.ts";
import { key, lint, object, objectLint } from "./lint.ts";

export const environmentMissing = objectLint({
  code: "environment-missing",
  profiles: "wire",
  means: "No `environment`: the service takes the batch for production",
  advice: "Set it before you replay test data",
  at: [object("Batch")],
  check: ({ environment }) => {
    const { message, hint } = ENVIRONMENT_MISSING;
    if (environment === null) return { message, hint, at: "environment" };
    return environment === undefined ? { message, hint, at: "environment", isAbsence: true } : undefined;
  },
});

export const environmentUnknown = lint({
  code: "environment-unknown",
  severity: "error",
  profiles: "wire",
  means: "`environment` is `unknown`, as in some output",
  advice: "Decide for `development` or `production`",
  at: [key("Batch", "environment")],
  check: (value) =>
    value === "unknown"
      ? { message: '"unknown" is neither test data nor live data.', hint: ENVIRONMENT_HINT }
      : undefined,
});

export const historicalWithoutEvents = objectLint({
  code: "historical-without-events",
  severity: "error",
  means: "A historical batch without events, which the service drops",
  advice: "Update profiles with `upload`; give a historical batch its events",
  at: [object("Batch")],
  check: (batch, { historical }) =>
    historical && !hasEvents(batch)
      ? { message: HISTORICAL_WITHOUT_EVENTS.message, at: "events", isAbsence: true }
      : undefined,
});

export const emptyBatch = objectLint({
  code: "empty-batch",
  means: "No events, and nothing that would update a profile",
  advice: "Do not send it; it counts against your rate",
  at: [object("Batch")],
  check: (batch, { historical }) =>
    !historical && !hasEvents(batch) && PROFILE_CONTENT.every((name) => isNothing(batch[name]))
      ? { message: "no events, and nothing else that would update a profile.", at: "events", isAbsence: true }
      : undefined,
});

function hasEvents({ events }: Members): boolean {
  return Array.isArray(events) ? events.length > 0 : events !== undefined && events !== null;
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

export const noIdentity = objectLint({
  code: "no-identity",
  means: "No identity, `mpid` or device id: the data reaches nobody's profile",
  advice: "Add `user_identities` or a device id",
  at: [object("Batch")],
  check: (batch) =>
    isIdentified(batch)
      ? undefined
      : {
          message: "no identity, mpid or device id: nobody will be recognised by this batch.",
          hint: 'Add user_identities, such as { customer_id: "…" }, or a device id.',
          at: "user_identities",
          isAbsence: true,
        },
});

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
  return isObject(deviceInfo) && DEVICE_ID_KEYS.some((name) => isPresent(deviceInfo[name]));
}

/** Even a value of the wrong type, or an empty one: that has a finding of its own. */
function hasValue(identities: unknown): boolean {
  if (!isObject(identities)) return identities !== undefined && identities !== null;
  const sent = jsonMembers(identities);
  for (const name in sent) if (sent[name] !== undefined && sent[name] !== null) return true;
  return false;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== ZERO_UUID;
}

export const duplicateRequestId = objectLint({
  code: "duplicate-request-id",
  severity: "error",
  means: "A `source_request_id` that another batch of the same series has: the service drops one of the two",
  advice: "Give each batch an id of its own; a copy is made without it. Found by `batchChecker` and the command",
  at: [object("Batch")],
  check: (_, { namesake }) => {
    if (namesake === undefined) return undefined;
    return {
      message: `batch ${String(namesake)} of this series, counted from 0, has the same id and says something else.`,
      hint: "Leave source_request_id out of what is copied: each batch gets one of its own.",
      at: "source_request_id",
    };
  },
});

export const batchIdPresent = lint({
  code: "batch-id-present",
  profiles: "wire",
  means: "The batch has the id that the service gave it",
  advice: "Remove `batch_id` before a replay, or it may be dropped as a duplicate",
  at: [key("Batch", "batch_id")],
  check: (value) =>
    value === null
      ? undefined
      : {
          message: "the service assigns it, and may drop a batch that has one as a duplicate.",
          hint: "Remove it before sending.",
        },
});

export const serviceFilledKey = lint({
  code: "service-filled-key",
  profiles: "wire",
  means: "The service sets this key itself",
  advice: "Remove it; what is sent is ignored",
  at: [key("Batch", "timestamp_unixtime_ms"), key("Batch", "source_info"), key("DataPlan", "block_metadata")],
  check: (value) =>
    value === null
      ? undefined
      : { message: "the service sets it and ignores what is sent.", hint: "Remove it before sending." },
});

export const malformedIp = lint({
  code: "malformed-ip",
  means: "`ip` is no IPv4 or IPv6 address",
  advice: "Pass the user's address alone: no port, no list from `X-Forwarded-For`",
  at: [key("Batch", "ip")],
  check: (value) => {
    if (typeof value !== "string" || IPV4.test(value) || isIpv6(value)) return undefined;
    return {
      message: `expected an IPv4 or IPv6 address, got ${describe(value)}.`,
      hint:
        value === ""
          ? "Leave it out when it is not known."
          : "Pass the address of the user's device alone, without a port.",
    };
  },
});

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
