import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import type { BeforeSend } from "../delivery/before-send.ts";
import { isObject } from "../rules/objects.ts";

/**
 * A step of `beforeSend` that cuts names and values of attributes, event names and lists to the limits of the service.
 *
 * Longer ones may be cut by the service, or the whole request may fail; this decides it here. Identities are never cut,
 * because another identity is another user. Characters are whole: none is cut in two.
 */
export function truncateToLimits(): BeforeSend {
  return function truncateToLimits(batch): Batch {
    const { events, user_attributes } = batch;
    return {
      ...batch,
      ...(isObject(user_attributes) && {
        user_attributes: cutUserAttributes(user_attributes) as Batch["user_attributes"],
      }),
      ...(Array.isArray(events) && { events: cutInside(events) as Batch["events"] }), // as they were, but for lengths
    };
  };
}

const EVENT_NAMES: readonly string[] = ["event_name", "screen_name"];

function cutInside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cutInside);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === "custom_attributes") return [key, cutEventAttributes(member)];
      if (EVENT_NAMES.includes(key)) return [key, cutText(member, LIMITS.eventNameMaxLength)];
      return [key, cutInside(member)];
    }),
  );
}

function cutEventAttributes(attributes: unknown): unknown {
  if (!isObject(attributes)) return attributes;
  return cutEntries(attributes, LIMITS.attributeNameMaxLength, LIMITS.eventAttributesMaxCount, (value) =>
    cutText(value, LIMITS.attributeValueMaxLength),
  );
}

function cutUserAttributes(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return cutEntries(attributes, LIMITS.userAttributeNameMaxLength, LIMITS.userAttributesMaxCount, (value) =>
    Array.isArray(value)
      ? value
          .slice(0, LIMITS.userAttributeListMaxLength)
          .map((entry) => cutText(entry, LIMITS.userAttributeListEntryMaxLength))
      : cutText(value, LIMITS.userAttributeValueMaxLength),
  );
}

/** Of two names that are the same once they are cut, the first keeps its value. */
function cutEntries(
  attributes: Readonly<Record<string, unknown>>,
  maxNameLength: number,
  maxCount: number,
  cutValue: (value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  const cut = new Map<string, unknown>();
  for (const [name, value] of Object.entries(attributes)) {
    const short = String(cutText(name, maxNameLength));
    if (cut.size < maxCount && !cut.has(short)) cut.set(short, cutValue(value));
  }
  return Object.fromEntries(cut);
}

function cutText(value: unknown, maxLength: number): unknown {
  if (typeof value !== "string" || value.length <= maxLength) return value;
  const isHalf = /[\uD800-\uDBFF]/.test(value.charAt(maxLength - 1));
  return value.slice(0, isHalf ? maxLength - 1 : maxLength);
}
