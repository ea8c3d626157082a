import { EVENT_TYPES, LIMITS } from "../../generated/contract.ts";
import type { ValidationError } from "../../generated/validators/canonical.js";
import { jsonMembers, type ExactIntegerKind, type ExactIntegerProblem } from "../../generated/validators/checks.js";
import type { SchemaCode } from "./codes.ts";
import { describe, quote } from "../rules/describe-value.ts";
import { ENVIRONMENT_MISSING } from "../rules/environment.ts";
import { describeInexact } from "../rules/exact-integers.ts";
import { isObject, type Members } from "../rules/objects.ts";
import type { Statement } from "../rules/statement.ts";
import { knownShape, placeAt, type KnownShape, type Place } from "./known-shapes.ts";
import { nearest } from "../rules/nearest-name.ts";
import { appendToken, tokensOf } from "./pointer.ts";
import type { Report } from "./report.ts";
import { isTimestampKey } from "./timestamp-keys.ts";
import { describeUnsent } from "./unsent-members.ts";
import { describeUnknownKey, eventTypeByKeys, isEventDataKey, meantKey, type Profile } from "./unknown-keys.ts";

type SchemaStatement = Statement<SchemaCode>;

/** The validators stop long before; this only holds should they ever not. */
const MAX_ERRORS_READ = 10_000;

/**
 * Translates what a validator found into findings for people: one for each mistake, on the field, with what was expected.
 *
 * @param errors - the errors of the validator that was asked.
 */
export function reportSchemaErrors(
  batch: unknown,
  errors: readonly ValidationError[],
  profile: Profile,
  report: Report,
): void {
  const read = errors.slice(0, MAX_ERRORS_READ);
  const keys = groupKeyErrors(read);
  const at = (tokens: readonly string[]): Place => placeAt(batch, tokens, profile === "wire");
  for (const error of read) {
    if (report.full("error")) return;
    const path = error.instancePath;
    const ofObject = keys.get(path);
    if (ofObject !== undefined && isKeyError(error)) {
      // An object's missing and unknown keys are told together, where the first of them comes up.
      if (ofObject.told) continue;
      ofObject.told = true;
      reportKeyErrors(path, at(tokensOf(path)), ofObject, profile, report);
    } else if (error.keyword === "discriminator") {
      reportUnknownEventType(path, error, report);
    } else if (error.keyword === "propertyNames") {
      report.add(appendToken(path, textParam(error, "propertyName")), "error", describeKeyName(error));
    } else {
      const tokens = tokensOf(path);
      const key = tokens.findLast((token) => !/^\d+$/.test(token)) ?? "";
      report.add(path, "error", describeValueError(error, at(tokens), key, tokens));
    }
  }
}

/** The keys that one object lacks and has too much. */
interface KeyErrors {
  readonly missing: string[];
  readonly unknown: string[];
  told: boolean;
}

function isKeyError({ keyword }: ValidationError): boolean {
  return keyword === "required" || keyword === "additionalProperties" || keyword === "unevaluatedProperties";
}

function groupKeyErrors(errors: readonly ValidationError[]): Map<string, KeyErrors> {
  const groups = new Map<string, KeyErrors>();
  for (const error of errors) {
    if (!isKeyError(error)) continue;
    let group = groups.get(error.instancePath);
    if (group === undefined) {
      group = { missing: [], unknown: [], told: false };
      groups.set(error.instancePath, group);
    }
    if (error.keyword === "required") group.missing.push(textParam(error, "missingProperty"));
    else group.unknown.push(textParam(error, error.keyword.replace("ies", "y")));
  }
  return groups;
}

function reportKeyErrors(path: string, place: Place, errors: KeyErrors, profile: Profile, report: Report): void {
  const object: Members = isObject(place.value) ? place.value : {};
  const shape = place.shape ?? knownShape("");
  if (errors.unknown.length > 0) report.noteMisspelt(path, "error");
  if (shape.name === "Event" && object["data"] === undefined && reportUnwrappedEvent(path, object, report)) return;
  const stray = errors.unknown.length > 0 ? errors.unknown : strayKeys(object, shape, profile);
  const told = new Set<string>();
  for (const missing of errors.missing) {
    if (object[missing] !== undefined) {
      report.add(appendToken(path, missing), "error", describeUnsent(object, missing));
      continue;
    }
    // A required key that is there under a slip of the pen is one mistake, not two.
    const misspelt = stray.find((key) => !told.has(key) && meantKey(key, shape, profile) === missing);
    if (misspelt === undefined) report.add(appendToken(path, missing), "error", describeMissing(missing, shape));
    else {
      told.add(misspelt);
      report.noteMisspelt(path, "error");
      report.add(appendToken(path, misspelt), "error", {
        code: "unknown-key",
        message: `${quote(misspelt)} is not a key of ${shape.name}, and the required "${missing}" is missing.`,
        hint: `Did you mean "${missing}"?`,
      });
    }
  }
  for (const key of errors.unknown) {
    if (report.full("error")) return;
    if (!told.has(key)) report.add(appendToken(path, key), "error", describeStrayKey(key, shape, profile, object[key]));
  }
}

/** Keys of an object that the profile lets pass and nobody knows. */
function strayKeys(object: Members, shape: KnownShape, profile: Profile): string[] {
  const stray: string[] = [];
  for (const key in jsonMembers(object)) {
    if (stray.length === 100) break; // enough to look for a misspelling among
    if (!shape.keys.has(key) && !(profile === "wire" && shape.wireOnly.has(key))) stray.push(key);
  }
  return stray;
}

function describeStrayKey(key: string, shape: KnownShape, profile: Profile, value: unknown): SchemaStatement {
  const wireOnly = profile === "canonical" ? shape.wireOnly.get(key) : undefined;
  if (wireOnly === undefined) return describeUnknownKey(key, shape, profile, value);
  const { insteadUse, note } = wireOnly;
  return {
    code: "wire-only-key",
    message: `"${key}" is not for senders. ${note}`,
    hint:
      insteadUse === undefined ? 'Remove it, or check replayed data with profile "wire".' : `Write "${insteadUse}".`,
  };
}

function describeMissing(key: string, shape: KnownShape): SchemaStatement {
  if (key === "environment" && shape.name === "Batch") return ENVIRONMENT_MISSING;
  const what = shape.name === "" ? "here" : `in ${shape.name}`;
  return { code: "missing-key", message: `"${key}" is required ${what}.` };
}

/** Event data where the event belongs, without the object around it that says which event it is. */
function reportUnwrappedEvent(path: string, event: Members, report: Report): boolean {
  const keys = Object.keys(event).filter(isEventDataKey);
  if (keys.length === 0) return false;
  const given = event["event_type"];
  const type = typeof given === "string" ? given : (eventTypeByKeys(keys) ?? "…");
  report.add(path, "error", {
    code: "event-not-wrapped",
    message: `${keys.slice(0, 3).join(", ")} ${keys.length === 1 ? "belongs" : "belong"} into the "data" of an event.`,
    hint: `Write { event_type: "${type}", data: { … } }, or make the event with its factory.`,
  });
  return true;
}

function reportUnknownEventType(path: string, error: ValidationError, report: Report): void {
  const { tagValue } = error.params;
  const meant = typeof tagValue === "string" ? nearest(tagValue, EVENT_TYPES) : undefined;
  report.add(appendToken(path, "event_type"), "error", {
    code: "unknown-event-type",
    message: `expected an event type, got ${describe(tagValue)}.`,
    hint: meant === undefined ? `Event types are ${EVENT_TYPES.join(", ")}.` : `Did you mean "${meant}"?`,
  });
}

function describeKeyName(error: ValidationError): SchemaStatement {
  const { limit, failed } = error.params;
  if (failed !== "maxLength") return { code: "invalid-value", message: `${error.message}.` };
  const name = textParam(error, "propertyName");
  return {
    code: "attribute-name-too-long",
    message: `the name has ${String(characters(name))} characters; expected at most ${String(limit)}.`,
  };
}

/** What is wrong about one value, for whatever keyword refused it. */
function describeValueError(
  error: ValidationError,
  { value, shape }: Place,
  key: string,
  tokens: readonly string[],
): SchemaStatement {
  const { params } = error;
  switch (error.keyword) {
    case "type":
      return describeWrongType(listParam(params["type"]), value, key, tokens, shape);
    case "enum":
      return describeNotAmong(listParam(params["allowedValues"]), value, key);
    case "const":
      return describeNotAmong([params["allowedValue"]], value, key);
    case "minLength":
      return { code: "empty-value", message: "expected some text, got an empty string." };
    case "maxLength":
      return {
        code: "value-too-long",
        message: `${sizeOf(value)} characters; expected at most ${String(params["limit"])}.`,
        hint: "The service may refuse the batch: shorten the text before sending.",
      };
    case "maxItems":
      return {
        code: "list-too-long",
        message: `${sizeOf(value)} entries; expected at most ${String(params["limit"])}.`,
        hint: "The service may refuse the batch: send fewer entries.",
      };
    case "maxProperties":
      return {
        code: "too-many-attributes",
        message: `${sizeOf(value)} attributes; expected at most ${String(params["limit"])}.`,
        hint: "The service may refuse the batch: send fewer attributes.",
      };
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return {
        code: "out-of-range",
        message: `expected ${RANGE_WORDS[error.keyword]} ${String(params["limit"])}, got ${describe(value)}.`,
      };
    case "pattern":
      return {
        code: "bad-format",
        message: `expected text of the form ${String(params["pattern"])}, got ${describe(value)}.`,
      };
    case "format":
      return describeWrongFormat(params["format"], value);
    case "x-exact":
      // As the runtime of the validators has it: of these parameters their type says nothing.
      return describeInexact(params["problem"] as ExactIntegerProblem, params["kind"] as ExactIntegerKind, value);
    default:
      return { code: "invalid-value", message: `${error.message}.` };
  }
}

const RANGE_WORDS = {
  minimum: "at least",
  maximum: "at most",
  exclusiveMinimum: "more than",
  exclusiveMaximum: "less than",
} as const;

const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "a boolean",
  integer: "an integer",
  null: "null",
  number: "a number",
  object: "an object",
  string: "a string",
};

function describeWrongType(
  types: readonly unknown[],
  value: unknown,
  key: string,
  tokens: readonly string[],
  shape: KnownShape | undefined,
): SchemaStatement {
  const onlyObject = types.length === 1 && types[0] === "object";
  // Null stands for a value left out, so it is not among what is asked for, unless nothing else is.
  const asked = types.filter((type) => type !== "null" || types.length === 1);
  const expected = asked.map((type) => TYPE_WORDS[String(type)] ?? String(type)).join(" or ");
  return {
    code: onlyObject ? "not-an-object" : "wrong-type",
    message: `expected ${onlyObject && tokens.length === 0 ? "a batch" : expected}, got ${describe(value)}.`,
    hint: hintForWrongType(asked, value, key, tokens, shape),
  };
}

function hintForWrongType(
  types: readonly unknown[],
  value: unknown,
  key: string,
  tokens: readonly string[],
  shape: KnownShape | undefined,
): string | undefined {
  const wantsNumber = types.includes("integer") || types.includes("number");
  if (typeof value === "number" && !Number.isFinite(value)) return "JSON has no such number and turns it into null.";
  if (wantsNumber && isTimestampKey(key)) return hintForTimestamp(value);
  if (value instanceof Map) return "A Map has no members in JSON: pass Object.fromEntries(map).";
  if (value instanceof Set) return "A Set has no members in JSON: pass an array.";
  if (wantsNumber && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return `Pass it as a number: ${value.trim().slice(0, 40)}.`;
  }
  if (wantsNumber && typeof value === "bigint") return "Only 64-bit ids are bigints: pass Number(value).";
  if (types.includes("integer") && typeof value === "number") return "Round it first.";
  if (types.includes("boolean") && (value === "true" || value === "false")) return `Pass ${value} without quotes.`;
  if (types.includes("string")) {
    if (value instanceof Date) return "Pass it as text: date.toISOString().";
    if (typeof value === "number" || typeof value === "bigint")
      return `Pass it as a string: "${String(value).slice(0, 40)}".`;
    if (tokens.includes("custom_attributes") && typeof value === "object" && value !== null) {
      return "Attributes hold neither lists nor objects: use several attributes, or JSON.stringify it.";
    }
    if (tokens.includes("user_attributes") && isObject(value))
      return "Attributes hold no objects: use several attributes.";
  }
  if (types.includes("object") && Array.isArray(value)) {
    if (shape?.name === "UserIdentities")
      return 'Write { customer_id: "…", email: "…" }: only the service\'s output is a list.';
    if (tokens.length === 0) return "Check each batch by itself.";
  }
  if (types.includes("array") && isObject(value)) return "Put it into an array.";
  return undefined;
}

/** At the end of a time as text; also as `date.toString()` writes it. */
const ZONE = /(Z|UTC|GMT|[ECMP][DS]T|[+-]\d\d(:?\d\d)?)\s*(\([^)]*\))?\s*$/i;

function hintForTimestamp(value: unknown): string {
  if (value instanceof Date) return "Pass its milliseconds: date.getTime().";
  if (typeof value === "bigint") return "Pass Number(value).";
  if (typeof value === "number") {
    return value < LIMITS.secondsSuspectBelowMs
      ? "It looks like seconds with a fraction: pass Math.round(seconds * 1000)."
      : "Pass whole milliseconds: Math.trunc(value).";
  }
  if (typeof value !== "string") return "Pass milliseconds since the Unix epoch, such as Date.now().";
  if (value.trim() !== "" && Number.isFinite(Number(value)))
    return `Pass it as a number: ${value.trim().slice(0, 40)}.`;
  const time = Date.parse(value);
  // Read as it is, it would be the time of this machine's zone.
  if (!Number.isNaN(time) && /\d:\d/.test(value) && !ZONE.test(value))
    return 'Pass the milliseconds of a time with its zone, such as Date.parse("2026-11-28T10:00:00Z").';
  return Number.isNaN(time)
    ? "Pass milliseconds since the Unix epoch, such as Date.now()."
    : `Pass milliseconds: Date.parse(text), here ${String(time)}.`;
}

/** Words for an environment that are not near enough to be misspellings. */
const ENVIRONMENT_WORDS: Readonly<Record<string, string>> = {
  live: "production",
  qa: "development",
  sandbox: "development",
  stage: "development",
  staging: "development",
  test: "development",
  testing: "development",
};

function describeNotAmong(allowed: readonly unknown[], value: unknown, key: string): SchemaStatement {
  const texts = allowed.filter((item) => typeof item === "string");
  const list = allowed.filter((item) => item !== null).map((item) => JSON.stringify(item));
  const expected = list.length === 1 ? list.join() : `one of ${list.join(", ")}`;
  return {
    code: "value-not-allowed",
    message: `expected ${expected}, got ${describe(value)}.`,
    hint: typeof value === "string" ? hintForNotAmong(texts, value, key) : undefined,
  };
}

function hintForNotAmong(texts: readonly string[], value: string, key: string): string | undefined {
  if (key === "action" && value === "remove_from_wishlist") {
    return 'Write "remove_from_wish_list": the API spells this one action with one more underscore.';
  }
  if (key === "action" && value === "unknown") return "Send a custom event: no product action stands for others.";
  const words = key === "environment" && Object.hasOwn(ENVIRONMENT_WORDS, value) ? ENVIRONMENT_WORDS[value] : undefined;
  const meant = words ?? nearest(value, texts);
  return meant === undefined ? undefined : `Did you mean "${meant}"?`;
}

function describeWrongFormat(format: unknown, value: unknown): SchemaStatement {
  if (format === "int32") {
    return { code: "integer-out-of-range", message: `expected an integer of 32 bits, got ${describe(value)}.` };
  }
  if (format !== "uuid") {
    return { code: "bad-format", message: `expected text in the format ${String(format)}, got ${describe(value)}.` };
  }
  return {
    code: "malformed-uuid",
    message: `expected a UUID, got ${describe(value)}.`,
    hint: value === "" ? "Leave it out when there is none." : "A UUID has 8-4-4-4-12 hexadecimal digits.",
  };
}

function sizeOf(value: unknown): string {
  if (typeof value === "string") return String(characters(value));
  if (Array.isArray(value)) return String(value.length);
  return isObject(value) ? String(Object.keys(value).length) : "too many";
}

/** As JSON Schema counts: code points. Where that would take long, UTF-16 units will do for a message. */
function characters(text: string): number {
  return text.length > 100_000 ? text.length : Array.from(text).length;
}

function listParam(param: unknown): readonly unknown[] {
  return Array.isArray(param) ? param : [param];
}

function textParam(error: ValidationError, name: string): string {
  const param = error.params[name];
  return typeof param === "string" ? param : "";
}
