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
export type Kind = "boolean" | "function" | "string" | "any";

/**
 * As {@link positive}, for options that are no numbers; one that is not given is left to its default.
 *
 * @param kinds - of all options: a name that is one of them but for its case or its unit, such as `baseURL` or `timeout`,
 * is a mistake that would go unnoticed, and others may be meant for somebody else.
 * @throws TypeError - for the first that is not of its kind, or misspelt.
 */
export function checkOptions<Options extends object>(
  options: Options,
  kinds: Readonly<Record<Extract<keyof Options, string>, Kind>>,
): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options are ${show(given)}; expected an object.`);
  }
  const names = Object.keys(kinds);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const word = name.toLowerCase();
    const meant = names.find((known) => [word, `${word}ms`].includes(known.toLowerCase()));
    if (meant !== undefined) throw new TypeError(`There is no option \`${name}\`; expected \`${meant}\`.`);
  }
  for (const [name, kind] of Object.entries<Kind>(kinds)) {
    const value: unknown = Reflect.get(given, name);
    if (kind !== "any" && value !== undefined && typeof value !== kind) {
      throw new TypeError(`\`${name}\` is ${show(value)}; expected a ${kind}.`);
    }
  }
}
