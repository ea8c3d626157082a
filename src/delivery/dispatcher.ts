import { ApiError, MParticleError } from "../errors.ts";
import { readableError } from "../rules/readable-error.ts";
import { EndSignal, onAbort, type AnySignal } from "../transport/abort.ts";
import type { AttemptResult, Transport } from "../transport/attempt.ts";
import type { RequestBody } from "../transport/exchange.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import type { AttemptStart } from "./attempt-start.ts";
import type { AwakeTime } from "./awake-time.ts";
import type { InFlightCount } from "./in-flight-count.ts";
import { isolate, isRefusedForContent, isSuspect } from "./isolation.ts";
import { bodyOf, oldestOf, originsOf, settleAll, type OutgoingBatch } from "./outgoing-batch.ts";
import type { Observation, PaceOptions } from "./pace.ts";
import { leaveUndelivered, type RequestState } from "./request-state.ts";
import { decideRetry, type Retry } from "./retry.ts";
import { ServiceHealth } from "./service-health.ts";
import type { AttemptReport, Telemetry } from "./telemetry.ts";
import { nextTurn, REFUSAL_BYTES, type Turns } from "./turns.ts";
import { Turnstile, type Turn } from "./turnstile.ts";

export interface DispatchOptions {
  readonly path: EndpointPath;
  /** Ends a wait or a request at once; the batches are undelivered then. */
  readonly signal?: AnySignal | undefined;
  /** Each batch is a single upload that somebody awaits. */
  readonly single?: boolean | undefined;
  /** Nobody waits for the batches: where the service asks for a longer wait than they have time, they wait. */
  readonly background?: boolean | undefined;
  /** Tried again whatever the fault, and at least once, whatever the `retry` option says: there is a store behind it. */
  readonly persistent?: boolean | undefined;
}

export interface DispatcherOptions {
  readonly transport: Transport;
  readonly telemetry: Telemetry;
  readonly effects: AwakeTime;
  /** Of a single upload, which a request handler may await, and of all else. */
  readonly retry: { readonly single: Retry; readonly other: Retry };
  readonly pace: PaceOptions;
  /** Requests in flight at most. */
  readonly concurrency: number;
  readonly inFlight: InFlightCount;
  readonly turns: Turns;
}

/** An attempt that is under way. */
interface Attempt {
  /** Of whoever listens to its start. */
  readonly start: AttemptStart | undefined;
  readonly startedMs: number;
  /** Of its body. */
  readonly bytes: number;
  readonly result: Promise<AttemptResult>;
}

/** An upload that is not accepted after this time is told of, once: its caller would wait without knowing why. */
const SAY_SO_AFTER_MS = 5_000;

/** So many waits are ended in one turn of the event loop when the client is closed. */
const ENDED_PER_TURN = 500;

/**
 * Sends requests for one set of credentials: so many at once, as fast as the service allows, again until they are
 * accepted, refused or out of time. Settles every batch exactly once and never rejects.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #health = new ServiceHealth();
  readonly #turnstile: Turnstile;
  /** Ends everything, when the client is closed. */
  readonly #end = new EndSignal();
  #hasSaidSo = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#turnstile = new Turnstile({ ...options, health: this.#health });
  }

  /**
   * Sends batches as one request, or as several where the service refuses some of them.
   *
   * @returns when every batch is settled.
   */
  dispatch(batches: readonly OutgoingBatch[], options: DispatchOptions): Promise<void> {
    const { path, persistent = false, background = persistent } = options;
    const { inFlight, retry: retries } = this.#options;
    const retry = options.single === true ? retries.single : retries.other;
    const linked = options.signal === undefined ? undefined : linkSignals(options.signal, this.#end);
    inFlight.enter();
    const sent = this.#send({
      path,
      batches,
      signal: linked?.signal ?? this.#end,
      handedOverAtMs: oldestOf(batches),
      retry: persistent ? { ...retry, once: false, persistent } : retry,
      background,
      askedBeforeMs: this.#turnstile.askedMs,
      blocked: persistent ? new Map() : undefined,
      attempts: 0,
      firstAttemptMs: undefined,
    });
    return sent.then(() => {
      linked?.unlink();
      inFlight.leave();
    });
  }

  /** Ends all that waits or is in flight, and whatever comes later: it is undelivered then, and safe to send again. */
  async close(): Promise<void> {
    this.#turnstile.close();
    const called = this.#end.aborting(closedError([], 0));
    for (let ended = 1; called.next().done !== true; ended++) if (ended % ENDED_PER_TURN === 0) await nextTurn();
  }

  readonly #send = async (request: RequestState): Promise<void> => {
    const { effects, telemetry } = this.#options;
    const { path, batches, signal } = request;
    const body = bodyOf(path, batches);
    const requestIds = batches.map((batch) => batch.requestId);
    let staleRetryUsed = false;
    let lastError: MParticleError | undefined;
    for (;;) {
      const turn = this.#turnstile.enterNow(request) ? "go" : await this.#turnstile.enter(request);
      if (turn !== "go") {
        await this.#giveUp(request, turn, lastError);
        return;
      }
      const attempt = this.#start(request, body, requestIds);
      const result = await attempt.result;
      this.#learn(request, attempt, result);
      if (result.kind === "accepted") {
        this.#settleAccepted(request, result);
        return;
      }
      const { error, stale } = result;
      if (isRefusedForContent(request, error)) {
        await isolate(request, this.#send);
        return;
      }
      if (error.code === "ABORTED") {
        this.#leaveAborted(request, error);
        return;
      }
      const decision = decideRetry({
        error,
        attempt: request.attempts,
        elapsedMs: this.#elapsedMs(request),
        stale: stale && !staleRetryUsed,
        random: effects.random,
        retry: request.retry,
      });
      if (!decision.retry) {
        if (error instanceof ApiError && !error.retryable) settleAll(batches, { kind: "rejected", error });
        else leaveUndelivered(request, error);
        return;
      }
      staleRetryUsed ||= stale;
      lastError = error;
      const { delayMs } = decision;
      telemetry.retry({ path, attempt: request.attempts, batches: batches.length, delayMs, error });
      this.#sayThatItTakesLong(request, delayMs, error);
      await this.#sleep(delayMs, signal);
      if (isSuspect(request, error, this.#health, effects.now())) {
        await isolate(request, this.#send);
        return;
      }
    }
  };

  /** Starts an attempt; what it teaches is for {@link Dispatcher.#learn}, without a promise of its own. */
  #start(request: RequestState, body: RequestBody, requestIds: readonly string[]): Attempt {
    const { effects, telemetry, transport } = this.#options;
    const { path, batches, signal } = request;
    const attempt = ++request.attempts;
    const start = telemetry.attemptStarts(() => {
      return { path, attempt, requestIds, bytes: body.bytes, origins: originsOf(batches) };
    });
    const startedMs = effects.now();
    request.firstAttemptMs ??= startedMs;
    const send = (): Promise<AttemptResult> => transport.attempt({ path, body, requestIds, attempt, signal });
    return { start, startedMs, bytes: body.bytes, result: telemetry.runAttempt(start, send) };
  }

  #learn({ path, batches, attempts }: RequestState, attempt: Attempt, result: AttemptResult): void {
    const { effects, telemetry, transport } = this.#options;
    const { start, startedMs, bytes } = attempt;
    effects.endedBy(startedMs + transport.timeoutMs);
    const now = effects.now();
    const pausedBeforeMs = this.#turnstile.pausedUntilMs;
    this.#health.observe(result, now, now < pausedBeforeMs);
    this.#turnstile.leave(observationOf(result, batches.length));
    const isAccepted = result.kind === "accepted";
    const { batchesPerSecond, pausedUntilMs } = this.#turnstile;
    const report: AttemptReport = {
      path,
      attempt: attempts,
      batches: batches.length,
      bytes,
      durationMs: now - startedMs,
      result: isAccepted ? "accepted" : result.error.code,
      status: isAccepted ? result.status : result.error instanceof ApiError ? result.error.status : undefined,
      rateLimitPercentageUsed: isAccepted ? result.rateLimitPercentageUsed : undefined,
      batchesPerSecond: batchesPerSecond === Infinity ? undefined : batchesPerSecond,
    };
    telemetry.attempt(report, start);
    if (!isAccepted && result.error.retryable && pausedUntilMs > Math.max(pausedBeforeMs, now)) {
      telemetry.pause({ durationMs: pausedUntilMs - now, error: result.error });
    }
  }

  #settleAccepted(
    { batches, attempts }: RequestState,
    { status, rateLimitPercentageUsed }: Extract<AttemptResult, { kind: "accepted" }>,
  ): void {
    const now = this.#options.effects.now();
    for (const batch of batches) {
      const { requestId, handedOverAtMs } = batch;
      const durationMs = now - handedOverAtMs;
      batch.settle({ kind: "accepted", receipt: { status, requestId, attempts, durationMs, rateLimitPercentageUsed } });
    }
  }

  /** Since its first attempt; where nobody waits for it, without what the service asked it to wait. */
  #elapsedMs({ firstAttemptMs, background, askedBeforeMs }: RequestState): number {
    const now = this.#options.effects.now();
    const askedMs = background ? this.#turnstile.askedMs - askedBeforeMs : 0;
    return now - (firstAttemptMs ?? now) - askedMs;
  }

  async #giveUp(request: RequestState, turn: Turn, lastError: MParticleError | undefined): Promise<void> {
    const { turns } = this.#options;
    const { batches, attempts, signal, retry } = request;
    const requestIds = batches.map((batch) => batch.requestId);
    if (turn === "aborted") {
      // Many may wait for one signal, or for the client that is being closed.
      if (turns.isSpent) await turns.share();
      turns.note(batches.length * REFUSAL_BYTES);
      const facts = { requestIds, attempts, cause: signal.reason as unknown };
      this.#leaveAborted(
        request,
        new MParticleError("ABORTED", "Aborted by its signal while waiting to be sent.", facts),
      );
      return;
    }
    if (lastError !== undefined) {
      leaveUndelivered(request, lastError);
      return;
    }
    // Coalesced with one that was handed over long before them: they go on by themselves.
    const inTime = turn === "expired" ? batches.filter((batch) => this.#hasTime(request, batch)) : [];
    const late = inTime.length === 0 ? batches : batches.filter((batch) => !inTime.includes(batch));
    const facts = { requestIds: late.map((batch) => batch.requestId), attempts };
    leaveUndelivered({ ...request, batches: late }, this.#errorOfLate(turn, retry, facts));
    if (inTime.length > 0) await this.#send({ ...request, batches: inTime, handedOverAtMs: oldestOf(inTime) });
  }

  /** It never had a turn: the failures of others tell why. */
  #errorOfLate(turn: Turn, { maxElapsedMs }: Retry, facts: { requestIds: string[]; attempts: number }): MParticleError {
    const cause = this.#health.lastFailure;
    const waitMs = Math.max(0, Math.ceil(this.#turnstile.askedUntilMs - this.#options.effects.now()));
    if (turn === "refused" && cause instanceof ApiError) {
      const message = `Not sent: the service asks for a wait of ${String(waitMs)} ms, and \`maxElapsedMs\` is ${String(maxElapsedMs)}. ${cause.message}`;
      const { limitExceeded } = cause;
      return new ApiError(cause.status, message, { ...facts, retryAfterMs: waitMs, limitExceeded, cause });
    }
    const message = `Not accepted within ${String(maxElapsedMs)} ms. ${cause?.message ?? ""}`.trimEnd();
    return new MParticleError("EXPIRED", message, { ...facts, cause });
  }

  #hasTime(request: RequestState, { handedOverAtMs }: OutgoingBatch): boolean {
    return this.#turnstile.expiryOf({ ...request, handedOverAtMs }) > this.#options.effects.now();
  }

  /** By its own signal, or by the client's end. */
  #leaveAborted(request: RequestState, error: MParticleError): void {
    // Of a caller's signal it may be anything; those of a client and of a queue are closed with an error of ours.
    const reason = readableError(request.signal.reason);
    const isClosed = reason instanceof MParticleError && reason.code === "CLOSED";
    const { requestIds, attempts } = error;
    leaveUndelivered(
      request,
      isClosed ? new MParticleError("CLOSED", reason.message, { requestIds, attempts }) : error,
    );
  }

  /** Whoever awaits an upload would wait in silence otherwise. */
  #sayThatItTakesLong(request: RequestState, delayMs: number, error: MParticleError): void {
    const soFarMs = this.#elapsedMs(request);
    if (this.#hasSaidSo || soFarMs + delayMs < SAY_SO_AFTER_MS) return;
    this.#hasSaidSo = true;
    const seconds = (ms: number): string => `${String(Math.round(ms / 1000))} s`;
    this.#options.telemetry.warn(
      `Not accepted for ${seconds(soFarMs)}, next attempt in ${seconds(delayMs)}, until ` +
        `${seconds(request.retry.maxElapsedMs)} have passed (\`retry.maxElapsedMs\`). ${error.message} This is said once.`,
      error,
    );
  }

  #sleep(delayMs: number, signal: AnySignal): Promise<void> {
    return new Promise((resolve) => {
      let ignoreAbort = (): void => undefined;
      const stopTimer = this.#options.effects.startTimer(() => {
        ignoreAbort();
        resolve();
      }, delayMs);
      ignoreAbort = onAbort(signal, () => {
        stopTimer();
        resolve();
      });
    });
  }
}

/** What an attempt says about the service; one that was aborted, or met a connection long closed, says nothing. */
function observationOf(result: AttemptResult, batches: number): Observation | undefined {
  if (result.kind === "accepted") {
    return { kind: "answer", status: result.status, batches, percentageUsed: result.rateLimitPercentageUsed };
  }
  const { error, stale } = result;
  if (error instanceof ApiError) {
    const { status, retryAfterMs, limitExceeded } = error;
    return { kind: "answer", status, batches, retryAfterMs, limitExceeded };
  }
  return error.code === "ABORTED" || stale ? undefined : { kind: "failure" };
}

/** Of what was handed over to a client that is closed, or closed before it was accepted. */
export function closedError(requestIds: readonly string[], attempts: number): MParticleError {
  const message = "The client was closed before this was accepted; sending it again is safe.";
  return new MParticleError("CLOSED", message, { requestIds, attempts });
}

/** A signal that aborts with the first of two. */
function linkSignals(one: AnySignal, other: AnySignal): { readonly signal: EndSignal; unlink(): void } {
  const linked = new EndSignal();
  const ignores = [one, other].map((signal) =>
    onAbort(signal, () => {
      linked.abort(signal.reason);
    }),
  );
  return {
    signal: linked,
    unlink: () => {
      for (const ignore of ignores) ignore();
    },
  };
}
