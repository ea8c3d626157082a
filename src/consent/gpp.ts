import type { GppModel } from "@iabgpp/cmpapi";
import type { ConsentState } from "../../generated/schema.ts";
import { ccpaOptOut } from "../model/consent.ts";
import { loadPeer } from "../rules/optional-peer.ts";
import { invalidSignal, signalText, timeOfDecision, toUrlSafe, type SignalOptions } from "./signal.ts";

const EXPECTED = "a string of the Global Privacy Platform, such as DBABLA~BVQqAAAAAgA.QA";

/** Its id among the sections. */
const TCF_EU_SECTION = 2;

/**
 * The decision on the sale and sharing of data in a GPP string, from all of its sections of the United States.
 *
 * The user has opted out when any section (national, a state's, or `uspv1`) says so: `SaleOptOut` or `SharingOptOut` is
 * 1, or `Gpc` is set. The user has not opted out when none says so and at least one says 2. Otherwise nothing is stated.
 *
 * @param text - the string; white space, quotes, percent-encoding and Base64 padding do no harm.
 * @param options - `{ atMs? }`: these sections have no time of their own.
 * @returns a promise of a consent state for `mergeConsent`, or of `undefined` when nothing is stated (also for
 *   `undefined`, `null` and "").
 * @throws TypeError - (as a rejection) when it, or a section of it, cannot be decoded.
 * @throws MissingPeerError - (as a rejection) when the optional peer `@iabgpp/cmpapi` is not installed.
 */
export async function ccpaFromGpp(
  text: string | null | undefined,
  options: SignalOptions = {},
): Promise<ConsentState | undefined> {
  const atMs = timeOfDecision(options);
  const known = signalText("GPP string", text, EXPECTED);
  if (known === undefined) return undefined;
  const model = await decode(known, text);
  const optedOut = isOptedOut(readSections(model, text));
  return optedOut === undefined ? undefined : ccpaOptOut(optedOut, { timestamp_unixtime_ms: atMs });
}

/** The TCF string that a GPP string may hold as its section `tcfeuv2`. */
export async function tcfOfGpp(text: string): Promise<string | undefined> {
  const known = signalText("GPP string", text, EXPECTED);
  if (known === undefined) return undefined;
  const index = (await decode(known, text)).getSectionIds().indexOf(TCF_EU_SECTION);
  return index === -1 ? undefined : toUrlSafe(known).split("~")[index + 1];
}

async function decode(known: string, text: unknown): Promise<GppModel> {
  const cmpapi = await loadPeer("ccpaFromGpp", "@iabgpp/cmpapi", "^3.2.0", () => import("@iabgpp/cmpapi"));
  const urlSafe = toUrlSafe(known);
  // The header is of type 3 and version 1; without this check some junk has no sections and no error.
  if (!/^DB[\w-]+(~[\w.-]+)*$/.test(urlSafe)) throw invalidSignal("GPP string", text, EXPECTED);
  let ids: readonly number[];
  let model: GppModel;
  try {
    model = new cmpapi.GppModel(urlSafe);
    ids = model.getSectionIds();
  } catch (cause) {
    throw invalidSignal("GPP string", text, EXPECTED, cause);
  }
  if (ids.length !== urlSafe.split("~").length - 1) {
    throw invalidSignal(
      "GPP string",
      text,
      `${EXPECTED}, with each of the ${String(ids.length)} sections it announces`,
    );
  }
  return model;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of each section that is about the United States. */
function readSections(model: GppModel, text: unknown): readonly Fields[] {
  const sections: unknown = toObject(model, text);
  return Object.entries(sections as Readonly<Record<string, Fields>>) // as the library documents it
    .filter(([name]) => name.startsWith("us"))
    .map(([, fields]) => fields);
}

function toObject(model: GppModel, text: unknown): unknown {
  try {
    return model.toObject();
  } catch (cause) {
    throw invalidSignal("GPP string", text, `${EXPECTED}, with sections that can be decoded`, cause);
  }
}

/** Whether the user has opted out; `undefined` when no section says either. */
function isOptedOut(sections: readonly Fields[]): boolean | undefined {
  const statements = sections.flatMap((fields) => [
    fields["SaleOptOut"] ?? fields["OptOutSale"], // the latter is of `uspv1`
    fields["SharingOptOut"],
    fields["Gpc"] === true ? 1 : undefined,
  ]);
  if (statements.some((statement) => statement === 1 || statement === "Y")) return true;
  return statements.some((statement) => statement === 2 || statement === "N") ? false : undefined;
}
