import { EXACT_INTEGERS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError } from "../errors.ts";
import { show } from "../model/show.ts";

type IntegerKind = "int64" | "uint64";
type IntegerFields = Readonly<Record<string, IntegerKind>>;
/** Payloads reach this file from JavaScript as well, so it reads them as unknown members. */
type Members = Readonly<Record<string, unknown>>;

const BATCH_FIELDS: IntegerFields = EXACT_INTEGERS.batch;
const EVENT_DATA_FIELDS: IntegerFields = EXACT_INTEGERS.eventData;

/**
 * The JSON text of a batch as it travels: the text of `JSON.stringify`, in which 64-bit ids given as `bigint`, digits or
 * a safe number are integer literals, and so is every other `bigint`.
 *
 * @param batch - the batch; it is not changed.
 * @throws InvalidBatchError - for an id that a number has already rounded or that is no integer, and for what JSON cannot hold.
 */
export function serializeBatch(batch: Batch): string {
  return serialize(batch, "batch", markBatch);
}

/**
 * The JSON text of one event, for a batch that is put together from its parts.
 *
 * @param event - the event; it is not changed.
 * @throws InvalidBatchError - as {@link serializeBatch}; the path starts at the event.
 */
export function serializeEvent(event: Event): string {
  return serialize(event, "event", markEvent);
}

/**
 * Integers that no number holds go through `JSON.stringify` as strings that start with a mark, whose quotes and mark are
 * taken off the text afterwards. The mark is random, and never leaves this file: nothing else can start with it.
 */
let mark: string | undefined;
let markedInteger: RegExp | undefined;

function markInteger(integer: bigint): string {
  return `${(mark ??= crypto.randomUUID())}${String(integer)}`;
}

function unmarkText(text: string): string {
  markedInteger ??= new RegExp(`"${String(mark)}(-?\\d+)"`, "g");
  return text.replace(markedInteger, "$1");
}

function serialize(root: unknown, role: "batch" | "event", markRoot: typeof markEvent): string {
  if (!isMembers(root)) throw refuseRoot(root, role);
  // A bigint with a `toJSON`, which many applications give it, is no longer one when `JSON.stringify` has called it.
  if ("toJSON" in BigInt.prototype) return serializeMemberwise(root, role);
  const marked = markRoot(root, "");
  if (marked === undefined) return serializeMemberwise(root, role);
  let text: string;
  try {
    text = JSON.stringify(marked);
  } catch {
    // A bigint where no id is, most likely.
    return serializeMemberwise(root, role);
  }
  return marked === root ? text : unmarkText(text);
}

/*
 * The quick way: where ids are found without calling anything of the caller's, they are marked on a copy, and
 * `JSON.stringify` does the rest at its full speed. Each function gives back what it got when there is nothing to mark,
 * and `undefined` when a `toJSON` decides what the ids are.
 */

function markBatch(batch: Members): Members | undefined {
  if (batch["toJSON"] !== undefined) return undefined;
  const head =
    isExact(batch["mpid"]) && isExact(batch["batch_id"]) && isExact(batch["origin_mpid"])
      ? batch
      : markMembers(batch, BATCH_FIELDS, "");
  return head && markItems(head, "events", "", markEvent);
}

function markEvent(event: Members, path: string): Members | undefined {
  if (event["toJSON"] !== undefined) return undefined;
  const data = event["data"];
  if (!isMembers(data)) return isPrimitive(data) ? event : undefined;
  const marked = markData(data, `${path}/data`);
  return marked === data ? event : marked && replaceMember(event, "data", marked);
}

/** Crash reports carry breadcrumbs with ids of their own: each is an event or, as some senders do, bare event data. */
function markData(data: Members, path: string): Members | undefined {
  if (data["toJSON"] !== undefined) return undefined;
  const marked = areEventIdsExact(data) ? data : markMembers(data, EVENT_DATA_FIELDS, path);
  if (data["breadcrumbs"] === undefined || marked === undefined) return marked;
  return markItems(marked, "breadcrumbs", path, (breadcrumb, at) =>
    "event_type" in breadcrumb ? markEvent(breadcrumb, at) : markData(breadcrumb, at),
  );
}

/** All fields of {@link EVENT_DATA_FIELDS}, one by one: a loop over their names takes five times as long. */
function areEventIdsExact(data: Members): boolean {
  return (
    isExact(data["event_id"]) &&
    isExact(data["session_id"]) &&
    isExact(data["ios_image_base_address"]) &&
    isExact(data["ios_image_size"]) &&
    isExact(data["previous_mpid"]) &&
    isExact(data["current_mpid"])
  );
}

/** Whether `JSON.stringify` writes it as the integer that it is. */
function isExact(value: unknown): boolean {
  return value === undefined || value === null || Number.isSafeInteger(value);
}

function markMembers(members: Members, fields: IntegerFields, path: string): Members | undefined {
  const marked: Record<string, unknown> = { ...members };
  for (const [name, kind] of Object.entries(fields)) {
    const value = marked[name];
    if (isExact(value)) continue;
    if (!isPrimitive(value)) return undefined;
    marked[name] = exactInteger(value, kind, `${path}/${name}`);
  }
  return marked;
}

function markItems(holder: Members, name: string, path: string, markItem: typeof markEvent): Members | undefined {
  const items = holder[name];
  if (isPrimitive(items)) return holder;
  if (!Array.isArray(items) || "toJSON" in items) return undefined;
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item: unknown = items[index];
    if (isPrimitive(item)) continue;
    const marked = isMembers(item) ? markItem(item, `${path}/${name}/${String(index)}`) : undefined;
    if (marked === undefined) return undefined;
    if (marked !== item) (copy ??= Array.from(items))[index] = marked;
  }
  return copy === undefined ? holder : replaceMember(holder, name, copy);
}

/** What a class inherits, or hides, is not written, and must not become a member of the copy. */
function replaceMember(members: Members, name: string, value: unknown): Members | undefined {
  return Object.prototype.propertyIsEnumerable.call(members, name) ? { ...members, [name]: value } : undefined;
}

/*
 * The way that holds for everything: `JSON.stringify` itself says what is where, after every `toJSON` and getter, and
 * asks for each value.
 */

/** What an object is to the contract. */
type Role = "batch" | "events" | "event" | "data" | "breadcrumbs" | "other";

/** An object that is being written. */
interface Open {
  readonly object: object;
  /** Where it stands in the one before it. */
  readonly key: string;
  readonly role: Role;
}

function serializeMemberwise(root: Members, rootRole: "batch" | "event"): string {
  const hidesBigInts = "toJSON" in BigInt.prototype;
  const open: Open[] = [];
  let hasMarks = false;
  const markValue = function (this: Members, key: string, value: unknown): unknown {
    while (open.length > 0 && open.at(-1)?.object !== this) open.pop();
    const parent = open.at(-1);
    if (parent === undefined && !isMembers(value)) throw refuseRoot(value, rootRole);
    const integer = (hidesBigInts ? readBigInt(this[key]) : undefined) ?? readBigInt(value);
    const kind = fieldsOf(parent?.role)?.[key];
    if (kind !== undefined) {
      const id = integer ?? unbox(value);
      if (isExact(id)) return id;
      hasMarks = true;
      return exactInteger(id, kind, pointerTo(open, key));
    }
    if (integer !== undefined) {
      hasMarks = true;
      return markInteger(integer);
    }
    if (isObject(value)) {
      open.push({ object: value, key, role: parent === undefined ? rootRole : roleOf(value, key, parent.role) });
    }
    return value;
  };
  let text: string;
  try {
    text = JSON.stringify(root, markValue);
  } catch (cause) {
    const entered = open.pop();
    const isCycle = cause instanceof TypeError && open.some(({ object }) => object === entered?.object);
    const isTooDeep = cause instanceof RangeError && open.length > DEEP;
    if (!isCycle && !isTooDeep) throw cause; // of the caller's own code
    const path = entered === undefined ? "" : pointerTo(open.slice(0, MAX_SHOWN_DEPTH), entered.key);
    const message = "the value refers to itself or is nested too deeply for JSON.";
    throw refuse("not-serializable", path, message, undefined, cause);
  }
  return hasMarks ? unmarkText(text) : text;
}

/** Deeper than any real payload: an error there is about the depth, and one above it is the caller's own. */
const DEEP = 200;
const MAX_SHOWN_DEPTH = 8;

function fieldsOf(role: Role | undefined): IntegerFields | undefined {
  return role === "batch" ? BATCH_FIELDS : role === "data" ? EVENT_DATA_FIELDS : undefined;
}

function roleOf(value: object, key: string, parent: Role): Role {
  if (Array.isArray(value)) {
    if (parent === "batch" && key === "events") return "events";
    return parent === "data" && key === "breadcrumbs" ? "breadcrumbs" : "other";
  }
  if (parent === "events") return "event";
  if (parent === "event" && key === "data") return "data";
  if (parent === "breadcrumbs") return "event_type" in value ? "event" : "data";
  return "other";
}

function pointerTo(open: readonly Open[], key: string): string {
  const keys = [...open.slice(1).map((one) => one.key), key];
  return keys.map((one) => `/${one.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function readBigInt(value: unknown): bigint | undefined {
  const primitive = isObject(value) ? unbox(value) : value;
  return typeof primitive === "bigint" ? primitive : undefined;
}

/** `Object(5n)` and the like, as `JSON.stringify` sees them. Only the methods of a box know whether there is one. */
function unbox(value: unknown): unknown {
  if (!isObject(value) || Array.isArray(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return value;
  for (const [{ valueOf }, read] of BOXES) {
    try {
      valueOf.call(value);
    } catch {
      continue;
    }
    return read(value);
  }
  return value;
}

const BOXES: readonly (readonly [{ valueOf(): unknown }, (box: object) => unknown])[] = [
  [BigInt.prototype, (box) => BigInt.prototype.valueOf.call(box)],
  [String.prototype, String],
  [Number.prototype, Number],
];

/** The marked literal of an id. */
function exactInteger(value: unknown, kind: IntegerKind, path: string): string {
  const integer =
    typeof value === "bigint" ? value : typeof value === "string" && INTEGER.test(value) ? BigInt(value) : undefined;
  const [min, max] = RANGES[kind];
  if (integer !== undefined && integer >= min && integer <= max) return markInteger(integer);
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

const RANGES: Readonly<Record<IntegerKind, readonly [min: bigint, max: bigint]>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

const ID_HINT = "Pass the id as a bigint or as a string of digits.";

/**
 * Reads JSON text without rounding: integers beyond 2^53 become a `bigint`, and everything else is as `JSON.parse` has it.
 *
 * @param text - JSON text, such as a line of a file or the body of a request.
 * @throws SyntaxError - of `JSON.parse`, when it is not JSON.
 */
export function parseJsonExact(text: string): unknown {
  // First of all, because its errors tell the position in this very text.
  const rounded: unknown = JSON.parse(text);
  if (!LONG_INTEGER.test(text)) return rounded;
  mark ??= crypto.randomUUID();
  const prefix = mark;
  const marked = quoteUnsafeIntegers(text, prefix);
  return marked === text ? rounded : unmarkValues(JSON.parse(marked), prefix);
}

/**
 * As {@link parseJsonExact}, with strings of digits in place of each `bigint`: for what is not to be told from text.
 *
 * @param text - JSON text, such as {@link serializeBatch} makes.
 * @throws SyntaxError - when it is not JSON.
 */
export function parseExact(text: string): unknown {
  return JSON.parse(quoteUnsafeIntegers(text, ""));
}

/** Every integer that a number would round becomes a string, which starts with `prefix`. */
function quoteUnsafeIntegers(text: string, prefix: string): string {
  return text.replace(JSON_TOKEN, (token) =>
    token.startsWith('"') || !INTEGER.test(token) || Number.isSafeInteger(Number(token))
      ? token
      : `"${prefix}${token}"`,
  );
}

const LONG_INTEGER = /\d{16}/;
const JSON_TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;

/** Of a value that `JSON.parse` made. One object after the other, because a value may be nested deeper than calls may. */
function unmarkValues(root: unknown, prefix: string): unknown {
  const unmark = (value: unknown): unknown => {
    if (typeof value === "string" && value.startsWith(prefix)) return BigInt(value.slice(prefix.length));
    if (isObject(value)) pending.push(value as Record<string, unknown>);
    return value;
  };
  const pending: Record<string, unknown>[] = [];
  const result = unmark(root);
  for (let object = pending.pop(); object !== undefined; object = pending.pop()) {
    for (const key of Object.keys(object)) {
      const value = object[key];
      const unmarked = unmark(value);
      // Its own member, even where it is called `__proto__`.
      if (unmarked !== value) object[key] = unmarked;
    }
  }
  return result;
}

/** Nothing that could have a `toJSON` which `JSON.stringify` would call. */
function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isMembers(value: unknown): value is Members {
  return isObject(value) && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (typeof value === "string") return `the string ${show(value)}`;
  if (typeof value === "number" || typeof value === "boolean") return `the ${typeof value} ${String(value)}`;
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

function refuseRoot(value: unknown, role: "batch" | "event"): InvalidBatchError {
  return refuse("not-an-object", "", `expected ${role === "batch" ? "a batch" : "an event"}, got ${describe(value)}.`);
}

function refuse(code: string, path: string, message: string, hint?: string, cause?: unknown): InvalidBatchError {
  return new InvalidBatchError([{ severity: "error", code, path, message, hint }], { cause });
}
