import { ApiError, MParticleError } from "../errors.ts";
import { onAbort } from "../transport/abort.ts";
import type { AttemptResult, Transport } from "../transport/attempt.ts";
import type { RequestBody } from "../transport/exchange.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { divideRefused } from "./bisect.ts";
import type { Effects } from "./effects.ts";
import { Fifo } from "./fifo.ts";
import type { Verdict } from "./outcome.ts";
import { admit, createPace, isRecovering, observe, pausedUntil, type Pace, type PaceOptions } from "./pace.ts";
import { decideRetry, type Retry } from "./retry.ts";
import type { Telemetry } from "./telemetry.ts";

/** A batch on its way: its texts, made once, and where its verdict goes. */
export interface OutgoingBatch {
  /** One after the other they are the batch as JSON. */
  readonly texts: readonly string[];
  /** Of all of them, in UTF-8. */
  readonly bytes: number;
  readonly requestId: string;
  /** When it was handed over. */
  readonly handedOverAtMs: number;
  /** Batches with the same one arrive in their order, whatever happens to them; others may overtake each other. */
  readonly lane?: object | undefined;
  /** Called exactly once. */
  settle(verdict: Verdict): void;
}

export interface DispatchOptions {
  readonly path: EndpointPath;
  /** Ends a wait or a request at once; the batches are undelivered then. */
  readonly signal?: AbortSignal | undefined;
  /** Tried again whatever the fault, and at least once, whatever the `retry` option says: there is a store behind it. */
  readonly persistent?: boolean | undefined;
}

export interface DispatcherOptions {
  readonly transport: Transport;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly retry: Retry;
  readonly pace: PaceOptions;
  /** Requests in flight at most. */
  readonly concurrency: number;
}

/** A request that waits for its turn. */
interface Waiter {
  readonly batches: number;
  /** When its batches were handed over. */
  readonly handedOverAtMs: number;
  readonly maxElapsedMs: number;
  /** When it ends at the latest; never before its first attempt, for which it may wait as long as others succeed. */
  readonly deadlineMs: number;
  /** Set when it no longer waits; it is passed over then. */
  gone: boolean;
  resume(turn: Turn): void;
}

type Turn = "go" | "aborted" | "expired";

/** What is known about a group of batches that travels as one request. */
interface RequestState {
  readonly path: EndpointPath;
  readonly batches: readonly OutgoingBatch[];
  readonly signal: AbortSignal | undefined;
  readonly handedOverAtMs: number;
  readonly retry: Retry;
  /**
   * Lanes with a batch that comes back, and why: those behind it must not arrive before it. None where what is not
   * delivered does not come back.
   */
  readonly blocked: Map<object, MParticleError> | undefined;
  attempts: number;
  /** The wait for a turn is no sign of trouble: the age of an upload counts from here. */
  firstAttemptMs: number | undefined;
}

/** A service that has trouble of its own is seldom in trouble so often for the same request, and not for others. */
const ATTEMPTS_BEFORE_SUSPICION = 4;

/**
 * Sends requests for one set of credentials: so many at once, as fast as the service allows, again until they are
 * accepted, refused or out of time. Settles every batch exactly once and never rejects.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #pace: Pace;
  /** Those that come back for another attempt, in the order in which they do; few, for they all had a turn. */
  readonly #returning = new Set<Waiter>();
  readonly #fresh = new Fifo<Waiter>();
  #inFlight = 0;
  #stopTimer: (() => void) | undefined;
  /** Since when no answer but "later" has come; an outage ends the wait of requests that never got a turn. */
  #failingSinceMs: number | undefined;
  #lastFailure: MParticleError | undefined;
  #lastAcceptedMs = -Infinity;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#pace = createPace(options.pace, options.effects.now());
  }

  /**
   * Sends batches as one request, or as several where the service refuses some of them.
   *
   * @returns when every batch is settled.
   */
  async dispatch(
    batches: readonly OutgoingBatch[],
    { path, signal, persistent = false }: DispatchOptions,
  ): Promise<void> {
    const { retry } = this.#options;
    await this.#send({
      path,
      batches,
      signal,
      handedOverAtMs: oldestOf(batches),
      retry: persistent ? { ...retry, once: false, persistent } : retry,
      blocked: persistent ? new Map() : undefined,
      attempts: 0,
      firstAttemptMs: undefined,
    });
  }

  async #send(request: RequestState): Promise<void> {
    const { effects, telemetry, transport } = this.#options;
    const { path, batches, signal, retry } = request;
    const body = path === "/events" ? singleBody(batches) : bulkBody(batches);
    const requestIds = batches.map((batch) => batch.requestId);
    let staleRetryUsed = false;
    let lastError: MParticleError | undefined;
    for (;;) {
      const turn = this.#startsNow(request) ? "go" : await this.#enter(request);
      if (turn !== "go") {
        const inTime = new Set(turn === "expired" && request.attempts === 0 ? batches.filter(this.#hasTime) : []);
        this.#giveUp({ ...request, batches: batches.filter((batch) => !inTime.has(batch)) }, turn, lastError);
        // Coalesced with one that was handed over long before them: they go on by themselves.
        if (inTime.size > 0)
          await this.#send({ ...request, batches: [...inTime], handedOverAtMs: oldestOf([...inTime]) });
        return;
      }
      request.attempts++;
      const startedMs = effects.now();
      const firstAttemptMs = (request.firstAttemptMs ??= startedMs);
      const result = await transport.attempt({ path, body, requestIds, attempt: request.attempts, signal });
      this.#requestEnded(request, body.bytes, result, effects.now() - startedMs);
      if (result.kind === "accepted") {
        const { status, rateLimitPercentageUsed } = result;
        for (const batch of batches) {
          const { requestId, handedOverAtMs } = batch;
          const durationMs = effects.now() - handedOverAtMs;
          batch.settle({
            kind: "accepted",
            receipt: { status, requestId, attempts: request.attempts, durationMs, rateLimitPercentageUsed },
          });
        }
        return;
      }
      const { error, stale } = result;
      if (batches.length > 1 && error instanceof ApiError && (error.status === 400 || error.status === 413)) {
        await this.#isolate(request);
        return;
      }
      if (error.code === "ABORTED") {
        leaveUndelivered(request, error);
        return;
      }
      const decision = decideRetry({
        error,
        attempt: request.attempts,
        elapsedMs: effects.now() - firstAttemptMs,
        stale: stale && !staleRetryUsed,
        random: effects.random,
        retry,
      });
      if (!decision.retry) {
        if (error instanceof ApiError && !error.retryable) settleAll(batches, { kind: "rejected", error });
        else leaveUndelivered(request, error);
        return;
      }
      staleRetryUsed ||= stale;
      lastError = error;
      telemetry.retry({ path, attempt: request.attempts, batches: batches.length, delayMs: decision.delayMs, error });
      await this.#sleep(decision.delayMs, signal);
      if (this.#isSuspect(request, error)) {
        await this.#isolate(request);
        return;
      }
    }
  }

  /**
   * Whether the service may fail because of a single batch: others get through, or half of the time has passed. Those
   * beside it must not be given up with it.
   */
  #isSuspect({ batches, attempts, firstAttemptMs, retry }: RequestState, error: MParticleError): boolean {
    if (batches.length === 1 || attempts < ATTEMPTS_BEFORE_SUSPICION || firstAttemptMs === undefined) return false;
    // That it is not there at all it says of itself.
    if (!(error instanceof ApiError) || error.status < 500 || error.status === 503) return false;
    const halfTimeMs = firstAttemptMs + retry.maxElapsedMs / 2;
    return this.#lastAcceptedMs > firstAttemptMs || this.#options.effects.now() > halfTimeMs;
  }

  /**
   * One bad batch fails the whole request: its parts travel on their own until the culprits are alone, at the same
   * time but for those that share a lane.
   */
  async #isolate(request: RequestState): Promise<void> {
    let before: { readonly lane: object | undefined; readonly arrived: Promise<void> } | undefined;
    const parts = divideRefused(request.batches).map((batches) => {
      // Those of a lane stand next to each other, and so do the parts they are in.
      const lane = batches[0]?.lane;
      const follows = lane !== undefined && lane === before?.lane ? before.arrived : undefined;
      const arrived =
        follows === undefined
          ? this.#send({ ...request, batches })
          : follows.then(() => this.#sendInLaneOrder({ ...request, batches }));
      before = { lane: batches.at(-1)?.lane, arrived };
      return arrived;
    });
    await Promise.all(parts);
  }

  /** What is behind a batch of its lane that was not delivered waits for it. */
  async #sendInLaneOrder(request: RequestState): Promise<void> {
    const batches: OutgoingBatch[] = [];
    for (const batch of request.batches) {
      const error = batch.lane && request.blocked?.get(batch.lane);
      if (error === undefined) batches.push(batch);
      else batch.settle({ kind: "undelivered", error });
    }
    if (batches.length > 0) await this.#send({ ...request, batches });
  }

  #giveUp(request: RequestState, turn: "aborted" | "expired", lastError: MParticleError | undefined): void {
    const { batches, attempts, signal, retry } = request;
    const facts = { requestIds: batches.map((batch) => batch.requestId), attempts };
    if (turn === "aborted") {
      const error = new MParticleError("ABORTED", "Aborted by its signal while waiting to be sent.", {
        ...facts,
        cause: signal?.reason,
      });
      leaveUndelivered(request, error);
      return;
    }
    if (lastError !== undefined) {
      leaveUndelivered(request, lastError);
      return;
    }
    // It never had a turn: the failures of others tell why.
    const cause = this.#lastFailure;
    const message = `Not accepted within ${String(retry.maxElapsedMs)} ms. ${cause?.message ?? ""}`.trimEnd();
    leaveUndelivered(request, new MParticleError("EXPIRED", message, { ...facts, cause }));
  }

  readonly #hasTime = ({ handedOverAtMs }: OutgoingBatch): boolean => {
    const { effects, retry } = this.#options;
    return Math.max(this.#failingSinceMs ?? Infinity, handedOverAtMs) + retry.maxElapsedMs > effects.now();
  };

  /** Whether nothing stands in the way: then it holds a place in flight from here on, as after {@link #enter}. */
  #startsNow({ batches, signal }: RequestState): boolean {
    if (signal?.aborted === true || this.#inFlight >= this.#options.concurrency) return false;
    if (this.#returning.size > 0 || firstWaiting(this.#fresh) !== undefined) return false;
    const now = this.#options.effects.now();
    if (admit(this.#pace, batches.length, now).startAtMs > now) return false;
    this.#inFlight++;
    return true;
  }

  /** Resolves when the request may start; it holds a place in flight from then on. */
  #enter({ batches, signal, handedOverAtMs, attempts, firstAttemptMs, retry }: RequestState): Promise<Turn> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        batches: batches.length,
        handedOverAtMs,
        maxElapsedMs: retry.maxElapsedMs,
        deadlineMs: (firstAttemptMs ?? Infinity) + retry.maxElapsedMs,
        gone: false,
        resume: (turn) => {
          waiter.gone = true;
          this.#returning.delete(waiter);
          ignoreAbort?.();
          resolve(turn);
        },
      };
      if (attempts > 0) this.#returning.add(waiter);
      else this.#fresh.push(waiter);
      const ignoreAbort =
        signal &&
        onAbort(signal, () => {
          waiter.gone = true;
          this.#returning.delete(waiter);
          resolve("aborted");
          // A timer that nobody waits for any more must not keep the process alive.
          this.#pump();
        });
      this.#pump();
    });
  }

  #requestEnded(
    { path, batches: sent, attempts }: RequestState,
    bytes: number,
    result: AttemptResult,
    durationMs: number,
  ): void {
    const { effects, telemetry } = this.#options;
    this.#inFlight--;
    const now = effects.now();
    const batches = sent.length;
    const pausedBefore = pausedUntil(this.#pace);
    if (result.kind === "accepted") {
      const { status, rateLimitPercentageUsed } = result;
      this.#lastAcceptedMs = now;
      observe(this.#pace, { kind: "answer", status, batches, percentageUsed: rateLimitPercentageUsed }, now);
      // One that was sent before a pause says nothing about what comes after it.
      if (now >= pausedBefore) this.#failingSinceMs = undefined;
    } else if (result.error instanceof ApiError) {
      const { status, retryAfterMs, limitExceeded, retryable } = result.error;
      observe(this.#pace, { kind: "answer", status, batches, retryAfterMs, limitExceeded }, now);
      // It refuses, so it is there.
      if (!retryable && now >= pausedBefore) this.#failingSinceMs = undefined;
    } else if (result.error.code !== "ABORTED" && !result.stale) {
      observe(this.#pace, { kind: "failure" }, now);
    }
    telemetry.attempt({
      path,
      attempt: attempts,
      batches,
      bytes,
      durationMs,
      result: result.kind === "accepted" ? "accepted" : result.error.code,
      status:
        result.kind === "accepted" ? result.status : result.error instanceof ApiError ? result.error.status : undefined,
      rateLimitPercentageUsed: result.kind === "accepted" ? result.rateLimitPercentageUsed : undefined,
    });
    if (result.kind === "failed" && result.error.retryable) {
      this.#failingSinceMs ??= now;
      this.#lastFailure = result.error;
      const pausedAfter = pausedUntil(this.#pace);
      if (pausedAfter > Math.max(pausedBefore, now))
        telemetry.pause({ durationMs: pausedAfter - now, error: result.error });
    }
    this.#pump();
  }

  /** Lets requests start while there is room and the pace allows, and comes back when the pace says so. */
  #pump(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const { concurrency, effects } = this.#options;
    const now = effects.now();
    let wakeAtMs = this.#expire(now);
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) {
      if (this.#inFlight >= concurrency) break;
      const { startAtMs } = admit(this.#pace, waiter.batches, now);
      if (startAtMs > now) {
        wakeAtMs = Math.min(wakeAtMs, startAtMs);
        break;
      }
      this.#inFlight++;
      waiter.resume("go");
    }
    // Also with all places taken: what holds them may take longer than those that wait have time.
    if (wakeAtMs === Infinity || this.#next() === undefined) return;
    this.#stopTimer = effects.startTimer(() => {
      this.#pump();
    }, wakeAtMs - now);
  }

  /** Those that come back go before those that are new, unless it may be them that fail and not the service. */
  #next(): Waiter | undefined {
    const [returning] = this.#returning;
    const fresh = firstWaiting(this.#fresh);
    return isRecovering(this.#pace) ? (fresh ?? returning) : (returning ?? fresh);
  }

  /** Ends the wait of those whose time has run out; tells when that of the next one will. */
  #expire(now: number): number {
    let nextMs = Infinity;
    for (const waiter of this.#returning) {
      const expiresAtMs = this.#expiryOf(waiter);
      if (expiresAtMs <= now) waiter.resume("expired");
      else nextMs = Math.min(nextMs, expiresAtMs);
    }
    for (let waiter = firstWaiting(this.#fresh); waiter !== undefined; waiter = firstWaiting(this.#fresh)) {
      const expiresAtMs = this.#expiryOf(waiter);
      if (expiresAtMs > now) return Math.min(nextMs, expiresAtMs);
      waiter.resume("expired");
    }
    return nextMs;
  }

  #expiryOf({ deadlineMs, handedOverAtMs, maxElapsedMs }: Waiter): number {
    const failingSinceMs = this.#failingSinceMs ?? Infinity;
    return Math.min(deadlineMs, Math.max(failingSinceMs, handedOverAtMs) + maxElapsedMs);
  }

  #sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const stopTimer = this.#options.effects.startTimer(() => {
        ignoreAbort?.();
        resolve();
      }, delayMs);
      const ignoreAbort =
        signal &&
        onAbort(signal, () => {
          stopTimer();
          resolve();
        });
    });
  }
}

function singleBody([batch]: readonly OutgoingBatch[]): RequestBody {
  return { texts: batch?.texts ?? [], bytes: batch?.bytes ?? 0 };
}

function bulkBody(batches: readonly OutgoingBatch[]): RequestBody {
  const texts = ["["];
  // The brackets, and a comma less than there are batches.
  let bytes = batches.length + 1;
  for (const batch of batches) {
    if (texts.length > 1) texts.push(",");
    for (const text of batch.texts) texts.push(text);
    bytes += batch.bytes;
  }
  texts.push("]");
  return { texts, bytes };
}

function oldestOf(batches: readonly OutgoingBatch[]): number {
  return batches.reduce((oldestMs, { handedOverAtMs }) => Math.min(oldestMs, handedOverAtMs), Infinity);
}

function leaveUndelivered({ batches, blocked }: RequestState, error: MParticleError): void {
  for (const { lane } of batches) if (lane !== undefined) blocked?.set(lane, error);
  settleAll(batches, { kind: "undelivered", error });
}

function settleAll(batches: readonly OutgoingBatch[], verdict: Verdict): void {
  for (const batch of batches) batch.settle(verdict);
}

function firstWaiting(line: Fifo<Waiter>): Waiter | undefined {
  while (line.peek()?.gone === true) line.shift();
  return line.peek();
}
