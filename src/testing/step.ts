/** What a scripted service does with one request, for a real server and for a `fetch` alike. */
import { inspect } from "node:util";
import type { RecordedRequest } from "./recorder.ts";

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

/**
 * Spells a step out.
 *
 * @throws TypeError, RangeError - for what is no step, naming it.
 */
export function planStep(step: Step): FullStep {
  if (typeof step === "number") return planAnswer({ status: step });
  if (step === "hang") return { kind: "hang" };
  if (step === "reset") return { kind: "reset", reset: "before-answer" };
  if (step === "garbage") return { kind: "raw", raw: "220 not.http ESMTP ready\r\n" };
  // A script may come from JavaScript, and a function without a `return` is easily written there.
  if (typeof step !== "object" || (step as unknown) === null) throw notAStep(step);
  if ("raw" in step) return { kind: "raw", ...step };
  if ("redirect" in step) {
    const { redirect, status = 307, delayMs } = step;
    return planAnswer({ status, headers: { location: String(redirect) }, delayMs });
  }
  if ("status" in step) return planAnswer(step);
  if ("reset" in step) return { kind: "reset", ...step };
  throw notAStep(step);
}

function planAnswer(step: AnswerStep): AnswerPlan {
  const { status, body } = step;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`\`status\` of a step is ${String(status)}; expected a whole number from 200 to 599.`);
  }
  if (step.dripBytesPerMs !== undefined && !(step.dripBytesPerMs > 0)) {
    throw new RangeError(`\`dripBytesPerMs\` is ${String(step.dripBytesPerMs)}; expected a number above 0.`);
  }
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const headers = Object.fromEntries(
    Object.entries(step.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  if (text !== "") headers["content-type"] ??= contentTypeOf(body);
  return { ...step, kind: "answer", text, headers };
}

function contentTypeOf(body: unknown): string {
  if (typeof body !== "string") return "application/json";
  return body.trimStart().startsWith("<") ? "text/html" : "text/plain";
}

function notAStep(step: unknown): TypeError {
  return new TypeError(
    `A script gave ${inspect(step)}; expected a status, "reset", "hang", "garbage" or a step such as { status: 503 }.`,
  );
}

/** Deals the entries of a script out, one per request. */
export class ScriptRunner<S, Plan> {
  readonly #plan: (step: S) => Plan;
  #entries: readonly (Plan | StepFunction<S>)[] = [];
  #next = 0;

  /**
   * @param plan - spells a step out; what is no step is refused here, not when its turn comes.
   * @throws TypeError, RangeError - for an empty script, and what `plan` throws.
   */
  constructor(script: Script<S>, plan: (step: S) => Plan) {
    this.#plan = plan;
    this.replace(script);
  }

  /** Starts another script from its beginning. */
  replace(script: Script<S>): void {
    // Array.isArray does not narrow readonly arrays, and no step is an array.
    const entries = (Array.isArray(script) ? script : [script]) as readonly (S | StepFunction<S>)[];
    if (entries.length === 0) throw new TypeError("The script is empty; expected at least one step.");
    this.#entries = entries.map((entry) => (isStepFunction(entry) ? entry : this.#plan(entry)));
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

/** Whether an entry decides by itself; neither a step nor a plan ever is a function. */
export function isStepFunction<S>(entry: unknown): entry is StepFunction<S> {
  return typeof entry === "function";
}
