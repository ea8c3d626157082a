import type { ConsentState } from "../../generated/schema.ts";
import { ccpaOptOut } from "../model/consent.ts";
import { invalidSignal, signalText, timeOfDecision, type SignalOptions } from "./signal.ts";

const EXPECTED = 'four characters such as "1YNN": version 1, then "Y", "N" or "-" three times';

/**
 * The decision on the sale of data in a US Privacy string (`usprivacy`, "1YNN").
 *
 * Its third character says it: `Y` is opted out of sale, `N` is not opted out, and `-` is no statement.
 *
 * @param text - the string; white space, quotes, percent-encoding and lower case do no harm.
 * @param options - `{ atMs? }`: the string has no time of its own.
 * @returns a consent state for `mergeConsent`, or `undefined` when nothing is stated (also for `undefined`, `null` and "").
 * @throws TypeError - when it is no US Privacy string.
 */
export function ccpaFromUsp(text: string | null | undefined, options: SignalOptions = {}): ConsentState | undefined {
  const atMs = timeOfDecision(options);
  const optedOut = isOptedOutByUsp(text);
  return optedOut === undefined ? undefined : ccpaOptOut(optedOut, { timestamp_unixtime_ms: atMs });
}

/** Whether the user has opted out of the sale of data; `undefined` when that is not stated. */
function isOptedOutByUsp(text: string | null | undefined): boolean | undefined {
  const known = signalText("US Privacy string", text, EXPECTED);
  if (known === undefined) return undefined;
  const [, optOutOfSale] = /^1[YN-]([YN-])[YN-]$/i.exec(known) ?? [];
  if (optOutOfSale === undefined) throw invalidSignal("US Privacy string", text, EXPECTED);
  return optOutOfSale === "-" ? undefined : optOutOfSale.toUpperCase() === "Y";
}
