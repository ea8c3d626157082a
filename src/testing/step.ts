/** What a scripted service does with one request, for a real server and for a `fetch` alike. */
import { readableError } from "../rules/readable-error.ts";
import { tellConsole } from "../rules/tell-console.ts";
import type { RecordedRequest } from "./recorder.ts";
import { jsonOf, kindOfStep, type StepKind } from "./step-checks.ts";

/**
 * An answer, as a whole or cut short.
 *
 * @example
 * { status: 429, headers: { "retry-after": "2" } }
 * { status: 502, body: "<html>Bad gateway</html>" }
 * { status: 202, reset: "before-answer" } // taken, and the client never learns of it
 */
export interface AnswerStep {
  /** 200 to 599; a 2xx counts as accepted, whatever happens to the answer on its way. */
  readonly status: number;
  /** Headers of the answer, beside those that follow from the body. */
  readonly headers?: Readonly<Record<string, string | number>> | undefined;
  /**
   * Text as it is, anything else as JSON. The content type follows (`text/html` for text that starts with `<`) unless
   * `headers` holds one. `@default ""`
   */
  readonly body?: unknown;
  /** Waits this long before answering, in milliseconds. `@default 0` */
  readonly delayMs?: number | undefined;
  /** Sends the body at this speed, in bytes per millisecond; 0.001 is a byte a second. `@default at once` */
  readonly dripBytesPerMs?: number | undefined;
  /**
   * Breaks the connection: in place of the answer, in the middle of its head, or in the middle of its body, whose
   * `content-length` then promises more than arrives.
   */
  readonly reset?: "before-answer" | "within-head" | "within-body" | undefined;
  /**
   * Lets a kept-alive connection go stale: closed by the server right after this answer, or (the race that makes
   * clients fail now and then) just as the next request comes in on it.
   */
  readonly close?: "after-answer" | "at-next-request" | undefined;
}

/**
 * Breaks the connection: before anything of the body is read, after its first bytes, or once the whole request is in.
 * None of the batches counts as accepted; see {@link AnswerStep.reset} for a request that was taken and not answered.
 */
export interface ResetStep {
  /** When the connection breaks; with `before-answer` the request has been read and is recorded. */
  readonly reset: "before-request" | "within-request" | "before-answer";
  /** Waits this long before it does, in milliseconds. `@default 0` */
  readonly delayMs?: number | undefined;
}

/** Sends the client elsewhere. */
export interface RedirectStep {
  /** The value of `Location`. */
  readonly redirect: string | URL;
  /** `@default 307` */
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined;
  /** Waits this long before it does, in milliseconds. `@default 0` */
  readonly delayMs?: number | undefined;
}

/** Sends these characters in place of an HTTP answer, then closes the connection. */
export interface RawStep {
  /** The bytes to send as they are, head and body. */
  readonly raw: string;
  /** Waits this long before it does, in milliseconds. `@default 0` */
  readonly delayMs?: number | undefined;
}

/**
 * What to do with one request. Short forms: a number is a status without a body, `"reset"` breaks the connection once
 * the whole request is in, `"hang"` never answers, `"garbage"` answers something that is not HTTP.
 */
export type Step = number | "reset" | "hang" | "garbage" | AnswerStep | ResetStep | RedirectStep | RawStep;

/** Decides on a request once all of it is in. */
export type StepFunction<S = Step> = (request: RecordedRequest) => S | Promise<S>;

/**
 * One entry for all requests, or one entry per request in order of their arrival, the last one for all that follow.
 *
 * @example
 * 503
 * [503, "reset", { status: 429, headers: { "retry-after": "1" } }, 202]
 * (request) => (request.index % 10 === 0 ? 500 : 202)
 */
export type Script<S = Step> = S | StepFunction<S> | readonly (S | StepFunction<S>)[];

/** {@link Step} without its short forms. */
export type FullStep = { readonly kind: "hang" } | AnswerPlan | ResetPlan | RawPlan;

export interface AnswerPlan extends AnswerStep {
  readonly kind: "answer";
  /** The body as text. */
  readonly text: string;
  /** With `content-type` where there is a body; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

interface ResetPlan extends ResetStep {
  readonly kind: "reset";
}

interface RawPlan extends RawStep {
  readonly kind: "raw";
}

export const STEP_KINDS = ["raw", "redirect", "status", "reset"] as const;

/**
 * Spells a step out.
 *
 * @param where - the step is, for the messages of errors.
 * @param kinds - there are, for them as well.
 * @throws TypeError, RangeError - for what is no step, and for a step with anything in it that would go unheard, naming it.
 */
export function planStep(step: Step, where = "A step", kinds: readonly StepKind[] = STEP_KINDS): FullStep {
  if (step === "hang") return { kind: "hang" };
  if (step === "reset") return { kind: "reset", reset: "before-answer" };
  if (step === "garbage") return { kind: "raw", raw: "220 not.http ESMTP ready\r\n" };
  const full = typeof step === "number" ? { status: step } : step;
  // A script may come from JavaScript, and a function without a `return` is easily written there.
  switch (kindOfStep(full, where, kinds)) {
    case "raw":
      return { kind: "raw", ...(full as RawStep) };
    case "redirect": {
      const { redirect, status = 307, delayMs } = full as RedirectStep;
      return planAnswer({ status, headers: { location: String(redirect) }, delayMs }, where);
    }
    case "reset":
      return { kind: "reset", ...(full as ResetStep) };
    default:
      return planAnswer(full as AnswerStep, where);
  }
}

/** None that a client tries again: its error says at once what is wrong with the script, and not when the test's time is up. */
export const SCRIPT_FAILED = 422;

/**
 * The answer to a request for which a script has no step.
 *
 * @param isFirst - tells the console as well: what a test throws while another error is on its way is shown by some runners
 * as a `SuppressedError` alone, and the code under test may pass over what is refused.
 */
export function scriptFailed(error: unknown, isFirst: boolean): AnswerPlan {
  const told = readableError(error);
  const message = `The script of this test failed. ${told instanceof Error ? told.message : String(told)}`;
  if (isFirst) tellConsole("error", `mparticle-events/testing: ${message}`);
  return planAnswer({ status: SCRIPT_FAILED, body: { errors: [{ code: "SCRIPT_FAILED", message }] } }, "");
}

function planAnswer(step: AnswerStep, where: string): AnswerPlan {
  const { body } = step;
  const text = body === undefined ? "" : typeof body === "string" ? body : jsonOf(body, where);
  const given = Object.entries<string | number | undefined>(step.headers ?? {});
  const headers = Object.fromEntries(
    given.filter(([, value]) => value !== undefined).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  if (text !== "") headers["content-type"] ??= contentTypeOf(body);
  return { ...step, kind: "answer", text, headers };
}

function contentTypeOf(body: unknown): string {
  if (typeof body !== "string") return "application/json";
  return body.trimStart().startsWith("<") ? "text/html" : "text/plain";
}

/** Deals the entries of a script out, one per request. */
export class ScriptRunner<S, Plan> {
  readonly #plan: (step: S, where: string) => Plan;
  #entries: readonly (Plan | StepFunction<S>)[] = [];
  #next = 0;

  /**
   * @param plan - spells a step out; what is no step is refused here, not when its turn comes.
   * @throws TypeError, RangeError - for an empty script, and what `plan` throws.
   */
  constructor(script: Script<S>, plan: (step: S, where: string) => Plan) {
    this.#plan = plan;
    this.replace(script);
  }

  /** Starts another script from its beginning. */
  replace(script: Script<S>): void {
    // Array.isArray does not narrow readonly arrays, and no step is an array.
    const entries = (Array.isArray(script) ? script : [script]) as readonly (S | StepFunction<S>)[];
    if (entries.length === 0) throw new TypeError("The script is empty; expected at least one step.");
    const isOne = !Array.isArray(script);
    // A hole in a list is no step either, and map() would leave it out.
    this.#entries = Array.from(entries, (entry, index) =>
      isStepFunction<S>(entry) ? entry : this.#plan(entry, isOne ? "script" : `script[${String(index)}]`),
    );
    this.#next = 0;
  }

  /** The entry for the request that comes now. */
  take(): Plan | StepFunction<S> {
    const last = this.#entries.length - 1;
    const entry = this.#entries[Math.min(this.#next++, last)];
    if (entry === undefined) throw new TypeError("The script is empty; expected at least one step.");
    return entry;
  }
}

/** Where a step comes from that a function of the script has given. */
export function stepFor(request: Pick<RecordedRequest, "index">): string {
  return `The function of the script, for request ${String(request.index)}`;
}

/** Whether an entry decides by itself; neither a step nor a plan ever is a function. */
export function isStepFunction<S>(entry: unknown): entry is StepFunction<S> {
  return typeof entry === "function";
}
