import { isObject } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { show } from "../rules/show.ts";

/** When a decision counts as made. */
export interface SignalOptions {
  /**
   * Time of the decision, in milliseconds since 1970. The signals themselves do not carry a usable one: a TCF string
   * knows its day, the others know nothing. Pass the time at which your service received the signal.
   * `@default Date.now()`
   */
  readonly atMs?: number | undefined;
}

/**
 * A signal as it arrived, without what transport has put around it: white space, quotes and percent-encoding.
 *
 * @returns `undefined` when there is no signal at all, which is no statement.
 * @throws TypeError - when it is not text, or its percent-encoding is broken.
 */
export function signalText(signal: string, text: unknown, expected: string): string | undefined {
  if (text === undefined || text === null) return undefined;
  if (typeof text !== "string") throw invalidSignal(signal, text, expected);
  const bare = unquote(text.trim());
  if (!bare.includes("%")) return bare === "" ? undefined : bare;
  try {
    return unquote(decodeURIComponent(bare).trim()) || undefined;
  } catch (cause) {
    throw invalidSignal(signal, text, expected, cause);
  }
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  return quoted?.[2] === undefined ? text : quoted[2].trim();
}

/** As URL-safe Base64 without padding, which is how the specifications write it. */
export function toUrlSafe(text: string): string {
  return text
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+(?=$|[.~])/g, "");
}

/** Says which signal cannot be read, what it was, and what was expected. */
export function invalidSignal(signal: string, value: unknown, expected: string, cause?: unknown): TypeError {
  return new TypeError(`The ${signal} is ${show(value)}; expected ${expected}.`, { cause });
}

/**
 * The time of a decision.
 *
 * @param others - the names of other options that there are.
 * @throws TypeError - for what are no options, and for a name that is none.
 * @throws RangeError - unless `atMs` is in milliseconds since 1970: seconds would look like January 1970.
 */
export function timeOfDecision(options: SignalOptions, others: readonly string[] = []): number {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`The options are ${show(given)}; expected an object such as { atMs }.`);
  requireOptionNames(given, ["atMs", ...others]);
  const { atMs } = options;
  if (atMs === undefined) return Date.now();
  if (Number.isFinite(atMs) && atMs >= EARLIEST_MS) return atMs;
  throw new RangeError(`\`atMs\` is ${show(atMs)}; expected milliseconds since 1970, such as 1767225600000.`);
}

/** In March 1973; the same number of seconds is the year 5138. */
const EARLIEST_MS = 100_000_000_000;
