/**
 * Misuse is named at once: the option, its value and what was expected.
 *
 * @throws RangeError - unless the value is a number above 0.
 */
export function positive(name: string, value: number): number {
  if (typeof value === "number" && value > 0) return value;
  throw new RangeError(`\`${name}\` is ${String(value)}; expected a number above 0.`);
}

/**
 * As {@link positive}, for what is counted.
 *
 * @throws RangeError - unless the value is a whole number above 0.
 */
export function wholeNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`\`${name}\` is ${String(value)}; expected a whole number above 0.`);
}
