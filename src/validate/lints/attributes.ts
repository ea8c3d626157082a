import { LIMITS } from "../../../generated/contract.ts";
import { jsonMembers } from "../../../generated/validators/checks.js";
import { describe, quote } from "../../rules/describe-value.ts";
import { isUnsafe } from "../../rules/exact-integers.ts";
import { isObject } from "../../rules/objects.ts";
import { nearest } from "../../rules/nearest-name.ts";
import { isNothing } from "./absence.ts";
import {
  entriesOf,
  key,
  lint,
  mapsOf,
  object,
  objectLint,
  type Check,
  type Found,
  type Token,
  type Verdict,
} from "./lint.ts";

const EVENT_ATTRIBUTES = [entriesOf("CommonEventData", "custom_attributes"), entriesOf("Product", "custom_attributes")];
const USER_ATTRIBUTES = entriesOf("Batch", "user_attributes");
const DELETED_ATTRIBUTES = entriesOf("Batch", "deleted_user_attributes");
const CHANGED_ATTRIBUTE = key("UserAttributeChangeEventData", "user_attribute_name");
/** The value of a user attribute, on the user or on either side of a change. */
const USER_ATTRIBUTE_VALUES = [
  USER_ATTRIBUTES,
  key("UserAttributeChangeEventData", "new"),
  key("UserAttributeChangeEventData", "old"),
];

/** The name of a user attribute: a key of a map, an entry of a list, or the value of a key that is there to name it. */
function userAttributeName(value: unknown, token: Token, of: string): string | undefined {
  if (typeof token === "string" && of !== "UserAttributeChangeEventData") return token;
  return typeof value === "string" ? value : undefined;
}

/** Looks at a value, and at each entry of one that is a list. */
function eachScalar(check: (value: unknown, isEntry: boolean) => Found | undefined): (value: unknown) => Verdict {
  return (value) => {
    if (!Array.isArray(value)) return check(value, false);
    let found: Found[] | undefined;
    for (let index = 0; index < value.length && index < LIMITS.userAttributeListMaxLength; index++) {
      const entry = check(value[index], true);
      if (entry !== undefined) (found ??= []).push({ ...entry, at: index });
    }
    return found;
  };
}

// ------------------------------------------------------------------ names of events

export const screenWithoutName = objectLint({
  code: "screen-without-name",
  means: "A screen view whose name is missing, as JavaScript can make it; a custom event without one is refused",
  advice: "Pass the name as the first argument of `screenView`",
  at: [object("ScreenViewEventData")],
  check: ({ screen_name }) =>
    screen_name === undefined || screen_name === null
      ? {
          message: "a screen without a name can be neither found nor counted.",
          hint: "Set screen_name.",
          at: "screen_name",
          isAbsence: true,
        }
      : undefined,
});

const EVENT_NAMES = [
  key("CustomEventData", "event_name"),
  key("CommerceEventData", "event_name"),
  key("CommerceEventData", "screen_name"),
  key("ScreenViewEventData", "screen_name"),
];

/** Screens are counted and kept together with events, by their names. */
export const eventNameTooLong = lint({
  code: "event-name-too-long",
  means: "The name of an event or screen of more than 256 characters, which is cut",
  advice: "Put what varies into `custom_attributes`",
  at: EVENT_NAMES,
  check: (name) =>
    typeof name === "string" && isLonger(name, LIMITS.eventNameMaxLength)
      ? {
          message: `the service cuts names of events and screens after ${String(LIMITS.eventNameMaxLength)} characters.`,
          hint: "Put what varies into custom_attributes.",
        }
      : undefined,
});

export const emptyValue = lint({
  code: "empty-value",
  means: 'An event, screen, data plan or attribute whose name is `""` or blank',
  advice: "Name it, or leave the key out",
  at: [
    key("CustomEventData", "event_name"),
    key("CommerceEventData", "event_name"),
    key("ScreenViewEventData", "screen_name"),
    key("DataPlan", "plan_id"),
    CHANGED_ATTRIBUTE,
  ],
  check: (value, name) => {
    if (typeof value !== "string" || value.trim() !== "") return undefined;
    return {
      message:
        name === "event_name"
          ? "an event without a name can be neither found nor counted."
          : `expected some text, got ${value === "" ? "an empty string" : "blanks alone"}.`,
    };
  },
});

// ------------------------------------------------------------------ sizes

export const attributeNameTooLong = lint({
  code: "attribute-name-too-long",
  means:
    "The name of an event attribute is cut after 256 characters; so may be that of a user attribute that was changed or deleted",
  advice: "Shorten it: two names may become one",
  at: [...EVENT_ATTRIBUTES, USER_ATTRIBUTES, DELETED_ATTRIBUTES, CHANGED_ATTRIBUTE],
  check: (value, token, _, of) => {
    const isOfUser = of === "Batch" || of === "UserAttributeChangeEventData";
    const name = isOfUser ? userAttributeName(value, token, of) : String(token);
    const limit = isOfUser ? LIMITS.userAttributeNameMaxLength : LIMITS.attributeNameMaxLength;
    if (name === undefined || !isLonger(name, limit)) return undefined;
    const effect = isOfUser ? "may refuse" : "cuts";
    return {
      message: `the service ${effect} attribute names of more than ${String(limit)} characters.`,
      hint: "Shorten the name.",
    };
  },
});

const tooLong = (text: unknown, limit: number): Found | undefined =>
  typeof text === "string" && isLonger(text, limit)
    ? {
        message: `the service may refuse text of more than ${String(limit)} characters.`,
        hint: "Shorten the text before sending.",
      }
    : undefined;

const longUserAttribute = eachScalar((value, isEntry) =>
  tooLong(value, isEntry ? LIMITS.userAttributeListEntryMaxLength : LIMITS.userAttributeValueMaxLength),
);

export const valueTooLong = lint({
  code: "value-too-long",
  profiles: "wire",
  means: "A text longer than the service may take",
  advice: "Shorten it",
  at: [...EVENT_ATTRIBUTES, ...USER_ATTRIBUTE_VALUES, key("PushMessageEventData", "action_identifier")],
  check: (value, name, _, of) => {
    if (name === "action_identifier" && of === "PushMessageEventData")
      return tooLong(value, LIMITS.actionIdentifierMaxLength);
    return of === "Batch" || of === "UserAttributeChangeEventData"
      ? longUserAttribute(value)
      : tooLong(value, LIMITS.attributeValueMaxLength);
  },
});

export const listTooLong = lint({
  code: "list-too-long",
  profiles: "wire",
  means: "A user attribute is a list of more than 1,000 entries",
  advice: "Send fewer entries",
  at: USER_ATTRIBUTE_VALUES,
  check: (value) => {
    const most = LIMITS.userAttributeListMaxLength;
    if (!Array.isArray(value) || value.length <= most) return undefined;
    return {
      message: `${String(value.length)} entries, and the service may refuse more than ${String(most)}.`,
      hint: "Send fewer entries.",
    };
  },
});

export const tooManyAttributes = lint({
  code: "too-many-attributes",
  profiles: "wire",
  means: "More than 100 attributes in one batch, or on one event",
  advice: "Send fewer",
  at: [
    key("Batch", "user_attributes"),
    key("CommonEventData", "custom_attributes"),
    key("Product", "custom_attributes"),
  ],
  check: (value, name) => {
    if (!isObject(value)) return undefined;
    const limit = name === "user_attributes" ? LIMITS.userAttributesMaxCount : LIMITS.eventAttributesMaxCount;
    const members = jsonMembers(value);
    let count = 0;
    for (const member in members) if (members[member] !== undefined) count++;
    if (count <= limit) return undefined;
    return {
      message: `${String(count)} attributes, and the service may refuse more than ${String(limit)}.`,
      hint: "Send fewer attributes.",
    };
  },
});

/** By code points, as the contract counts. Only text near the limit has to be counted. */
function isLonger(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  if (text.length > 2 * limit) return true;
  let surrogatePairs = 0;
  for (let at = 0; at < text.length; at++) if ((text.codePointAt(at) ?? 0) > 0xffff) surrogatePairs++;
  return text.length - surrogatePairs > limit;
}

// ------------------------------------------------------------------ what attributes are

export const attributeNotString = lint({
  code: "attribute-not-string",
  profiles: "wire",
  means: "A user attribute, or an entry of one that is a list, is a number or boolean",
  advice: "Convert it to text if the source guessed the type; switch the lint off if it means it",
  at: USER_ATTRIBUTE_VALUES,
  // Senders of their own know what they send; in a foreign payload it is a sign of a serialiser that guesses types.
  check: eachScalar((value) =>
    (typeof value === "number" && !isUnsafe(value)) || typeof value === "boolean"
      ? { message: `user attributes are text, got ${describe(value)}.`, hint: "Pass it as a string." }
      : undefined,
  ),
});

/** The names with a meaning of their own, as server payloads spell them. */
const RESERVED_ATTRIBUTES = [
  ...["$age", "$gender", "$country", "$zip", "$city", "$state", "$address", "$firstname", "$lastname", "$mobile"],
];

const unknownReserved: Check = (value, token, _, of) => {
  const name = userAttributeName(value, token, of);
  if (name?.startsWith("$") !== true || RESERVED_ATTRIBUTES.includes(name)) return undefined;
  const meant = nearest(name, RESERVED_ATTRIBUTES);
  return {
    message: `${quote(name)} is none of the reserved names.`,
    hint:
      meant === undefined
        ? `Reserved are ${RESERVED_ATTRIBUTES.join(", ")}; name others without $.`
        : `Did you mean "${meant}"?`,
  };
};

export const unknownReservedAttribute = lint({
  code: "unknown-reserved-attribute",
  means: "A user attribute with a `$` that is none of the reserved names, whether set, changed or deleted",
  advice: "Spell it as the hint does (they are all lower case), or drop the `$`",
  at: [USER_ATTRIBUTES, DELETED_ATTRIBUTES, CHANGED_ATTRIBUTE],
  check: unknownReserved,
});

export const integrationIdNotNumeric = lint({
  code: "integration-id-not-numeric",
  means: "`integration_attributes` under the name of an integration",
  advice: "Use the number of its module, which ends the address of its page in the directory",
  at: [mapsOf("Batch", "integration_attributes")],
  check: (_, id) =>
    /^\d+$/.test(String(id))
      ? undefined
      : {
          message: `expected the number of an integration module, got ${quote(String(id))}.`,
          hint: "The address of the integration's page in the directory ends with it.",
        },
});

export const attributionIncomplete = objectLint({
  code: "attribution-incomplete",
  means: "An install attribution without `publisher` or `campaign`",
  advice: "Set both in `custom_attributes`",
  at: [object("CustomEventData")],
  check: (data) => {
    if (data["custom_event_type"] !== "attribution" || data["event_name"] !== "attribution") return undefined;
    const given = data["custom_attributes"];
    const attributes = isObject(given) ? given : {};
    if (attributes["action"] === "delete") return undefined;
    const lacking = ["publisher", "campaign"].filter((name) => isNothing(attributes[name]));
    if (lacking.length === 0) return undefined;
    return {
      message: `an install is attributed by publisher and campaign, and ${lacking.join(" and ")} ${lacking.length === 1 ? "is" : "are"} missing.`,
      hint: "Set both in custom_attributes.",
      isAbsence: true,
    };
  },
});
