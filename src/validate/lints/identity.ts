import { describe, quote } from "../../rules/describe-value.ts";
import { knownShape } from "../known-shapes.ts";
import { isNothing } from "./absence.ts";
import { everyKey, everyKeyThat, key, lint, object, objectLint } from "./lint.ts";

const IDENTITIES = [everyKey("UserIdentities"), key("UserIdentity", "identity")];

export const ZERO_UUID = "00000000-0000-0000-0000-000000000000";

export const placeholderIdentity = lint({
  code: "placeholder-identity",
  means:
    "An identity is empty, or stands for none: `undefined`, `null`, `NaN`, `anonymous`, `0`, `true`, the all-zero UUID, " +
    "or a template that was not filled in, such as `{{user.id}}`",
  advice: "Leave it out: everybody sent with it becomes one user",
  at: [...IDENTITIES, key("Batch", "mpid")],
  check: (value, name) => {
    if (!isPlaceholder(value, name === "mpid")) return undefined;
    return {
      message: `${typeof value === "string" ? quote(value) : describe(value)} identifies nobody: all users sent with it become one.`,
      hint: "Leave the identity out when it is not known.",
    };
  },
});

/** A number is an identity's type only where it is the service's own id. */
function isPlaceholder(value: unknown, isMpid: boolean): boolean {
  if (typeof value === "string") {
    const isShort = value.length <= LONGEST_PLACEHOLDER;
    return (isShort && PLACEHOLDERS.has(value.trim().toLowerCase())) || TEMPLATE.test(value);
  }
  return isMpid && (value === 0 || value === 0n);
}

/** What programs make of a value that is not there, and what people write for one. */
const PLACEHOLDERS = new Set([
  ...["", "undefined", "null", "nan", "none", "nil", "[object object]", "n/a", "-"],
  ...["anonymous", "anon", "unknown", "guest", "0", "true", "false", ZERO_UUID],
]);
const LONGEST_PLACEHOLDER = 40;

/** A place for a value, of the common template languages, that nobody filled in. */
const TEMPLATE = /\{\{[^{}]*\}\}|\$\{[^{}]*\}|<%.*?%>|^%%.*%%$|^\*\|.*\|\*$/;

export const identityNotString = lint({
  code: "identity-not-string",
  profiles: "wire",
  means: "An identity is a number or boolean",
  advice: "Convert it to text, and beware of leading zeros",
  at: IDENTITIES,
  check: (value) =>
    typeof value === "number" || typeof value === "boolean"
      ? { message: `identities are text, got ${describe(value)}.`, hint: "Pass it as a string." }
      : undefined,
});

/** Spellings of older SDKs, of files and of newer senders, each with the key to write instead. */
const LEGACY_KEYS: ReadonlyMap<string, string> = new Map(
  Array.from(knownShape("UserIdentities").wireOnly).flatMap(([legacy, { insteadUse }]) =>
    insteadUse === undefined ? [] : [[legacy, insteadUse] as const],
  ),
);

export const legacyKey = lint({
  code: "legacy-key",
  profiles: "wire",
  means: "`customerid` or `other2` … `other10`, as other senders write them",
  advice: "Write `customer_id` and `other_id_2` … `other_id_10`",
  at: Array.from(LEGACY_KEYS.keys(), (name) => key("UserIdentities", name)),
  check: (value, name) =>
    value === null
      ? undefined
      : { message: "it is a spelling of other senders.", hint: `Write "${LEGACY_KEYS.get(String(name)) ?? ""}".` },
});

export const conflictingKeys = objectLint({
  code: "conflicting-keys",
  profiles: "wire",
  means: "One identity in two spellings, such as `customer_id` and `customerid`: which one counts is not documented",
  advice: "Keep the one that is not legacy: `customer_id`, `other_id_2`",
  at: [object("UserIdentities")],
  check: (identities) => {
    for (const legacy in identities) {
      const current = LEGACY_KEYS.get(legacy);
      if (current === undefined || isNothing(identities[legacy]) || isNothing(identities[current])) continue;
      return { message: `it has both "${current}" and "${legacy}".`, hint: `Keep "${current}" alone.` };
    }
    return undefined;
  },
});

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

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

export const malformedUuid = lint({
  code: "malformed-uuid",
  profiles: "wire",
  means: "An id that has to be a UUID is none",
  advice: "Pass a UUID, or leave the key out",
  at: [everyKeyThat((name) => UUID_KEYS.has(name))],
  check: (value) => {
    if (typeof value !== "string" || (value.length === ZERO_UUID.length && UUID.test(value))) return undefined;
    return {
      message: `expected a UUID, got ${describe(value)}.`,
      hint: value === "" ? "Leave it out when there is none." : "A UUID has 8-4-4-4-12 hexadecimal digits.",
    };
  },
});

export const zeroUuid = lint({
  code: "zero-uuid",
  means: "A UUID of zeros, as devices give whose users withhold the id",
  advice: "Leave it out: everybody sent with it looks like one device",
  at: [everyKeyThat((name) => UUID_KEYS.has(name))],
  check: (value) =>
    value === ZERO_UUID ? { message: "the all-zero UUID stands for no id.", hint: "Leave it out." } : undefined,
});

export const identityChangeEmpty = objectLint({
  code: "identity-change-empty",
  means: "An identity change whose `new` and `old` are both empty; so with `data: null`",
  advice: "Give the side that exists, or do not send it",
  at: [object("UserIdentityChangeEventData")],
  check: (change) =>
    isNothing(change["new"]) && isNothing(change["old"])
      ? {
          message: 'both "new" and "old" are empty: nothing changed.',
          hint: "Give the identity that was added, removed or replaced.",
          isAbsence: true,
        }
      : undefined,
});

export const legacyPlatform = lint({
  code: "legacy-platform",
  profiles: "wire",
  means: "A `platform` as one SDK spells it, `FireTV` or `Unknown`",
  advice: "Write `fire_tv`, or leave it out",
  at: [key("DeviceInformation", "platform")],
  check: (value) => {
    if (value === "FireTV") return { message: '"FireTV" is the spelling of one SDK.', hint: 'Write "fire_tv".' };
    if (value === "Unknown") return { message: '"Unknown" says nothing.', hint: "Leave it out when it is not known." };
    return undefined;
  },
});
