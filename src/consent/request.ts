import type { ConsentState } from "../../generated/schema.ts";
import { mergeConsent } from "../model/consent.ts";
import { isObject } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { show } from "../rules/show.ts";
import { ccpaFromGpc } from "./gpc.ts";
import { ccpaFromGpp, tcfOfGpp } from "./gpp.ts";
import { timeOfDecision } from "./signal.ts";
import { consentFromTcf, TCF_OPTIONS, type TcfOptions } from "./tcf.ts";
import { ccpaFromUsp } from "./usp.ts";

/** Headers as `fetch`, Node and the frameworks on it have them; names in any case. */
export type RequestHeaders =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What of a request may hold signals: a `Request`, an `IncomingMessage`, or its headers alone. */
export type SignalSource = RequestHeaders | { readonly headers: RequestHeaders; readonly url?: string | undefined };

/** Where the signals of a request are, and what is wanted of them. */
export interface RequestSignalOptions extends TcfOptions {
  /** Names of the cookies that hold the strings. */
  readonly cookies?:
    | {
        /** `@default "euconsent-v2"` */
        readonly tcf?: string | undefined;
        /** `@default "gpp"` */
        readonly gpp?: string | undefined;
        /** `@default "usprivacy"` */
        readonly usp?: string | undefined;
      }
    | undefined;
  /**
   * Called with each signal that cannot be read; the others count. Strangers write these strings, so a public service
   * should pass it. `@default` the first one is thrown
   */
  readonly onInvalid?: ((error: TypeError) => void) | undefined;
}

/**
 * The user's decisions in all signals of one request.
 *
 * Strings are looked for in the query, under the names of the IAB (`gdpr_consent`, `gpp`, `us_privacy`), and then in the
 * cookies. For the sale of data the first that states anything decides, in this order: `Sec-GPC`, GPP, US Privacy. For
 * the GDPR it is the TCF string, or else the one within the GPP string; neither is read without `purposes` or `vendors`.
 *
 * @param source - `{ headers, url? }` such as a `Request` or an `IncomingMessage`, or the headers alone.
 * @param options - `{ purposes?, vendors?, atMs?, cookies?, onInvalid? }`.
 * @returns a promise of a consent state for `mergeConsent`, or of `undefined` when nothing is stated.
 * @throws TypeError - (as a rejection) for a signal that cannot be read, unless `onInvalid` takes it; names the signal.
 * @throws MissingPeerError - (as a rejection) when there is a TCF or GPP string and its optional peer is not installed.
 */
export async function consentFromRequest(
  source: SignalSource,
  options: RequestSignalOptions = {},
): Promise<ConsentState | undefined> {
  const atMs = timeOfDecision(options, [...TCF_OPTIONS, "cookies", "onInvalid"]);
  requireCookies(options.cookies);
  const signals = readSignals(source, options.cookies);
  const read = async <Result>(decode: () => Result | Promise<Result>): Promise<Result | undefined> => {
    try {
      return await decode();
    } catch (error) {
      if (options.onInvalid === undefined || !(error instanceof TypeError)) throw error;
      options.onInvalid(error);
      return undefined;
    }
  };
  const ccpa =
    (await read(() => ccpaFromGpc(signals.gpc, { atMs }))) ??
    (await read(() => ccpaFromGpp(signals.gpp, { atMs }))) ??
    (await read(() => ccpaFromUsp(signals.usp, { atMs })));
  const { purposes, vendors } = options;
  const gdpr = await readTcf(signals, { purposes, vendors, atMs }, read);
  return ccpa === undefined && gdpr === undefined ? undefined : mergeConsent(gdpr, ccpa);
}

async function readTcf(
  { tcf, gpp }: Signals,
  options: TcfOptions,
  read: <Result>(decode: () => Promise<Result>) => Promise<Result | undefined>,
): Promise<ConsentState | undefined> {
  if (options.purposes === undefined && options.vendors === undefined) return undefined;
  const own = await read(() => consentFromTcf(tcf, options));
  if (own !== undefined || gpp === undefined) return own;
  return read(async () => consentFromTcf(await tcfOfGpp(gpp), options));
}

function requireCookies(cookies: unknown): void {
  if (cookies === undefined) return;
  if (!isObject(cookies)) throw new TypeError(`\`cookies\` is ${show(cookies)}; expected an object of names.`);
  requireOptionNames(cookies, ["tcf", "gpp", "usp"]);
}

interface Signals {
  readonly gpc: string | undefined;
  readonly tcf: string | undefined;
  readonly gpp: string | undefined;
  readonly usp: string | undefined;
}

function readSignals(source: SignalSource, cookies: RequestSignalOptions["cookies"]): Signals {
  const given: unknown = source;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The request is ${show(given)}; expected its headers, or an object with \`headers\`.`);
  }
  const isRequest = "headers" in source && typeof source.headers === "object";
  const headers = (isRequest ? source.headers : source) as RequestHeaders; // told apart by what it has
  const url = isRequest && "url" in source && typeof source.url === "string" ? source.url : undefined;
  const query = queryOf(url);
  const jar = cookiesOf(headerOf(headers, "cookie"));
  const find = (parameter: string, cookie: string): string | undefined => {
    const value = query.get(parameter);
    return value === null || value === "" ? jar.get(cookie) : value;
  };
  return {
    gpc: headerOf(headers, "sec-gpc"),
    tcf: find("gdpr_consent", cookies?.tcf ?? "euconsent-v2"),
    gpp: find("gpp", cookies?.gpp ?? "gpp"),
    usp: find("us_privacy", cookies?.usp ?? "usprivacy"),
  };
}

function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (typeof headers["get"] === "function")
    return (headers as { get(name: string): string | null }).get(name) ?? undefined;
  const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
  const value: unknown = entry?.[1];
  if (Array.isArray(value)) return value.join(name === "cookie" ? "; " : ", ");
  return typeof value === "string" ? value : undefined;
}

/** Node gives a path instead of a URL. */
function queryOf(url: string | undefined): URLSearchParams {
  const start = url?.indexOf("?") ?? -1;
  return new URLSearchParams(start === -1 ? "" : url?.slice(start + 1).split("#")[0]);
}

/** Of cookies with one name the first counts: browsers send the most specific one first. */
function cookiesOf(header: string | undefined): ReadonlyMap<string, string> {
  const jar = new Map<string, string>();
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at).trim();
    if (at > 0 && !jar.has(name)) jar.set(name, pair.slice(at + 1).trim());
  }
  return jar;
}
