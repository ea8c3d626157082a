import type { Members } from "../rules/objects.ts";
import type { Statement } from "../rules/statement.ts";

/** More than any class has above it; a proxy can claim a prototype without end. */
const MAX_LEVELS = 100;

/** Whether an object has no members that JSON leaves out, as nearly all objects. */
export function isSentWhole(object: object): boolean {
  return isPlain(object) && Object.getOwnPropertyNames(object).length === Object.keys(object).length;
}

export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Names of what an object seems to have and JSON leaves out: members that are inherited or not enumerable.
 *
 * @param keys - those of a named object: what else its class may have is no part of a payload. Any, of a map.
 */
export function unsentNames(object: Members, keys?: readonly string[]): readonly string[] {
  if (typeof object["toJSON"] === "function") return []; // it alone knows what will be sent
  return (keys ?? namesAlong(object)).filter((name) => !isSent(object, name) && isData(object[name]));
}

function namesAlong(object: object): readonly string[] {
  const names = new Set(Object.getOwnPropertyNames(object));
  // What a Map or a typed array has from its class is said of the object as a whole.
  if (Object.prototype.toString.call(object) !== "[object Object]") return [...names];
  let level: unknown = Object.getPrototypeOf(object);
  for (let depth = 0; depth < MAX_LEVELS && typeof level === "object" && level !== null && !isRoot(level); depth++) {
    for (const name of Object.getOwnPropertyNames(level)) names.add(name);
    level = Object.getPrototypeOf(level);
  }
  return [...names];
}

/** `Object.prototype`, be it that of another realm. */
function isRoot(level: object): boolean {
  return Object.getPrototypeOf(level) === null && Object.hasOwn(level, "isPrototypeOf");
}

function isSent(object: object, name: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(object, name);
}

/** Methods are nobody's data, whether they are sent or not. */
function isData(value: unknown): boolean {
  return value !== undefined && typeof value !== "function";
}

/** What to say of such a member. */
export function describeUnsent(object: object, name: string): Statement<"lost-in-json"> {
  const why = Object.hasOwn(object, name) ? "not enumerable" : "inherited";
  return {
    code: "lost-in-json",
    message: `it is ${why}, and JSON leaves it out.`,
    hint: "Pass a plain object that has it itself.",
  };
}
