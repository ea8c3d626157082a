import { LIMITS } from "../../generated/contract.ts";

/** An entry of a list takes two bytes or more: no request has room for a longer list, however long it claims to be. */
const MAX_ENTRIES = LIMITS.requestMaxBytes / 2;

/** How many entries of a list are worth a look: an array may have holes for most of its length. */
export function entryCount(list: readonly unknown[]): number {
  return Math.min(list.length, MAX_ENTRIES);
}
