import { EXACT_INTEGERS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError, type Finding } from "../errors.ts";
import { describe } from "../rules/describe-value.ts";
import { findInexact } from "../rules/exact-integers.ts";
import { isObject as isMembers, type Members } from "../rules/objects.ts";

type ExactIntegerKind = "int64" | "uint64";
type IntegerFields = Readonly<Record<string, ExactIntegerKind>>;
/** Members that may be read by names of the contract alone. */
type BatchIds = Readonly<Partial<Record<keyof typeof EXACT_INTEGERS.batch, unknown>>>;
export type EventIds = Readonly<Partial<Record<keyof typeof EXACT_INTEGERS.eventData, unknown>>>;

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
 * As {@link serializeBatch}, of a batch of which is known that {@link areBatchIdsExact} holds for it and
 * {@link areEventIdsExact} for the data of each of its events, without breadcrumbs: it need not be looked through again.
 */
export function serializeExactBatch(batch: Batch): string {
  return serialize(batch, "batch");
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
  if (mark === undefined) return text;
  markedInteger ??= new RegExp(`"${mark}(-?\\d+)"`, "g");
  return text.replace(markedInteger, "$1");
}

function serialize(root: unknown, role: "batch" | "event", markRoot?: typeof markEvent): string {
  if (!isMembers(root)) throw refuseRoot(root, role);
  // A bigint with a `toJSON`, which many applications give it, is no longer one when `JSON.stringify` has called it.
  if ("toJSON" in BigInt.prototype) return serializeMemberwise(root, role);
  const marked = markRoot === undefined ? root : markRoot(root, "");
  if (marked === undefined) return serializeMemberwise(root, role);
  try {
    const text = JSON.stringify(marked);
    return marked === root ? text : unmarkText(text);
  } catch {
    // A bigint where no id is, most likely.
    return serializeMemberwise(root, role);
  }
}

/*
 * The quick way: where ids are found without calling anything of the caller's, they are marked on a copy, and
 * `JSON.stringify` does the rest at its full speed. Each function gives back what it got when there is nothing to mark,
 * and `undefined` when a `toJSON` decides what the ids are.
 */

function markBatch(batch: Members): Members | undefined {
  if (batch["toJSON"] !== undefined) return undefined;
  const head = areBatchIdsExact(batch) ? batch : markMembers(batch, BATCH_FIELDS, "");
  return head && markItems(head, "events", "", markEvent);
}

function markEvent(event: Members, path: string): Members | undefined {
  if (isExactEvent(event)) return event;
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

/** Whether `JSON.stringify` writes the ids of a batch, apart from those of its events, as they are. */
export function areBatchIdsExact({ mpid, batch_id, origin_mpid }: BatchIds): boolean {
  return isExact(mpid) && isExact(batch_id) && isExact(origin_mpid);
}

/** Whether `JSON.stringify` writes all ids of an event as they are, as it does in nearly all. Builds no path. */
function isExactEvent({ toJSON, data }: Members): boolean {
  if (toJSON !== undefined || !isMembers(data)) return false;
  return data["toJSON"] === undefined && data["breadcrumbs"] === undefined && areEventIdsExact(data);
}

/**
 * All fields of {@link EVENT_DATA_FIELDS}, one by one: a loop over their names takes five times as long, and so do six
 * calls in a process that has not run long. The compiler refuses a field that the contract has no more, and a test of
 * `isReadyBatch` asks for each that it has.
 */
export function areEventIdsExact(data: EventIds): boolean {
  return (
    (data.event_id === undefined || isExact(data.event_id)) &&
    (data.session_id === undefined || isExact(data.session_id)) &&
    (data.ios_image_base_address === undefined || isExact(data.ios_image_base_address)) &&
    (data.ios_image_size === undefined || isExact(data.ios_image_size)) &&
    (data.previous_mpid === undefined || isExact(data.previous_mpid)) &&
    (data.current_mpid === undefined || isExact(data.current_mpid))
  );
}

/**
 * Whether `JSON.stringify` writes it as the integer that it is. This is the fast form of `findInexact` in
 * `rules/exact-integers.ts`, which knows digits and bigints as well, and decides wherever this one says no.
 */
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
  const markValue = function (this: Members, key: string, value: unknown): unknown {
    while (open.length > 0 && open.at(-1)?.object !== this) open.pop();
    const parent = open.at(-1);
    if (parent === undefined && !isMembers(value)) throw refuseRoot(value, rootRole);
    const integer = readBigInt(value);
    const kind = kindOf(key, parent?.role);
    if (kind !== undefined) {
      const id = integer ?? unbox(value);
      if (isExact(id)) return id;
      return exactInteger(id, kind, pointerTo(open, key));
    }
    if (integer !== undefined) return markInteger(integer);
    if (typeof value !== "object" || value === null) return value;
    const object = hidesBigInts ? markBigInts(value) : value;
    open.push({ object, key, role: parent === undefined ? rootRole : roleOf(object, key, parent.role) });
    return object;
  };
  let text: string;
  try {
    text = JSON.stringify(root, markValue);
  } catch (cause) {
    const entered = open.pop();
    const isCycle = cause instanceof TypeError && open.some(({ object }) => object === entered?.object);
    const isTooDeep = cause instanceof RangeError && open.length > DEEP;
    if (!isCycle && !isTooDeep) throw cause; // of the caller's own code
    const path = entered === undefined ? "" : pointerTo(open, entered.key).split("/", MAX_SHOWN_STEPS).join("/");
    const message = "the value refers to itself or is nested too deeply for JSON.";
    throw refuse({ code: "not-serializable", path, message }, cause);
  }
  return unmarkText(text);
}

/** Deeper than any real payload: an error there is about the depth, and one above it is the caller's own. */
const DEEP = 200;
const MAX_SHOWN_STEPS = 8;

function kindOf(key: string, parent: Role | undefined): ExactIntegerKind | undefined {
  const fields = parent === "batch" ? BATCH_FIELDS : parent === "data" ? EVENT_DATA_FIELDS : {};
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
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

/** A copy with marks in place of its bigints, where it has any: their own `toJSON` would round them, or throw. */
function markBigInts(object: object): object {
  let copy: object | undefined;
  for (const key of Object.keys(object)) {
    const integer = readBigInt(Reflect.get(object, key));
    if (integer === undefined) continue;
    copy ??= Array.isArray(object) ? Array.from<unknown>(object) : { ...object };
    Object.defineProperty(copy, key, { value: markInteger(integer), enumerable: true });
  }
  return copy ?? object;
}

/** A bigint, also one in a box or behind a mark. */
function readBigInt(value: unknown): bigint | undefined {
  if (typeof value === "string")
    return mark !== undefined && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : undefined;
  return typeof value === "bigint"
    ? value
    : mayBeBox(value)
      ? tryTo(() => BigInt.prototype.valueOf.call(value))
      : undefined;
}

/** `Object("5")` and the like, as `JSON.stringify` sees them. */
function unbox(value: unknown): unknown {
  if (!mayBeBox(value)) return value;
  const box: unknown = value;
  if (tryTo(() => String.prototype.valueOf.call(box)) !== undefined) return String(box);
  return tryTo(() => Number.prototype.valueOf.call(box)) === undefined ? value : Number(box);
}

function mayBeBox(value: unknown): boolean {
  if (!isMembers(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null;
}

/** Only the methods of a box can tell a box from what pretends to be one: they throw for everything else. */
function tryTo<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The marked literal of an id. */
function exactInteger(value: unknown, kind: ExactIntegerKind, path: string): string {
  const problem = findInexact(value, kind);
  if (problem !== undefined) throw refuse({ ...problem, path });
  return markInteger(BigInt(value as bigint | string)); // as whoever finds no problem with it has seen
}

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
  let result = "";
  let copied = 0;
  // One pattern for strings and numbers would run out of stack in a string of some megabytes.
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const between = quote === -1 ? text.slice(at) : text.slice(at, quote);
    if (LONG_INTEGER.test(between)) {
      result += text.slice(copied, at);
      result += between.replace(NUMBER, (number) =>
        INTEGER.test(number) && !Number.isSafeInteger(Number(number)) ? `"${prefix}${number}"` : number,
      );
      copied = at + between.length;
    }
    if (quote === -1) break;
    at = endOfString(text, quote);
  }
  return result + text.slice(copied);
}

/** Behind the quote that ends the string which starts at `start`; the end of a text without one. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - escapes - 1] === "\\") escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

const LONG_INTEGER = /\d{16}/;
const NUMBER = /-?\d[\d.eE+-]*/g;
const INTEGER = /^-?\d+$/;

/** Of a value that `JSON.parse` made. One object after the other, because a value may be nested deeper than calls may. */
function unmarkValues(root: unknown, prefix: string): unknown {
  const unmark = (value: unknown): unknown => {
    if (typeof value === "string" && value.startsWith(prefix)) return BigInt(value.slice(prefix.length));
    if (!isPrimitive(value)) pending.push(value as Record<string, unknown>);
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

function refuseRoot(value: unknown, role: "batch" | "event"): InvalidBatchError {
  const message = `expected ${role === "batch" ? "a batch" : "an event"}, got ${describe(value)}.`;
  return refuse({ code: "not-an-object", path: "", message });
}

function refuse(finding: Omit<Finding, "severity">, cause?: unknown): InvalidBatchError {
  return new InvalidBatchError([{ severity: "error", ...finding }], { cause });
}
