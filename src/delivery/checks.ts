import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError, type Finding } from "../errors.ts";
import { nearest } from "../rules/nearest-name.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import type { Observers, Telemetry } from "./telemetry.ts";

/** What a check is told about where a batch is going. It fits the options of `checkBatch`. */
export interface ValidateContext {
  /** `"historical"` has rules of its own; a queue sends to `"bulk"`. */
  readonly endpoint: "events" | "bulk" | "historical";
}

/**
 * A check to run on every batch before it is sent, such as `checkBatch` of `mparticle-events/validate`. It gives its
 * findings at once: the client does not wait for a promise.
 */
export interface Validate {
  (batch: Batch, context: ValidateContext): readonly Finding[];
  /** All codes that its findings can have, where it knows them: `strict` then takes no others. */
  readonly codes?: readonly string[] | undefined;
}

/**
 * Several checks as one, for the `validate` option: the findings of all of them, in the order of the checks.
 *
 * @param checks - such as `checkBatch`, the check of a data plan, and rules of your own.
 * @throws TypeError - when one of them is no function.
 */
export function checkAll(...checks: readonly Validate[]): Validate {
  for (const [index, check] of checks.entries()) requireCheck(`checks[${String(index)}]`, check);
  const all = (batch: Batch, context: ValidateContext): readonly Finding[] =>
    checks.flatMap((check, index) => findingsOf(`checks[${String(index)}]`, check, batch, context));
  const codes = checks.map((check) => check.codes);
  return Object.assign(all, { codes: codes.includes(undefined) ? undefined : codes.flatMap((some) => some ?? []) });
}

/** @throws TypeError - for what is no function, and for a function that can only give a promise. */
function requireCheck(name: string, check: unknown): void {
  if (typeof check !== "function") throw new TypeError(`\`${name}\` is ${show(check)}; expected a function.`);
  if (Object.prototype.toString.call(check) === "[object AsyncFunction]") {
    throw new TypeError(`\`${name}\` is an async function; expected one that gives its findings at once.`);
  }
}

export interface OwnCheckOptions {
  readonly validate: Validate;
  /** Codes of warnings that refuse a batch as errors do; `true` for all. */
  readonly strict: boolean | readonly string[];
  readonly telemetry: Telemetry;
}

/** Told of so many different warnings; a client that finds more has been told enough. */
const MAX_TOLD = 1_000;

/** The application's own check: its errors refuse a batch, its warnings are told and let it go. */
export class OwnCheck {
  readonly #validate: Validate;
  readonly #isStrict: (code: string) => boolean;
  readonly #telemetry: Telemetry;
  /** The warnings that were logged, by code and path. */
  readonly #told = new Set<string>();

  constructor({ validate, strict, telemetry }: OwnCheckOptions) {
    this.#validate = validate;
    const codes = new Set(typeof strict === "boolean" ? [] : strict);
    this.#isStrict = (code) => strict === true || codes.has(code);
    this.#telemetry = telemetry;
  }

  /**
   * What refuses the batch.
   *
   * @param firstIndex - of its first event in the list that it is a part of.
   * @throws TypeError - when the check gives no list; whatever it throws itself. A batch that was not checked is not sent.
   */
  errorsOf(batch: Batch, path: EndpointPath, firstIndex = 0): readonly Finding[] {
    const errors: Finding[] = [];
    for (const found of findingsOf("validate", this.#validate, batch, CONTEXTS[path])) {
      const finding = firstIndex === 0 ? found : { ...found, path: moveIndex(found.path, firstIndex) };
      if (finding.severity === "error") errors.push(finding);
      else if (this.#isStrict(finding.code)) errors.push({ ...finding, severity: "error" });
      else this.#tell(finding, batch);
    }
    return errors;
  }

  #tell(warning: Finding, batch: Batch): void {
    // One mistake in each of many events is told once: their places in the lists are no news.
    const key = `${warning.code} ${warning.path.replaceAll(/\/\d+(?=\/|$)/g, "/*")}`;
    const isNew = !this.#told.has(key) && this.#told.size < MAX_TOLD;
    if (isNew) this.#told.add(key);
    this.#telemetry.warning(warning, batch, isNew);
  }
}

/**
 * The check of a client, or of a fleet's queue.
 *
 * @returns `undefined` when there is none.
 * @throws TypeError - for a `validate` that cannot give its findings at once, for a `strict` that names no codes, and for
 * one with a code that `validate` is known not to have: a wish that nobody hears.
 */
export function makeCheck(
  validate: Validate | undefined,
  strict: boolean | readonly string[],
  telemetry: Telemetry,
): OwnCheck | undefined {
  const given: unknown = strict;
  const isCodes = Array.isArray(given) && given.every((code) => typeof code === "string");
  if (typeof given !== "boolean" && !isCodes) {
    throw new TypeError(`\`strict\` is ${show(given)}; expected a boolean, or a list of codes of findings.`);
  }
  if (validate === undefined) return undefined;
  requireCheck("validate", validate);
  if (typeof strict !== "boolean") requireCodes(strict, validate.codes);
  return new OwnCheck({ validate, strict, telemetry });
}

/** Warns of wishes that nobody hears. Where a check is left out on purpose, `validate: undefined` says so. */
export function warnOfChecksMissing(
  options: Pick<Observers, "onFinding"> & {
    readonly validate?: unknown;
    readonly strict?: boolean | readonly string[] | undefined;
  },
  telemetry: Telemetry,
): void {
  if ("validate" in options) return;
  const { strict = false, onFinding } = options;
  const idle = [...(strict === false ? [] : ["`strict`"]), ...(onFinding === undefined ? [] : ["`onFinding`"])];
  if (idle.length === 0) return;
  telemetry.warn(
    `${idle.join(" and ")} ${idle.length === 1 ? "does" : "do"} nothing without \`validate\`, ` +
      "such as `checkBatch` of mparticle-events/validate.",
  );
}

function requireCodes(strict: readonly string[], known: unknown): void {
  if (!Array.isArray(known)) return;
  const codes = known.filter((code) => typeof code === "string");
  const unknown = strict.find((code) => !codes.includes(code));
  if (unknown === undefined) return;
  const meant = nearest(unknown, codes);
  throw new TypeError(
    `\`strict\` has ${show(unknown)}, which no finding of \`validate\` has as its code; ` +
      `expected ${meant === undefined ? "codes of its findings" : show(meant)}.`,
  );
}

/** A finding about an event of a part is one about an event of the whole list. */
function moveIndex(path: string, firstIndex: number): string {
  return path.replace(/^\/events\/(\d+)/, (_, index: string) => `/events/${String(Number(index) + firstIndex)}`);
}

const CONTEXTS: Readonly<Record<EndpointPath, ValidateContext>> = {
  "/events": { endpoint: "events" },
  "/bulkevents": { endpoint: "bulk" },
  "/bulkevents/historical": { endpoint: "historical" },
};

function findingsOf(name: string, check: Validate, batch: Batch, context: ValidateContext): readonly Finding[] {
  const findings: unknown = check(batch, context);
  if (Array.isArray(findings) && findings.every(isFinding)) return findings;
  if (isThenable(findings)) {
    // Nobody waits for it, so its rejection must not end the process.
    void Promise.resolve(findings).catch(() => undefined);
    throw new TypeError(
      `\`${name}\` gave a promise; expected a list of findings at once. Await a check before handing the batch over`,
    );
  }
  throw new TypeError(
    `\`${name}\` gave ${show(findings)}; expected a list of findings, each an "error" or a "warning"`,
  );
}

/** As far as it is read here. */
function isFinding(value: unknown): value is Finding {
  return isObject(value) && (value["severity"] === "error" || value["severity"] === "warning");
}

function isThenable(value: unknown): boolean {
  return isObject(value) && typeof value["then"] === "function";
}

/**
 * What our own rules and the application's check both found is said once.
 *
 * @throws InvalidBatchError - when there are errors.
 */
export function refuseFor(errors: readonly Finding[], requestIds: readonly string[]): void {
  if (errors.length === 0) return;
  const seen = new Set<string>();
  const different = errors.filter(({ code, path }) => {
    const key = `${code} ${path}`;
    return !seen.has(key) && seen.add(key);
  });
  throw new InvalidBatchError(different, { requestIds });
}
