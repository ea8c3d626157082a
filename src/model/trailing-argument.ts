import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/**
 * An argument whose properties become those of what is made, and which may be left out. JavaScript can pass anything there:
 * of a text each character would become a property, and a number would be lost without a word. Whether the values in it are
 * right is for `checkBatch` to say.
 *
 * @param name - of the argument, for the error.
 * @throws TypeError - for what is no object.
 */
export function propertiesOf<Given extends object>(name: string, given: Given | null | undefined): Given | undefined {
  if (given === undefined || given === null) return undefined;
  if (isObject(given)) return given;
  throw new TypeError(`\`${name}\` is ${show(given)}; expected an object, or nothing.`);
}
