import type { ConsentState } from "../../generated/schema.ts";
import { ccpaOptOut } from "../model/consent.ts";
import { invalidSignal, signalText, timeOfDecision, type SignalOptions } from "./signal.ts";

const EXPECTED = '"1", the only value that the Sec-GPC header has, or the boolean of navigator.globalPrivacyControl';

/**
 * The opt-out of sale that a browser states by Global Privacy Control.
 *
 * `1` or `true` is opted out. Everything else is no statement: a browser without the signal has not agreed to anything.
 *
 * @param value - of the `Sec-GPC` header, or of `navigator.globalPrivacyControl`.
 * @param options - `{ atMs? }`: the signal has no time of its own.
 * @returns a consent state for `mergeConsent`, or `undefined` when nothing is stated (`undefined`, `null`, "", `0`, `false`).
 * @throws TypeError - when it is no such value.
 */
export function ccpaFromGpc(
  value: string | number | boolean | null | undefined,
  options: SignalOptions = {},
): ConsentState | undefined {
  const atMs = timeOfDecision(options);
  const text = typeof value === "boolean" || typeof value === "number" ? String(Number(value)) : value;
  const known = signalText("Sec-GPC signal", text, EXPECTED);
  if (known === undefined || known === "0") return undefined;
  // A proxy that joins repeated headers writes "1, 1".
  if (!/^1(\s*,\s*1)*$/.test(known)) throw invalidSignal("Sec-GPC signal", value, EXPECTED);
  return ccpaOptOut(true, { timestamp_unixtime_ms: atMs });
}
