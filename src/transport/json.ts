import { EXACT_INTEGERS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError } from "../errors.ts";

type IntegerKind = "int64" | "uint64";
type ExactFields = readonly (readonly [name: string, kind: IntegerKind])[];
/** Payloads reach this file from JavaScript as well, so it reads them as unknown members. */
type Members = Readonly<Record<string, unknown>>;

const BATCH_FIELDS: ExactFields = /* @__PURE__ */ Object.entries(EXACT_INTEGERS.batch);
const EVENT_DATA_FIELDS: ExactFields = /* @__PURE__ */ Object.entries(EXACT_INTEGERS.eventData);
const BATCH_FIELD_NAMES = /* @__PURE__ */ Object.keys(EXACT_INTEGERS.batch);
const EVENT_DATA_FIELD_NAMES = /* @__PURE__ */ Object.keys(EXACT_INTEGERS.eventData);

const RANGES: Readonly<Record<IntegerKind, readonly [min: bigint, max: bigint]>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Deep enough for any real payload, shallow enough that a cycle is found at once. */
const MAX_DEPTH = 200;

/**
 * The JSON text of a batch as it travels: 64-bit ids given as `bigint`, digits or a safe number become integer literals.
 *
 * @param batch - the batch; it is not changed.
 * @throws InvalidBatchError - for an id that a number has already rounded or that is no integer, and for what JSON cannot hold.
 */
export function serializeBatch(batch: Batch): string {
  const members = asMembers(batch, "", "a batch");
  const head = areExact(members, BATCH_FIELD_NAMES) ? members : withExactIntegers(members, BATCH_FIELDS, "");
  const events = members["events"];
  if (!Array.isArray(events)) return serialize(head);
  const exactEvents = mapChanged(events, (event, index) =>
    isExact(event) ? event : withExactEvent(event, `/events/${String(index)}`),
  );
  return serialize(exactEvents === events ? head : { ...head, events: exactEvents });
}

/**
 * The JSON text of one event, for a batch that is put together from its parts.
 *
 * @param event - the event; it is not changed.
 * @throws InvalidBatchError - as {@link serializeBatch}; the path starts at the event.
 */
export function serializeEvent(event: Event): string {
  return serialize(isExact(event) ? event : withExactEvent(asMembers(event, "", "an event"), ""));
}

/**
 * Reads JSON text without rounding: integer literals that a number cannot hold become strings of digits.
 *
 * @param text - JSON text, such as {@link serializeBatch} makes.
 * @throws SyntaxError - when it is not JSON.
 */
export function parseExact(text: string): unknown {
  return JSON.parse(
    text.replace(JSON_TOKEN, (token) =>
      token.startsWith('"') || !INTEGER.test(token) || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
    ),
  );
}

const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;

/** Whether an event has nothing to change: nearly all have not, and this is all that it costs them. */
function isExact(event: unknown): boolean {
  if (!isMembers(event) || !isMembers(event["data"])) return false;
  const { data } = event;
  return data["breadcrumbs"] === undefined && areExact(data, EVENT_DATA_FIELD_NAMES);
}

function areExact(members: Members, names: readonly string[]): boolean {
  for (const name of names) if (!isExactInteger(members[name])) return false;
  return true;
}

function isExactInteger(value: unknown): boolean {
  return value === undefined || value === null || Number.isSafeInteger(value);
}

function withExactEvent(event: unknown, path: string): unknown {
  if (!isMembers(event) || !isMembers(event["data"])) return event;
  const data = withExactData(event["data"], `${path}/data`);
  return data === event["data"] ? event : { ...event, data };
}

/** Crash reports carry breadcrumbs, each an event or (as some senders do) bare event data, with ids of their own. */
function withExactData(data: Members, path: string): Members {
  const exact = withExactIntegers(data, EVENT_DATA_FIELDS, path);
  const breadcrumbs = data["breadcrumbs"];
  if (!Array.isArray(breadcrumbs)) return exact;
  const exactBreadcrumbs = mapChanged(breadcrumbs, (breadcrumb, index) => {
    const at = `${path}/breadcrumbs/${String(index)}`;
    if (!isMembers(breadcrumb)) return breadcrumb;
    return "event_type" in breadcrumb
      ? withExactEvent(breadcrumb, at)
      : withExactIntegers(breadcrumb, EVENT_DATA_FIELDS, at);
  });
  return exactBreadcrumbs === breadcrumbs ? exact : { ...exact, breadcrumbs: exactBreadcrumbs };
}

/** The same object unless a field has to change. */
function withExactIntegers(members: Members, fields: ExactFields, path: string): Members {
  let copy: Record<string, unknown> | undefined;
  for (const [name, kind] of fields) {
    const value = members[name];
    if (isExactInteger(value)) continue;
    copy ??= { ...members };
    copy[name] = toExactInteger(value, kind, `${path}/${name}`);
  }
  return copy ?? members;
}

function toExactInteger(value: unknown, kind: IntegerKind, path: string): bigint {
  const integer =
    typeof value === "bigint" ? value : typeof value === "string" && INTEGER.test(value) ? BigInt(value) : undefined;
  const [min, max] = RANGES[kind];
  if (integer !== undefined && integer >= min && integer <= max) return integer;
  if (integer !== undefined) {
    throw refuse(
      "integer-out-of-range",
      path,
      `${String(integer)} is outside ${kind}.`,
      `Expected ${String(min)} to ${String(max)}.`,
    );
  }
  if (typeof value === "number" && Number.isInteger(value)) {
    throw refuse("unsafe-integer", path, `the number ${String(value)} is beyond 2^53 and has been rounded.`, ID_HINT);
  }
  throw refuse("not-an-integer", path, `expected a 64-bit integer, got ${describe(value)}.`, ID_HINT);
}

const ID_HINT = "Pass the id as a bigint or as a string of digits.";

/** Native speed unless a bigint is inside; then, and only then, our own writer, byte for byte the same otherwise. */
function serialize(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // A TypeError means a bigint or a cycle, a RangeError nesting that exhausted the stack; a throwing toJSON is the caller's.
    if (cause instanceof RangeError) throw tooDeep("", cause);
    if (!(cause instanceof TypeError)) throw cause;
    return write(value, "", 0) ?? "null";
  }
}

function write(value: unknown, path: string, depth: number): string | undefined {
  if (depth > MAX_DEPTH) throw tooDeep(path.split("/", 8).join("/"));
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (hasToJson(value)) return write(value.toJSON(""), path, depth + 1);
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, `${path}/${String(index)}`, depth + 1) ?? "null").join(",")}]`;
  }
  const parts: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    const text = write(member, `${path}/${key}`, depth + 1);
    if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function mapChanged(items: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const changed = change(items[index], index);
    if (changed !== items[index]) (copy ??= [...items])[index] = changed;
  }
  return copy ?? items;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asMembers(value: unknown, path: string, what: string): Members {
  if (isMembers(value)) return value;
  throw refuse("not-an-object", path, `expected ${what}, got ${describe(value)}.`);
}

function describe(value: unknown): string {
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (typeof value === "number" || typeof value === "boolean") return `the ${typeof value} ${String(value)}`;
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

function tooDeep(path: string, cause?: unknown): InvalidBatchError {
  return refuse(
    "not-serializable",
    path,
    "the value refers to itself or is nested too deeply for JSON.",
    undefined,
    cause,
  );
}

function refuse(code: string, path: string, message: string, hint?: string, cause?: unknown): InvalidBatchError {
  return new InvalidBatchError([{ severity: "error", code, path, message, hint }], { cause });
}
