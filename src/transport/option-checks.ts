import { withArticle } from "../rules/article.ts";
import { isObject } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { show } from "../rules/show.ts";

/**
 * Misuse is named at once: the option, its value and what was expected.
 *
 * @throws RangeError - unless the value is a number above 0.
 */
export function positive(name: string, value: number): number {
  if (typeof value === "number" && value > 0) return value;
  throw new RangeError(`\`${name}\` is ${show(value)}; expected a number above 0.`);
}

/**
 * As {@link positive}, for what may also be none.
 *
 * @throws RangeError - unless the value is 0 or a number above it.
 */
export function atLeastZero(name: string, value: number): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new RangeError(`\`${name}\` is ${show(value)}; expected 0 or a number above it.`);
}

/**
 * As {@link positive}, for what is counted.
 *
 * @throws RangeError - unless the value is a whole number above 0.
 */
export function wholeNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`\`${name}\` is ${show(value)}; expected a whole number above 0.`);
}

/** What an option may be; `"any"` where somebody else looks. */
type Kind = "boolean" | "function" | "string" | "any";

/** The names of all options, and what each may be. */
export type Kinds<Options> = Readonly<Record<Extract<keyof Options, string>, Kind>>;

/**
 * As {@link positive}, for a whole object of options. A name that is none of them is a mistake that would go unnoticed:
 * a wish that nobody hears. One that is not given is left to its default.
 *
 * @param kinds - of all options there are.
 * @param what - what the options are called where they are no object: `options` of a call, or a nested option.
 * @throws TypeError - for what is no object of options, for a name that is none of them, and for a value that is not of
 * its kind.
 */
export function checkOptions<Options extends object>(
  options: Options,
  kinds: Kinds<Options>,
  what = "The options are",
): void {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`${what} ${show(given)}; expected an object.`);
  const names = Object.keys(kinds);
  // Such as a Map or a signal, whose members are not its own: none of them is an option, and nothing would be said.
  if (!isPlain(given) && !names.some((name) => name in given)) {
    const expected = `expected a plain object such as { ${names[0] ?? ""}: … }`;
    throw new TypeError(`${what} ${nameOf(given)}; ${expected}.`);
  }
  requireOptionNames(given, names);
  for (const [name, kind] of Object.entries<Kind>(kinds)) {
    const value = given[name];
    if (kind !== "any" && value !== undefined && typeof value !== kind) {
      throw new TypeError(`\`${name}\` is ${show(value)}; expected a ${kind}.`);
    }
  }
}

/** Of any realm: a test runner may have an Object of its own. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === "object" && Object.getPrototypeOf(prototype) === null);
}

function nameOf(value: object): string {
  const name = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return name === "Object" ? "an object without any of them" : withArticle(name);
}
