import type { TCModel } from "@iabtcf/core";
import type { ConsentState } from "../../generated/schema.ts";
import { gdprConsent, mergeConsent } from "../model/consent.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { loadPeer } from "../rules/optional-peer.ts";
import { invalidSignal, signalText, timeOfDecision, toUrlSafe, type SignalOptions } from "./signal.ts";

/** Which decisions of a TCF string are wanted, and what mParticle calls them. */
export interface TcfOptions extends SignalOptions {
  /**
   * For each TCF purpose (1 to 11) the GDPR purpose of the dashboard: `{ 1: "storage", 3: "ads_profile" }`. TCF and
   * mParticle define no mapping, because the purposes of the dashboard are your own.
   */
  readonly purposes?: Readonly<Record<number, string>> | undefined;
  /** The same for vendors, by their number in the Global Vendor List: `{ 755: "google" }`. */
  readonly vendors?: Readonly<Record<number, string>> | undefined;
}

/** Beside the time. */
export const TCF_OPTIONS = ["purposes", "vendors"] as const satisfies readonly (keyof TcfOptions)[];

const EXPECTED = "a TC string of version 2 of the Transparency and Consent Framework";

/** The core of a string with nobody in its lists of vendors, in characters of Base64: shorter ones have been cut off. */
const MIN_CHARACTERS = 39;

/**
 * The user's GDPR decisions in a TCF string (`euconsent-v2`), by purposes and vendors as you name them.
 *
 * The user has consented to a purpose or a vendor, or has not: both are decisions. A legitimate interest is no consent.
 * Where several purposes and vendors have one name, the user has consented to that name when they have consented to each.
 *
 * @param text - the string; white space, quotes, percent-encoding and Base64 padding do no harm.
 * @param options - `{ purposes?, vendors?, atMs? }`, one of the first two at least. The dates in the string are days, so
 *   that two decisions of one day would tie: `atMs` is the time of the decision.
 * @returns a promise of a consent state for `mergeConsent`, or of `undefined` for `undefined`, `null` and "".
 * @throws TypeError - (as a rejection) when it is no TCF string of version 2, or the mapping is empty or names no purpose.
 * @throws MissingPeerError - (as a rejection) when the optional peer `@iabtcf/core` is not installed.
 */
export async function consentFromTcf(
  text: string | null | undefined,
  options: TcfOptions,
): Promise<ConsentState | undefined> {
  const { purposes, vendors, atMs } = readOptions(options);
  const known = signalText("TCF string", text, EXPECTED);
  if (known === undefined) return undefined;
  const model = await decode(known, text);
  const consented = new Map<string, boolean>();
  const read = (names: Readonly<Record<number, string>>, given: TCModel["purposeConsents"]): void => {
    for (const [id, name] of Object.entries(names)) {
      consented.set(name, given.has(Number(id)) && consented.get(name) !== false);
    }
  };
  read(purposes, model.purposeConsents);
  read(vendors, model.vendorConsents);
  return mergeConsent(
    ...Array.from(consented, ([name, agreed]) => gdprConsent(name, agreed, { timestamp_unixtime_ms: atMs })),
  );
}

async function decode(known: string, text: unknown): Promise<TCModel> {
  const { TCString } = await loadPeer("consentFromTcf", "@iabtcf/core", "^1.5.6", () => import("@iabtcf/core"));
  const urlSafe = toUrlSafe(known);
  // Anything else of Base64 begins with another version.
  if (!/^C[\w-]*(\.[\w-]+)*$/.test(urlSafe) || (urlSafe.split(".")[0] ?? "").length < MIN_CHARACTERS) {
    throw invalidSignal("TCF string", text, EXPECTED);
  }
  try {
    return TCString.decode(urlSafe);
  } catch (cause) {
    throw invalidSignal("TCF string", text, EXPECTED, cause);
  }
}

/** @throws TypeError - for a mapping that could never say anything, or not what was meant. */
function readOptions(options: TcfOptions): {
  readonly purposes: Readonly<Record<number, string>>;
  readonly vendors: Readonly<Record<number, string>>;
  readonly atMs: number;
} {
  const given: unknown = options;
  if (!isObject(given)) {
    throw new TypeError(`The options are ${show(given)}; expected \`{ purposes: { 1: "storage" } }\`.`);
  }
  // Before the mapping: a misspelt name is why it is empty.
  const atMs = timeOfDecision(options, TCF_OPTIONS);
  const { purposes = {}, vendors = {} } = options;
  checkNames("purposes", purposes, 11);
  checkNames("vendors", vendors, 65_535);
  if (Object.keys(purposes).length + Object.keys(vendors).length === 0) {
    throw new TypeError(
      'Neither `purposes` nor `vendors` names anything; expected such as `{ purposes: { 1: "storage" } }`.',
    );
  }
  return { purposes, vendors, atMs };
}

function checkNames(option: string, names: unknown, highest: number): void {
  if (typeof names !== "object" || names === null || Array.isArray(names)) {
    throw new TypeError(`\`${option}\` is ${show(names)}; expected an object from numbers to names.`);
  }
  for (const [id, name] of Object.entries(names)) {
    if (!/^[1-9]\d*$/.test(id) || Number(id) > highest) {
      throw new TypeError(`\`${option}\` has the key ${show(id)}; expected a number from 1 to ${String(highest)}.`);
    }
    if (typeof name !== "string" || name.trim() === "") {
      throw new TypeError(`\`${option}[${id}]\` is ${show(name)}; expected the name of a purpose in the dashboard.`);
    }
  }
}
