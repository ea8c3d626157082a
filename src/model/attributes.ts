import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/** What is data of an object: its members, those that its class computes among them, without its methods. */
export type DataOf<Source extends object> = {
  [Key in keyof Source as Key extends string ? (Source[Key] extends Method ? never : Key) : never]: Source[Key];
};

/** Any function is one of these: nothing can be said about its parameters. */
type Method = (...parameters: never) => unknown;

/**
 * Attributes from an object whose type is an `interface` or a class, which TypeScript does not take for a map. A literal,
 * or an object whose type is an alias, needs no help. Which values attributes may have is checked where they are used.
 *
 * @param source - the object. It is not changed; getters of its class are read, methods and symbols left out. A member
 *   that is `private` to TypeScript alone is an ordinary one to JavaScript, and is sent.
 * @throws TypeError - for what only JavaScript can pass: a list, or no object.
 * @example customEvent("signed up", "other", { custom_attributes: attributesFrom(plan) })
 */
export function attributesFrom<Source extends object>(source: Source): DataOf<Source> {
  const given: unknown = source;
  if (!isObject(given)) throw new TypeError(`\`source\` is ${show(given)}; expected an object.`);
  const members: Record<string, unknown> = {};
  for (const name of dataNames(given)) {
    const value = given[name];
    if (value !== undefined && typeof value !== "function") set(members, name, value);
  }
  // The members of the source that are data, one by one.
  return members as DataOf<Source>;
}

/** Own members, as JSON takes them, and what classes compute: their getters are not enumerable. */
function dataNames(object: object): ReadonlySet<string> {
  const names = new Set(Object.keys(object));
  for (let level = prototypeOf(object); level !== undefined; level = prototypeOf(level)) {
    const own = Object.getOwnPropertyDescriptors(level);
    for (const name in own) if (own[name]?.get !== undefined) names.add(name);
  }
  return names;
}

/** The prototype, unless it is the root of all: `Object.prototype` has a getter of its own, `__proto__`. */
function prototypeOf(object: object): object | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (typeof prototype !== "object" || prototype === null) return undefined;
  return Object.getPrototypeOf(prototype) === null ? undefined : prototype;
}

/** As a member of its own, whatever its name: assigning to `__proto__` would not make one. */
function set(members: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
}
