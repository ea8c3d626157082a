import type { ConsentPurpose, ConsentState } from "../../generated/schema.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { propertiesOf } from "./trailing-argument.ts";

/** Where, when and to what the user agreed or objected. `timestamp_unixtime_ms` is the present unless given. */
export type ConsentDetails = Partial<Omit<ConsentPurpose, "consented">>;

/**
 * The user's decision on one purpose under the GDPR.
 *
 * @param purpose - the purpose as it is set up in the dashboard.
 * @param consented - `true` if the user agreed.
 * @param details - `{ document?, location?, hardware_id?, timestamp_unixtime_ms? }`.
 * @returns a consent state with this decision alone; join it to others with {@link mergeConsent}.
 * @throws TypeError - for what only JavaScript can pass, such as `"yes"` for a decision.
 */
export function gdprConsent(purpose: string, consented: boolean, details?: ConsentDetails): ConsentState {
  const name: unknown = purpose;
  if (typeof name !== "string") throw misuse("purpose", name, "the name of a purpose");
  return { gdpr: { [purpose]: decision("consented", consented, details) } };
}

/**
 * The user's decision on the sale of data under the CCPA. On the wire its `consented: true` means *opted out*.
 *
 * @param optedOut - `true` if the user's data must not be sold.
 * @param details - as for {@link gdprConsent}.
 * @returns a consent state with this decision alone; join it to others with {@link mergeConsent}.
 * @throws TypeError - for what only JavaScript can pass, such as `"yes"` for a decision.
 */
export function ccpaOptOut(optedOut: boolean, details?: ConsentDetails): ConsentState {
  return { ccpa: { data_sale_opt_out: decision("optedOut", optedOut, details) } };
}

/**
 * One state from several: for each purpose the newest decision wins, and of two of the same time the one given later. A
 * decision without a time that can be read is older than any that has one.
 *
 * @param states - what was stored and what was decided since; `undefined` and `null` are empty states. None is changed.
 *   Times as digits in a string, which is how the service's own outputs write them, become numbers.
 * @throws TypeError - for what only JavaScript can pass, such as a decision that is `"false"`, because it would count as
 *   consent.
 */
export function mergeConsent(...states: readonly (ConsentState | null | undefined)[]): ConsentState {
  for (const [index, state] of states.entries()) propertiesOf(`states[${String(index)}]`, state);
  const gdpr = mergePurposes(
    "gdpr",
    states.map((state) => state?.gdpr),
  );
  const ccpa = mergePurposes(
    "ccpa",
    states.map((state) => state?.ccpa && { ...propertiesOf("ccpa", state.ccpa) }),
  );
  return { ...(gdpr && { gdpr }), ...(ccpa && { ccpa }) };
}

/**
 * What the user decided on a purpose under the GDPR; `undefined` if nothing, which is not consent.
 *
 * @param state - a consent state, or none.
 * @param purpose - the purpose as it is set up in the dashboard.
 */
export function hasGdprConsent(state: ConsentState | null | undefined, purpose: string): boolean | undefined {
  const purposes = state?.gdpr;
  return purposes && Object.hasOwn(purposes, purpose) ? purposes[purpose]?.consented : undefined;
}

/**
 * Whether the user opted out of the sale of data under the CCPA; `undefined` if nothing was decided.
 *
 * @param state - a consent state, or none.
 */
export function isCcpaOptedOut(state: ConsentState | null | undefined): boolean | undefined {
  return state?.ccpa?.data_sale_opt_out?.consented;
}

/** A decision that is lost, or taken for its opposite, is more than a wrong value: it is refused where it is made. */
function decision(name: string, consented: unknown, details: ConsentDetails | undefined): ConsentPurpose {
  if (typeof consented !== "boolean") throw misuse(name, consented, "true or false");
  return {
    ...propertiesOf("details", details),
    consented,
    timestamp_unixtime_ms: details?.timestamp_unixtime_ms ?? Date.now(),
  };
}

function misuse(name: string, value: unknown, expected: string): TypeError {
  return new TypeError(`\`${name}\` is ${show(value)}; expected ${expected}.`);
}

/** Stored states come from elsewhere: what their times are, no type vouches for. */
type StoredDecision = Omit<ConsentPurpose, "timestamp_unixtime_ms"> & { readonly timestamp_unixtime_ms?: unknown };
type Purposes = Readonly<Record<string, ConsentPurpose | null | undefined>>;

function mergePurposes(
  law: "gdpr" | "ccpa",
  all: readonly (Purposes | null | undefined)[],
): Record<string, ConsentPurpose> | undefined {
  const newest = new Map<string, { readonly decided: ConsentPurpose; readonly timeMs: number | undefined }>();
  for (const purposes of all) {
    for (const [purpose, decided] of Object.entries(propertiesOf(law, purposes) ?? {})) {
      if (decided === undefined || decided === null) continue;
      requireDecision(`${law}[${show(purpose)}]`, decided);
      const timeMs = timeOf(decided);
      const known = newest.get(purpose);
      if (known === undefined || !isOlder(timeMs, known.timeMs)) newest.set(purpose, { decided, timeMs });
    }
  }
  if (newest.size === 0) return undefined;
  return Object.fromEntries(
    Array.from(newest, ([purpose, { decided, timeMs }]) => [
      purpose,
      { ...decided, ...(timeMs !== undefined && { timestamp_unixtime_ms: timeMs }) },
    ]),
  );
}

/** A text such as "false" would count as consent, and the members of a text as those of a decision. */
function requireDecision(name: string, decided: unknown): void {
  if (!isObject(decided)) throw misuse(name, decided, "a decision such as { consented: true }");
  const { consented } = decided;
  if (consented !== undefined && typeof consented !== "boolean")
    throw misuse(`${name}.consented`, consented, "true or false");
}

function isOlder(timeMs: number | undefined, thanMs: number | undefined): boolean {
  return (timeMs ?? -Infinity) < (thanMs ?? -Infinity);
}

/** The time of a decision as a number; `undefined` when it has none that can be read. */
function timeOf({ timestamp_unixtime_ms: stored }: StoredDecision): number | undefined {
  const isWritten = typeof stored === "bigint" || (typeof stored === "string" && /^-?\d+$/.test(stored));
  const time = isWritten ? Number(stored) : stored;
  return typeof time === "number" && Number.isFinite(time) ? time : undefined;
}
