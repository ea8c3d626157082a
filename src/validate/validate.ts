import { validateBatch as validateCanonical } from "../../generated/validators/canonical.js";
import { validateBatch as validateWire } from "../../generated/validators/wire.js";
import type { Finding } from "../errors.ts";
import { ALL_CODES, LINTS, type LintCode } from "./codes.ts";
import { describe } from "../rules/describe-value.ts";
import { isObject } from "../rules/objects.ts";
import { ALL_LINTS } from "./lints/all-lints.ts";
import type { LintContext } from "./lints/lint.ts";
import { LintPlans } from "./lints/lint-plans.ts";
import { LintWalk } from "./lints/lint-walk.ts";
import { nearest } from "../rules/nearest-name.ts";
import { Report } from "./report.ts";
import { RequestIds } from "./request-ids.ts";
import { reportSchemaErrors } from "./schema-findings.ts";
import type { Profile } from "./unknown-keys.ts";

export type { Finding, FindingSeverity } from "../errors.ts";
export { LINTS, SCHEMA_CODES, type FindingCode, type LintCode, type SchemaCode } from "./codes.ts";
export type { Profile } from "./unknown-keys.ts";

/** The operations of the API. */
export type Endpoint = "events" | "bulk" | "historical";

/** What {@link checkBatch} can be told. */
export interface CheckOptions {
  /**
   * `"canonical"` is what a well-behaved sender sends; `"wire"` is whatever any official source permits, for replays and
   * foreign payloads. `@default "canonical"`
   */
  readonly profile?: Profile | undefined;
  /**
   * Whether to look for what is legal and almost certainly wrong, too. An object switches single lints off:
   * `{ "no-identity": false }`. `@default true`
   */
  readonly lints?: boolean | LintSwitches | undefined;
  /**
   * Where the batch is going to be sent: `"historical"` has rules of its own, which are lints. The client says it to its
   * `validate`. `@default "events"`
   */
  readonly endpoint?: Endpoint | undefined;
  /** The time to judge times by, in milliseconds since the Unix epoch. `@default Date.now` */
  readonly now?: number | (() => number) | undefined;
  /** Findings at most; errors come before warnings. `@default 100` */
  readonly maxFindings?: number | undefined;
}

/** Lints by code; those left out are on. */
export type LintSwitches = Readonly<Partial<Record<LintCode, boolean | undefined>>>;

const DEFAULT_MAX_FINDINGS = 100;

const PLANS: Readonly<Record<Profile, LintPlans>> = {
  canonical: new LintPlans(ALL_LINTS, "canonical"),
  wire: new LintPlans(ALL_LINTS, "wire"),
};

/**
 * Checks a batch before it is sent: against the contract, and for what is legal and almost certainly wrong. Each mistake
 * is one finding, on the field it was made in. Fits the `validate` option of `EventsClient`, which tells it the endpoint.
 *
 * Works on JavaScript values as they are handed to the client: 64-bit ids may be bigints, safe integers or decimal
 * digits. The codes are listed in `docs/lints.md`, with what to do about each.
 *
 * @param batch - any value; it is not changed. A list of batches is not one: check each by itself.
 * @param options - see {@link CheckOptions}.
 * @returns errors (the batch would be refused, altered or lost) before warnings, each in the order of the batch; empty
 * when there is nothing to say.
 * @throws TypeError, RangeError - for an option that there is not; never because of the batch.
 */
export function checkBatch(batch: unknown, options: CheckOptions = {}): Finding[] {
  return check(batch, readOptions(options), undefined);
}
/** All codes of its findings, for the `strict` option of a client. */
checkBatch.codes = ALL_CODES;

/**
 * As {@link checkBatch}, for a series of batches, such as the lines of a file: it also finds a `source_request_id` that an
 * earlier batch has, whose content is another. The service keeps one of the two.
 *
 * @param options - as for {@link checkBatch}, for all batches.
 * @returns a check to hand the batches to one after the other. It keeps each id, and about 100 bytes beside it.
 * @throws TypeError, RangeError - for an option that there is not.
 * @example const check = batchChecker(); for (const batch of batches) console.log(check(batch));
 */
export function batchChecker(options: CheckOptions = {}): (batch: unknown) => Finding[] {
  readOptions(options);
  const ids = new RequestIds();
  const checkNext = (batch: unknown): Finding[] => check(batch, readOptions(options), ids.note(batch));
  return Object.assign(checkNext, { codes: ALL_CODES });
}

/** The options of a check, once they are known to be some. */
interface Settings {
  readonly profile: Profile;
  readonly hasLints: boolean;
  readonly silenced: ReadonlySet<string> | undefined;
  readonly historical: boolean;
  readonly nowMs: number;
  readonly maxFindings: number;
}

function readOptions(options: CheckOptions): Settings {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`The options are ${describe(given)}; expected an object.`);
  requireKnownNames(given);
  const { profile = "canonical", lints = true, endpoint = "events", now, maxFindings = DEFAULT_MAX_FINDINGS } = options;
  requireOneOf("profile", profile, ["canonical", "wire"]);
  requireOneOf("endpoint", endpoint, ["events", "bulk", "historical"]);
  if (!(typeof maxFindings === "number" && maxFindings >= 1))
    throw new RangeError(`\`maxFindings\` is ${describe(maxFindings)}; expected at least 1.`);
  const silenced = typeof lints === "boolean" ? undefined : silencedBy(lints);
  // Asked here, so that a clock that throws is not taken for a batch that cannot be read.
  const nowMs = typeof now === "function" ? now() : (now ?? Date.now());
  if (!Number.isFinite(nowMs))
    throw new RangeError(`\`now\` is ${describe(nowMs)}; expected milliseconds since the Unix epoch.`);
  return { profile, hasLints: lints !== false, silenced, historical: endpoint === "historical", nowMs, maxFindings };
}

function check(batch: unknown, settings: Settings, namesake: LintContext["namesake"]): Finding[] {
  const { profile, hasLints, silenced, historical, nowMs, maxFindings } = settings;
  let report: Report | undefined;
  try {
    const validate = profile === "canonical" ? validateCanonical : validateWire;
    if (!validate(batch)) {
      report = new Report(maxFindings, silenced);
      const errors = validate.errors ?? [];
      validate.errors = null; // the errors of a large batch are not kept alive by the module
      reportSchemaErrors(batch, errors, profile, report);
    }
    if (!hasLints) return report?.findings() ?? [];
    report ??= new Report(maxFindings, silenced);
    new LintWalk(PLANS[profile], { profile, historical, nowMs, report, namesake }).batch(batch);
  } catch (cause) {
    // Only a getter or a proxy can throw here, or a class that lies about itself; what they throw may be anything.
    report ??= new Report(maxFindings, silenced);
    report.add("", "error", {
      code: "unreadable",
      message: `reading the batch failed${reasonOf(cause)}.`,
      hint: "Pass plain data.",
    });
  }
  return report.findings();
}

const OPTION_NAMES = Object.keys({
  profile: true,
  lints: true,
  endpoint: true,
  now: true,
  maxFindings: true,
} satisfies Record<keyof CheckOptions, true>);

/** A client tells its `validate` more than this reads; but what is one of ours, misspelt, is a mistake. */
function requireKnownNames(options: Readonly<Record<string, unknown>>): void {
  for (const name in options) {
    if (OPTION_NAMES.includes(name)) continue;
    const meant = nearest(name, OPTION_NAMES);
    if (meant !== undefined) throw new TypeError(`There is no option \`${name}\`; expected \`${meant}\`.`);
  }
}

function silencedBy(switches: LintSwitches): ReadonlySet<LintCode> {
  if (!isObject(switches)) throw wrongOption("lints", switches, "a boolean, or an object of booleans by lint");
  const silenced = new Set<LintCode>();
  for (const [code, on] of Object.entries(switches)) {
    if (!isLintCode(code)) {
      const meant = nearest(code, Object.keys(LINTS));
      const expected = meant === undefined ? "a code of LINTS" : `a code of LINTS, such as "${meant}"`;
      throw wrongOption("lints", code, expected);
    }
    if (on !== undefined && typeof on !== "boolean") throw wrongOption(`lints["${code}"]`, on, "a boolean");
    if (on === false) silenced.add(code);
  }
  return silenced;
}

function isLintCode(code: string): code is LintCode {
  return Object.hasOwn(LINTS, code);
}

function requireOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.some((item) => item === value)) return;
  const quoted = allowed.map((item) => `"${item}"`);
  throw wrongOption(name, value, `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1) ?? ""}`);
}

function wrongOption(name: string, value: unknown, expected: string): TypeError {
  return new TypeError(`\`${name}\` is ${describe(value)}; expected ${expected}.`);
}

function reasonOf(cause: unknown): string {
  try {
    return cause instanceof Error ? `: ${cause.message.slice(0, 200)}` : "";
  } catch {
    return ""; // the very thing that was thrown throws
  }
}
