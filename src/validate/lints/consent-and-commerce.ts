import { LIMITS } from "../../../generated/contract.ts";
import { describe, quote } from "../../rules/describe-value.ts";
import { knownShape } from "../known-shapes.ts";
import { isNothing } from "./absence.ts";
import { key, lint, object, objectLint, otherKeys } from "./lint.ts";

export const notAnIsoCode = lint({
  code: "not-an-iso-code",
  means: "A currency that is not three capitals, or a country that is not two",
  advice: "Pass ISO 4217 or ISO 3166-1 codes, such as `EUR` and `NL`",
  at: [key("GeoLocation", "country_code"), key("CommerceEventData", "currency_code")],
  check: (value, name) => {
    const [pattern, expected] =
      name === "currency_code"
        ? [/^[A-Z]{3}$/, "an ISO 4217 currency code of three capitals"]
        : [/^[A-Z]{2}$/, "an ISO 3166-1 country code of two capitals"];
    if (typeof value !== "string" || pattern.test(value)) return undefined;
    const upper = value.length <= 3 ? value.toUpperCase() : "";
    const hint = pattern.test(upper) ? `Write "${upper}".` : undefined;
    return { message: `expected ${expected}, got ${describe(value)}.`, hint };
  },
});

export const incompleteLocation = objectLint({
  code: "incomplete-location",
  means: "A latitude without a longitude, or the reverse",
  advice: "Give both, or neither",
  at: [object("GeoLocation")],
  check: ({ latitude, longitude }) => {
    if (isNothing(latitude) === isNothing(longitude)) return undefined;
    const [given, lacking] = isNothing(latitude) ? ["longitude", "latitude"] : ["latitude", "longitude"];
    return { message: `it has a ${given} and no ${lacking}.`, hint: "Give both, or neither.", isAbsence: true };
  },
});

export const locationOutOfRange = lint({
  code: "location-out-of-range",
  means: "A latitude beyond 90 or a longitude beyond 180 degrees",
  advice: "See whether the two are swapped, or are not in degrees",
  at: [key("GeoLocation", "latitude"), key("GeoLocation", "longitude")],
  check: (value, name) => {
    const limit = name === "latitude" ? LIMITS.latitudeMaxDegrees : LIMITS.longitudeMaxDegrees;
    const degrees = typeof value === "string" ? Number(value) : value;
    if (typeof degrees !== "number" || Math.abs(degrees) <= limit || !Number.isFinite(degrees)) return undefined;
    return {
      message: `expected at most ${String(limit)} degrees, got ${describe(value)}.`,
      hint: "Pass degrees, and mind the order of latitude and longitude.",
    };
  },
});

export const ccpaUnknownPurpose = lint({
  code: "ccpa-unknown-purpose",
  profiles: "wire",
  means: "A CCPA purpose of any other name than `data_sale_opt_out`",
  advice: "Use that one; true means that the user opted out",
  at: [otherKeys("CcpaConsentState")],
  check: (_, name) => ({
    message: `${quote(String(name))} is no purpose under CCPA.`,
    hint: 'The only one is "data_sale_opt_out", and true means that the user opted out.',
  }),
});

export const consentIncomplete = lint({
  code: "consent-incomplete",
  profiles: "wire",
  means: "Consent whose decision or time is null",
  advice: "Leave the purpose out, or fill in both",
  at: [key("ConsentPurpose", "consented"), key("ConsentPurpose", "timestamp_unixtime_ms")],
  check: (value) =>
    value === null
      ? { message: "consent needs both a decision and its time.", hint: "Leave the purpose out, or fill it in." }
      : undefined,
});

const COMMERCE_PAYLOADS = knownShape("CommerceEventData").atMostOne;

export const commerceWithoutPayload = objectLint({
  code: "commerce-without-payload",
  means: "A commerce event without product action, promotion action or impressions; so with `data: null`",
  advice: "Add the one that it is about",
  at: [object("CommerceEventData")],
  check: (data) =>
    COMMERCE_PAYLOADS.some((name) => data[name] !== undefined && data[name] !== null)
      ? undefined
      : {
          message: "it says nothing about products, promotions or impressions.",
          hint: `Give one of ${COMMERCE_PAYLOADS.join(", ")}.`,
          isAbsence: true,
        },
});

export const commerceWithSeveralPayloads = objectLint({
  code: "commerce-with-several-payloads",
  means: "A commerce event with two or three of these",
  advice: "Send one event for each",
  at: [object("CommerceEventData")],
  check: (data) => {
    const payloads = COMMERCE_PAYLOADS.filter((name) => data[name] !== undefined && data[name] !== null);
    return payloads.length > 1
      ? { message: `${payloads.join(" and ")} exclude each other.`, hint: "Send one event for each." }
      : undefined;
  },
});

/** Without its transaction, none of these can be told from its repetition. */
const TRANSACTIONS: readonly unknown[] = ["purchase", "refund"];

export const transactionMissing = objectLint({
  code: "transaction-missing",
  means:
    "A purchase or refund without `transaction_id`: it cannot be told from its repetition, nor a refund be matched",
  advice: "Set `transaction_id`, as `purchase` and `refund` ask for it",
  at: [object("ProductAction")],
  check: (action) =>
    TRANSACTIONS.includes(action["action"]) && isNothing(action["transaction_id"])
      ? {
          message: `a ${String(action["action"])} without transaction_id cannot be told from its repetition.`,
          hint: "Set transaction_id to the id of the order.",
          at: "transaction_id",
          isAbsence: true,
        }
      : undefined,
});

export const productWithoutId = objectLint({
  code: "product-without-id",
  means: "A product with neither `id` nor `name`: nobody can tell which it is",
  advice: "Set `id` to the SKU, or at least `name`",
  at: [object("Product")],
  check: (product) =>
    isNothing(product["id"]) && isNothing(product["name"])
      ? { message: "it has neither id nor name.", hint: "Set id to the SKU of the product.", isAbsence: true }
      : undefined,
});
