import { show } from "../model/show.ts";

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

type Kind = "boolean" | "function" | "string";

/**
 * As {@link positive}, for options that are no numbers; one that is not given is left to its default.
 *
 * @throws TypeError - for the first that is not of its kind.
 */
export function ofKinds(options: object, kinds: Readonly<Record<string, Kind>>): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options are ${show(given)}; expected an object.`);
  }
  for (const [name, kind] of Object.entries(kinds)) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && typeof value !== kind) {
      throw new TypeError(`\`${name}\` is ${show(value)}; expected a ${kind}.`);
    }
  }
}
