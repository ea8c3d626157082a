import { untilAborted } from "../transport/abort.ts";
import { isObject } from "../rules/objects.ts";
import { checkOptions } from "../transport/option-checks.ts";
import { Recorder, type RecordedRequest, type RecordOptions, type Recording } from "./recorder.ts";
import { checkOf, planChecked } from "./refusal.ts";
import { kindOfStep } from "./step-checks.ts";
import {
  isStepFunction,
  planStep,
  scriptFailed,
  ScriptRunner,
  STEP_KINDS,
  stepFor,
  type AnswerPlan,
  type FullStep,
  type Script,
  type Step,
} from "./step.ts";

/** The connection never comes about, or breaks: rejects with the TypeError of the global `fetch`. */
export interface FaultStep {
  /** The `code` of its cause, such as `ECONNREFUSED`, `ENOTFOUND` or `UND_ERR_SOCKET`. */
  readonly fault: string;
  /** Waits this long before it fails, in milliseconds. `@default 0` */
  readonly delayMs?: number | undefined;
}

/** What to do with one request; see {@link Step}, whose `close` means nothing here. */
export type FetchStep = Step | FaultStep;

/** What else a {@link recordingFetch} can be told. */
export interface RecordingFetchOptions extends RecordOptions {
  /** Waits for `delayMs` and between drips. `@default setTimeout` */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
  /** Unix time in milliseconds, for `receivedAtMs`. `@default Date.now` */
  readonly now?: (() => number) | undefined;
}

/** A `fetch` without a network that answers by a script and keeps books. */
export interface RecordingFetch extends Recording {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Starts another script with the next request. */
  script(script: Script<FetchStep>): void;
}

/**
 * Makes a `fetch` that needs no network: for unit tests of what sends events. Takes what the global `fetch` takes,
 * aborts as it does, and follows no redirect.
 *
 * @param script - what to do with each request. `@default 202`
 * @param options - see {@link RecordingFetchOptions}.
 * @example
 * const fetch = recordingFetch([{ fault: "ECONNREFUSED" }, 202]);
 * const client = new EventsClient({ apiKey: "key", apiSecret: "secret", fetch });
 * await client.upload(batch);
 * assert.equal(fetch.requests.length, 2);
 * assert.equal(fetch.accepted()[0]?.user_identities?.customer_id, "42");
 * @throws TypeError, RangeError - for a script that is empty or holds what is no step, or a step with anything in it that would
 * go unheard, and for an option that there is not. A step of this kind that a function of the script gives is answered 422, with
 * the message; what the function throws is what the caller gets.
 */
export function recordingFetch(script: Script<FetchStep> = 202, options: RecordingFetchOptions = {}): RecordingFetch {
  checkOptions(options, { record: "any", check: "function", plan: "any", sleep: "function", now: "function" });
  const { sleep = sleepFor, now = Date.now } = options;
  const check = checkOf(options);
  const recorder = new Recorder(options.record ?? "all");
  const runner = new ScriptRunner(script, planFetchStep);
  // A Request's signal aborts only while somebody holds the Request.
  const pending = new Set<Request>();

  let hasFailed = false;
  const planGiven = (step: FetchStep, record: RecordedRequest): FetchPlan => {
    try {
      return planFetchStep(step, stepFor(record));
    } catch (error) {
      // A client takes what a `fetch` throws for a fault of the network, and tries again.
      const isFirst = !hasFailed;
      hasFailed = true;
      return scriptFailed(error, isFirst);
    }
  };

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = input instanceof Request && init === undefined ? input : new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    pending.add(request);
    try {
      const { pathname, search } = new URL(request.url);
      const record = recorder.open({
        method: request.method,
        url: request.url,
        path: pathname + search,
        headers: Object.fromEntries(request.headers),
        receivedAtMs: now(),
        socketId: 0,
      });
      const entry = runner.take();
      const isEarly = !isStepFunction(entry) && (entry.kind === "fault" || isEarlyReset(entry));
      if (!isEarly) recorder.read(record, await request.text());
      const step = isStepFunction<FetchStep>(entry)
        ? planGiven(await untilAborted(Promise.resolve(entry(record)), signal), record)
        : entry;
      const plan = step.kind === "fault" ? step : planChecked(step, record, check);
      if (plan.kind === "answer") recorder.decide(record, plan.status);
      if (plan.kind === "hang") return await untilAborted(new Promise<never>(() => undefined), signal);
      const { delayMs = 0 } = plan;
      if (delayMs > 0) await untilAborted(sleep(delayMs), signal);
      if (plan.kind === "fault") throw networkFault(plan.fault);
      if (plan.kind !== "answer") throw networkFault(plan.kind === "raw" ? "HPE_INVALID_CONSTANT" : "ECONNRESET");
      if (plan.reset === "before-answer" || plan.reset === "within-head") throw networkFault("ECONNRESET");
      return toResponse(plan, request, sleep, () => {
        record.answered = true;
      });
    } finally {
      pending.delete(request);
    }
  };
  return Object.assign(fetch, recorder.recording(), {
    script: (next: Script<FetchStep>) => {
      runner.replace(next);
    },
  });
}

type FetchPlan = FullStep | (FaultStep & { readonly kind: "fault" });

const FETCH_KINDS = ["fault", ...STEP_KINDS] as const;

function planFetchStep(step: FetchStep, where = "A step"): FetchPlan {
  if (!isFault(step)) return planStep(step, where, FETCH_KINDS);
  kindOfStep(step, where, FETCH_KINDS);
  return { kind: "fault", ...step };
}

function isFault(step: FetchStep): step is FaultStep {
  return isObject(step) && step["fault"] !== undefined;
}

function isEarlyReset(plan: FullStep): boolean {
  return plan.kind === "reset" && plan.reset !== "before-answer";
}

/** As the global `fetch` of Node reports it. */
function networkFault(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

function toResponse(
  plan: AnswerPlan,
  request: Request,
  sleep: (ms: number) => Promise<unknown>,
  onSent: () => void,
): Response {
  const { status, headers, text, reset, dripBytesPerMs } = plan;
  // A Response refuses a body on these.
  if (status === 204 || status === 205 || status === 304) {
    onSent();
    return new Response(null, { status, headers });
  }
  if (reset === undefined && dripBytesPerMs === undefined) {
    onSent();
    return new Response(text, { status, headers });
  }
  const whole = new TextEncoder().encode(text);
  const body = reset === "within-body" ? whole.subarray(0, Math.ceil(whole.length / 2)) : whole;
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent < body.length) {
        if (dripBytesPerMs !== undefined) await untilAborted(sleep(Math.max(1, 1 / dripBytesPerMs)), request.signal);
        const end = dripBytesPerMs === undefined ? body.length : sent + Math.max(1, Math.floor(dripBytesPerMs));
        controller.enqueue(body.slice(sent, end));
        sent = end;
      } else if (reset === "within-body") {
        throw new TypeError("terminated", { cause: Object.assign(new Error("ECONNRESET"), { code: "ECONNRESET" }) });
      } else {
        onSent();
        controller.close();
      }
    },
  });
  return new Response(stream, { status, headers });
}

function sleepFor(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
