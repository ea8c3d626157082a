import { captureContext, channel } from "#platform";
import type { Batch } from "../../generated/schema.ts";
import type { ErrorCode, Finding, MParticleError } from "../errors.ts";
import { readableError } from "../rules/readable-error.ts";
import { tellConsole } from "../rules/tell-console.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { AttemptStart, type AttemptFacts, type RunInContext } from "./attempt-start.ts";
import { callQuietly } from "./call-quietly.ts";
import { logTo, type Logger } from "./logger.ts";
import type { Outcome } from "./outcome.ts";

/** One request that ended, whatever its end. */
export interface AttemptReport {
  /** Where it went, such as `/bulkevents`. */
  readonly path: EndpointPath;
  /** 1 for the first. */
  readonly attempt: number;
  /** How many batches the request held. */
  readonly batches: number;
  /** Bytes of the body. */
  readonly bytes: number;
  /** From the start of the request to its whole answer, in milliseconds. */
  readonly durationMs: number;
  /** `"accepted"`, or the code of the error. */
  readonly result: "accepted" | ErrorCode;
  /** The status, if there was an answer. */
  readonly status?: number | undefined;
  /** How much of its limit the account has used, as the answer said. */
  readonly rateLimitPercentageUsed?: number | undefined;
  /** Batches a second that the client keeps to from here on; none until a limit has shown, or `rate` names one. */
  readonly batchesPerSecond?: number | undefined;
}

/** A request that will be made again. */
export interface RetryReport {
  /** Where it goes, such as `/bulkevents`. */
  readonly path: EndpointPath;
  /** The attempt that failed, 1 for the first. */
  readonly attempt: number;
  /** How many batches the request holds. */
  readonly batches: number;
  /** The wait before the next attempt may start. */
  readonly delayMs: number;
  /** Why the attempt failed. */
  readonly error: MParticleError;
}

/** All requests of the client wait. */
export interface PauseReport {
  /** How long nothing will start, in milliseconds. */
  readonly durationMs: number;
  /** What the pause is for. */
  readonly error: MParticleError;
}

/** Called as delivery goes on. What they throw is reported to the logger, without one once to the console, and goes no further. */
export interface Observers {
  /** Called after each request, with what came of it. */
  readonly onAttempt?: ((report: AttemptReport) => void) | undefined;
  /** Called when a request will be made again, with the wait and the reason. */
  readonly onRetry?: ((report: RetryReport) => void) | undefined;
  /** Called when the service asked all requests of the client to wait. */
  readonly onPause?: ((report: PauseReport) => void) | undefined;
  /** Called once for each batch. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /**
   * Called for each warning of `validate`, with the batch that is sent all the same. Its errors refuse the batch, and are
   * in the error of its outcome.
   */
  readonly onFinding?: ((warning: Finding, batch: Batch) => void) | undefined;
}

/** Kept, because looking one up costs more than telling nobody. */
const CHANNELS = {
  attemptStart: /* @__PURE__ */ channel("mparticle-events:attempt-start"),
  attempt: /* @__PURE__ */ channel("mparticle-events:attempt"),
  retry: /* @__PURE__ */ channel("mparticle-events:retry"),
  pause: /* @__PURE__ */ channel("mparticle-events:pause"),
  outcome: /* @__PURE__ */ channel("mparticle-events:outcome"),
} as const;

/** Where delivery reports to: the observers, the logger, and on Node the channels `mparticle-events:<topic>`. */
export class Telemetry {
  readonly #observers: Observers;
  readonly #logger: Logger | undefined;
  #hasWarned = false;
  readonly #hasWarnedOf = new Set<string>();

  constructor(observers: Observers, logger: Logger | undefined) {
    this.#observers = observers;
    this.#logger = logger;
  }

  /** The context of who hands something over, while somebody listens to where it ends up: to capture it costs. */
  origin(): RunInContext | undefined {
    return CHANNELS.attemptStart.hasSubscribers ? captureContext() : undefined;
  }

  /** Tells that a request is about to be made. @returns `undefined` when nobody listens. */
  attemptStarts(describe: () => AttemptFacts): AttemptStart | undefined {
    if (!CHANNELS.attemptStart.hasSubscribers) return undefined;
    const start = new AttemptStart(describe());
    CHANNELS.attemptStart.publish(start);
    return start;
  }

  /** Makes a request in the context that whoever listens to its start has chosen. */
  runAttempt<Result>(start: AttemptStart | undefined, send: () => Result): Result {
    return start === undefined ? send() : start.run(send, this.#complainOfListener);
  }

  /** @param start - of the same request. */
  attempt(report: AttemptReport, start: AttemptStart | undefined): void {
    start?.end(report, this.#complainOfListener);
    this.#call("`onAttempt`", this.#observers.onAttempt, report);
    CHANNELS.attempt.publish(report);
    this.#log(
      "debug",
      () => `${report.path}: ${report.result} after ${String(Math.round(report.durationMs))} ms`,
      report,
    );
  }

  retry(report: RetryReport): void {
    this.#call("`onRetry`", this.#observers.onRetry, report);
    CHANNELS.retry.publish(report);
    this.#log(
      "warn",
      () => `${report.path}: trying again in ${String(Math.round(report.delayMs))} ms. ${report.error.message}`,
      report,
    );
  }

  pause(report: PauseReport): void {
    this.#call("`onPause`", this.#observers.onPause, report);
    CHANNELS.pause.publish(report);
    this.#log("warn", () => `Pausing for ${String(Math.round(report.durationMs))} ms. ${report.error.message}`, report);
  }

  /** Whether anybody would be told of a batch that was accepted. */
  hasOutcomeListener(alsoTell: Observers["onOutcome"]): boolean {
    return (this.#observers.onOutcome ?? alsoTell) !== undefined || CHANNELS.outcome.hasSubscribers;
  }

  /**
   * As {@link outcome}, of a batch that nobody waits for. Where nobody listens either, the console is told that somebody
   * should.
   */
  outcomeOfQueue(outcome: Outcome, onOutcome: Observers["onOutcome"]): void {
    this.outcome(outcome, onOutcome);
    if (outcome.kind === "accepted" || this.#hasWarned || this.#logger !== undefined) return;
    // What is closed is handed back.
    if (this.hasOutcomeListener(onOutcome) || outcome.error.code === "CLOSED") return;
    this.#hasWarned = true;
    tellConsole(
      "warn",
      `mparticle-events: a batch of a queue was ${outcome.kind}. ${outcome.error.message} ` +
        "Pass `onOutcome` or `logger` to hear of each; this is said once.",
    );
  }

  /** @param alsoTell - an observer of the queue the batch came from. */
  outcome(outcome: Outcome, alsoTell?: (outcome: Outcome) => void): void {
    // Nearly all are, and mostly nobody listens.
    if (outcome.kind === "accepted" && !this.hasOutcomeListener(alsoTell)) return;
    this.#call("`onOutcome`", this.#observers.onOutcome, outcome);
    this.#call("`onOutcome` of a queue", alsoTell, outcome);
    CHANNELS.outcome.publish(outcome);
    if (outcome.kind === "accepted") return;
    // The batch itself stays out of logs: it holds personal data.
    const { kind, index, error } = outcome;
    this.#log("error", () => `Batch ${String(index)} ${kind}: ${error.message}`, { kind, index, error });
  }

  /**
   * What `validate` warns of.
   *
   * @param isNew - whether nothing of this code was found at this path before: the same again is not logged.
   */
  warning(finding: Finding, batch: Batch, isNew: boolean): void {
    const onFinding: ((warning: Finding, batch: Batch) => unknown) | undefined = this.#observers.onFinding;
    if (onFinding !== undefined) this.#call("`onFinding`", (found) => onFinding(found, batch), finding);
    if (!isNew) return;
    const { code, path, message, hint } = finding;
    const text = `${path === "" ? "The batch" : path}: ${message}${hint === undefined ? "" : ` ${hint}`} (${code})`;
    if (this.#logger !== undefined) {
      this.#log("warn", () => text, finding);
    } else if (onFinding === undefined && !this.#hasWarnedOf.has(code)) {
      this.#hasWarnedOf.add(code);
      tellConsole(
        "warn",
        `mparticle-events: \`validate\` warns of ${text}. Pass \`onFinding\` or \`logger\` to hear of each; ` +
          "this is said once for each code.",
      );
    }
  }

  /** Somebody who runs this should know it; without a logger the console is told. */
  warn(message: string, error?: MParticleError): void {
    if (this.#logger === undefined) tellConsole("warn", `mparticle-events: ${message}`);
    else this.#log("warn", () => message, error === undefined ? undefined : { error });
  }

  /** Events are lost, set aside or kept back: without a logger the console is told. */
  loss(message: string, error?: unknown): void {
    if (this.#logger === undefined) tellConsole("warn", `mparticle-events: ${message}`);
    else this.reportError(message, error);
  }

  /** Something went wrong that no caller waits for. */
  reportError(message: string, error?: unknown): void {
    this.#log("error", () => message, error === undefined ? undefined : { error });
  }

  /** What the application's own functions throw, or reject with, must neither stop delivery nor end the process. */
  #call<Report>(
    name: `\`${keyof Observers}\`` | "`onOutcome` of a queue",
    observer: ((report: Report) => unknown) | undefined,
    report: Report,
  ): void {
    if (observer === undefined) return;
    callQuietly(
      () => observer(report),
      (error) => {
        this.#complainOf(name, error);
      },
    );
  }

  /** An observer that fails would hide all that it is told, losses among it: without a logger the console is told. */
  #complainOf(observer: string, thrown: unknown): void {
    if (this.#logger !== undefined) {
      this.reportError(`${observer} threw.`, thrown);
    } else if (!this.#hasWarnedOf.has(observer)) {
      this.#hasWarnedOf.add(observer);
      const error = readableError(thrown);
      const said = error instanceof Error ? error.message : String(error);
      tellConsole(
        "warn",
        `mparticle-events: ${observer} threw: ${said}. Pass \`logger\` to hear of each; this is said once.`,
      );
    }
  }

  readonly #complainOfListener = (error: unknown): void => {
    this.#complainOf("A listener to the start of a request", error);
  };

  #log(level: keyof Logger, describe: () => string, details: object | undefined): void {
    const logger = this.#logger;
    if (logger === undefined) return;
    // What a logger throws can be told to nobody.
    callQuietly(
      () => logTo(logger, level, describe(), details),
      () => undefined,
    );
  }
}
