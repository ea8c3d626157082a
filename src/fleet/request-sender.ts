import { LIMITS } from "../../generated/contract.ts";
import { ApiError, MParticleError } from "../errors.ts";
import { divideRefused } from "../delivery/isolation.ts";
import { RequestPacker } from "../delivery/chunk.ts";
import type { Effects } from "../delivery/effects.ts";
import type { Verdict } from "../delivery/outcome.ts";
import type { AttemptReport, Telemetry } from "../delivery/telemetry.ts";
import type { Transport } from "../transport/attempt.ts";
import type { FleetBatch } from "./fleet-batch.ts";
import { TURN_MS, type GivenTurn, type SharedPace } from "./account-pace.ts";

export interface RequestSenderOptions {
  readonly transport: Transport;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly pace: SharedPace;
  /** Batches in one request at most. */
  readonly maxBatches: number;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** A batch that is not accepted for so long goes back to the store, in milliseconds since it was handed over. */
  readonly maxHoldMs: number;
}

/** A batch whose verdict somebody waits for. */
interface Waiting {
  readonly batch: FleetBatch;
  readonly bytes: number;
  readonly handedOverAtMs: number;
  attempts: number;
  readonly settle: (verdict: Verdict) => void;
}

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10_000;

/**
 * Packs batches of many jobs into bulk requests and gives each its own verdict. It asks the shared pace before it packs,
 * in place of the pace that a client learns for itself: the two together would be slower than either.
 *
 * While the service fails or refuses for the rate, batches wait here for `maxHoldMs`; then they are undelivered, and go
 * back to the store with their ids.
 */
export class RequestSender {
  readonly #options: RequestSenderOptions;
  #waiting: Waiting[] = [];
  /** Parts of refused requests, each to be sent by itself; they go first. */
  readonly #parts: (readonly Waiting[])[] = [];
  #inFlight = 0;
  #failures = 0;
  #lastAcceptedMs = -Infinity;
  #resumeAtMs = -Infinity;
  #stopError: MParticleError | undefined;
  readonly #stop = new AbortController();
  readonly #endWaits = new Set<() => void>();

  constructor(options: RequestSenderOptions) {
    this.#options = options;
  }

  /** Batches that have no verdict yet. */
  pending = 0;

  /** Sends a batch in the next request that has room for it; never rejects. */
  send(batch: FleetBatch): Promise<Verdict> {
    if (this.#stopError !== undefined) return Promise.resolve({ kind: "undelivered", error: this.#stopError });
    return new Promise((resolve) => {
      this.pending++;
      this.#waiting.push({
        batch,
        bytes: batch.bytes,
        handedOverAtMs: this.#options.effects.now(),
        attempts: 0,
        settle: (verdict) => {
          this.pending--;
          resolve(verdict);
        },
      });
      this.#startRequests();
    });
  }

  /** Ends all waits and requests: what has no verdict is undelivered, with this reason. */
  stop(error: MParticleError): void {
    this.#stopError = error;
    this.#stop.abort(error);
    for (const end of this.#endWaits) end();
    const rest = [...this.#parts.splice(0).flat(), ...this.#waiting.splice(0)];
    for (const waiting of rest) waiting.settle({ kind: "undelivered", error });
  }

  #startRequests(): void {
    // In the next microtask: whoever hands over many batches in one turn gets them into one request.
    queueMicrotask(() => {
      while (this.#inFlight < this.#options.concurrency && this.#parts.length + this.#waiting.length > this.#inFlight) {
        this.#inFlight++;
        void this.#sendOne().finally(() => {
          this.#inFlight--;
          if (this.#parts.length + this.#waiting.length > 0) this.#startRequests();
        });
      }
    });
  }

  async #sendOne(): Promise<void> {
    await this.#backOff();
    const wanted = this.#parts[0]?.length ?? this.#countNext();
    if (wanted === 0) return;
    const turn = await this.#takeTurn(wanted);
    if (turn === undefined) return;
    const { effects, pace } = this.#options;
    let stopTimer = (): void => undefined;
    const extend = (): void => {
      stopTimer = effects.startTimer(() => {
        this.#tellPace(pace.extend(turn));
        extend();
      }, TURN_MS / 3);
    };
    extend();
    try {
      this.#giveBackLate();
      const request = this.#nextRequest(turn.batches);
      if (request.length > 0) await this.#attempt(request);
    } finally {
      stopTimer();
      this.#tellPace(pace.give(turn));
    }
  }

  /** How many batches the next request has room for, by their number and their bytes. */
  #countNext(): number {
    let [count, bytes] = [0, 2];
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes + 1;
      if (count > 0 && (count >= this.#options.maxBatches || bytes > LIMITS.requestMaxBytes)) break;
      count++;
    }
    return count;
  }

  /** After failures of the service, until it is time to try again. */
  async #backOff(): Promise<void> {
    const waitMs = this.#resumeAtMs - this.#options.effects.now();
    if (waitMs > 0) await this.#sleep(waitMs);
  }

  /** @returns `undefined` when the sender was stopped meanwhile. */
  async #takeTurn(batches: number): Promise<GivenTurn | undefined> {
    const { pace, telemetry } = this.#options;
    while (this.#stopError === undefined) {
      try {
        const turn = await pace.take(batches);
        if ("id" in turn) return turn;
        await this.#sleep(turn.waitMs);
      } catch (error) {
        // Without the store nobody knows the pace, and the jobs cannot be settled either.
        telemetry.reportError("The shared pace could not be asked; trying again.", error);
        await this.#sleep(1_000);
      }
    }
    return undefined;
  }

  /** A turn can be long in coming, such as while the store is away: meanwhile others may have taken what waits here. */
  #giveBackLate(): void {
    const { effects, maxHoldMs } = this.#options;
    const isLate = (one: Waiting): boolean => effects.now() - one.handedOverAtMs >= maxHoldMs;
    const late = [...this.#parts.flat(), ...this.#waiting].filter(isLate);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !isLate(one));
    const parts = this.#parts.splice(0).map((part) => part.filter((one) => !isLate(one)));
    this.#parts.push(...parts.filter((part) => part.length > 0));
    const error = new MParticleError("EXPIRED", `It got no turn within ${String(maxHoldMs)} ms.`);
    for (const { settle } of late) settle({ kind: "undelivered", error });
  }

  #nextRequest(atMost: number): readonly Waiting[] {
    const part = this.#parts.shift();
    if (part !== undefined) {
      if (part.length > atMost) this.#parts.unshift(part.slice(atMost));
      return part.slice(0, atMost);
    }
    const packer = new RequestPacker<Waiting>({ maxBatches: atMost });
    for (const [index, waiting] of this.#waiting.entries()) {
      const full = packer.add(waiting);
      if (full === undefined) continue;
      this.#waiting = this.#waiting.slice(full.includes(waiting) ? index + 1 : index);
      return full;
    }
    this.#waiting = [];
    return packer.flush() ?? [];
  }

  async #attempt(request: readonly Waiting[]): Promise<void> {
    const { transport, effects, telemetry, pace } = this.#options;
    const body = bulkBody(request);
    const attempt = Math.max(...request.map(({ attempts }) => attempts)) + 1;
    for (const waiting of request) waiting.attempts++;
    const requestIds = request.map(({ batch }) => batch.requestId);
    const path = "/bulkevents";
    const start = telemetry.attemptStarts(() => ({ path, attempt, requestIds, bytes: body.bytes, origins: [] }));
    const startedMs = effects.now();
    const result = await telemetry.runAttempt(start, () =>
      transport.attempt({ path, body, requestIds, attempt, signal: this.#stop.signal }),
    );
    const status = result.kind === "accepted" ? result.status : statusOf(result.error);
    const rateLimitPercentageUsed = result.kind === "accepted" ? result.rateLimitPercentageUsed : undefined;
    const report: AttemptReport = {
      path,
      attempt,
      batches: request.length,
      bytes: body.bytes,
      durationMs: effects.now() - startedMs,
      result: result.kind === "accepted" ? "accepted" : result.error.code,
      status,
      rateLimitPercentageUsed,
    };
    telemetry.attempt(report, start);
    if (result.kind === "accepted") {
      this.#failures = 0;
      this.#lastAcceptedMs = effects.now();
      if (rateLimitPercentageUsed !== undefined) this.#tellPace(pace.observe(rateLimitPercentageUsed));
      for (const { batch, attempts, handedOverAtMs, settle } of request) {
        const durationMs = effects.now() - handedOverAtMs;
        const { requestId } = batch;
        settle({
          kind: "accepted",
          receipt: { status: result.status, requestId, attempts, durationMs, rateLimitPercentageUsed },
        });
      }
      return;
    }
    this.#failed(request, result.error);
  }

  #failed(request: readonly Waiting[], error: MParticleError): void {
    const { effects, maxHoldMs, pace, telemetry } = this.#options;
    const isRefused = isRefusal(error);
    const stopError = this.#stopError;
    if (stopError !== undefined && !(isRefused && request.length === 1)) {
      for (const { settle } of request) settle({ kind: "undelivered", error: stopError });
      return;
    }
    if (request.length > 1 && (isRefused || this.#isSuspect(request, error))) {
      this.#parts.push(...divideRefused(request));
      return;
    }
    if (isRefused) {
      for (const { settle } of request) settle({ kind: "rejected", error });
      return;
    }
    this.#failures++;
    const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined;
    const backoffMs = effects.random() * Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failures - 1), MAX_BACKOFF_MS);
    if (error.code === "RATE_LIMITED") {
      const durationMs = retryAfterMs ?? Math.max(backoffMs, 1_000);
      this.#tellPace(pace.pause(durationMs));
      telemetry.pause({ durationMs, error });
    }
    const delayMs = Math.max(retryAfterMs ?? 0, backoffMs);
    this.#resumeAtMs = Math.max(this.#resumeAtMs, effects.now() + delayMs);
    const now = effects.now();
    // Wrong credentials are everybody's trouble and nobody's fault: the jobs wait in the store for who mends them.
    const again =
      error.code === "UNAUTHORIZED" ? [] : request.filter((one) => now - one.handedOverAtMs + delayMs < maxHoldMs);
    const back = request.filter((one) => !again.includes(one));
    for (const { settle } of back) settle({ kind: "undelivered", error });
    this.#waiting.unshift(...again);
  }

  /** One batch that the service fails at must not hold back those beside it, when others get through. */
  #isSuspect(request: readonly Waiting[], error: MParticleError): boolean {
    if (!(error instanceof ApiError) || error.status < 500 || error.status === 503) return false;
    return request.every(({ attempts, handedOverAtMs }) => attempts > 2 && this.#lastAcceptedMs > handedOverAtMs);
  }

  #tellPace(telling: Promise<void>): void {
    telling.catch((error: unknown) => {
      this.#options.telemetry.reportError("The shared pace could not be told.", error);
    });
  }

  #sleep(durationMs: number): Promise<void> {
    if (this.#stopError !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        stopTimer();
        this.#endWaits.delete(end);
        resolve();
      };
      const stopTimer = this.#options.effects.startTimer(end, durationMs);
      this.#endWaits.add(end);
    });
  }
}

/** Whether the service refused what a batch says; a wrong address or wrong credentials are no fault of the batch. */
function isRefusal(error: MParticleError): error is ApiError {
  if (!(error instanceof ApiError) || error.status === 404 || error.status === 405) return false;
  return error.code === "BAD_REQUEST" || error.code === "TOO_LARGE";
}

function statusOf(error: MParticleError): number | undefined {
  return error instanceof ApiError ? error.status : undefined;
}

function bulkBody(request: readonly Waiting[]): { readonly texts: readonly string[]; readonly bytes: number } {
  const texts = ["["];
  let bytes = request.length + 1; // the brackets, and a comma less than there are batches
  for (const { batch } of request) {
    if (texts.length > 1) texts.push(",");
    texts.push(batch.text);
    bytes += batch.bytes;
  }
  texts.push("]");
  return { texts, bytes };
}
