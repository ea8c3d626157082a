import { nearest } from "./nearest-name.ts";

/**
 * A name that is none of the options is a wish that nobody hears.
 *
 * @throws TypeError - naming it, and the option that was probably meant.
 */
export function requireOptionNames(given: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (names.includes(name) || given[name] === undefined) continue;
    const meant = nearest(name, names);
    const expected = meant === undefined ? `one of ${names.join(", ")}` : `\`${meant}\``;
    throw new TypeError(`There is no option \`${name}\`; expected ${expected}.`);
  }
}
