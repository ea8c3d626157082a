import { LIMITS } from "../../generated/contract.ts";
import { ApiError, InvalidBatchError, MParticleError } from "../errors.ts";
import { divideRefused } from "../delivery/isolation.ts";
import { RequestPacker } from "../delivery/chunk.ts";
import type { Effects } from "../delivery/effects.ts";
import type { Verdict } from "../delivery/outcome.ts";
import { verdictOfUnprepared } from "../delivery/prepare.ts";
import { RequestIds } from "../delivery/request-ids.ts";
import type { AttemptReport, Telemetry } from "../delivery/telemetry.ts";
import type { Transport } from "../transport/attempt.ts";
import type { FleetBatch } from "./fleet-batch.ts";
import type { SharedPace } from "./account-pace.ts";
import { PaceTurns } from "./pace-turns.ts";

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

/** Jobs come from the store one after the other: a request that is not full waits so long for more of them. */
const GATHER_MS = 10;
/** A store that does not answer must not keep a worker from ending. */
const TELLING_MS = 1_000;
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
  readonly #turns: PaceTurns;
  /**
   * Whose batch each id stands for: the service would drop another user's under it, and say 202. Of the same user it is
   * what a producer adds anew that does not know whether its first attempt was stored; the service drops that as it should.
   */
  readonly #requestIds = new RequestIds();
  /** Requests that have begun: they wait for their turn, or are on their way. */
  readonly #requests = new Set<Promise<void>>();
  /** Of those, the ones that are not packed yet; whatever waits when they are goes with them. */
  #unpacked = 0;
  #isGathering = false;
  #failures = 0;
  #lastFailureMs = -Infinity;
  #lastAcceptedMs = -Infinity;
  #resumeAtMs = -Infinity;
  #stopError: MParticleError | undefined;
  readonly #stop = new AbortController();

  constructor(options: RequestSenderOptions) {
    this.#options = options;
    this.#turns = new PaceTurns(options.pace, options.telemetry, options.effects);
  }

  /** Batches that have no verdict yet. */
  pending = 0;

  /** Sends a batch in the next request that has room for it; never rejects. */
  send(batch: FleetBatch): Promise<Verdict> {
    if (this.#stopError !== undefined) return Promise.resolve({ kind: "undelivered", error: this.#stopError });
    // Somebody has edited the store: nothing between two commas would be accepted as a batch that was sent.
    if (!batch.text.startsWith("{")) {
      const message = "it is no batch, but what somebody has put into the store in place of one.";
      const finding = { severity: "error", code: "batch-type", path: "", message } as const;
      const error = new InvalidBatchError([finding], { requestIds: [batch.requestId] });
      return Promise.resolve({ kind: "rejected", error });
    }
    const { requestId, userKey } = batch;
    try {
      this.#requestIds.enter(requestId, userKey, batch);
    } catch (error) {
      const verdict = verdictOfUnprepared(error);
      if (verdict === undefined) throw error;
      return Promise.resolve(verdict);
    }
    return new Promise((resolve) => {
      this.pending++;
      this.#waiting.push({
        batch,
        bytes: batch.bytes,
        handedOverAtMs: this.#options.effects.now(),
        attempts: 0,
        settle: (verdict) => {
          this.pending--;
          this.#requestIds.leave(requestId, verdict);
          resolve(verdict);
        },
      });
      this.#gather();
    });
  }

  /** Ends all waits and requests: what has no verdict is undelivered, with this reason. */
  stop(error: MParticleError): void {
    this.#stopError = error;
    this.#stop.abort(error);
    this.#turns.end();
    const rest = [...this.#parts.splice(0).flat(), ...this.#waiting.splice(0)];
    for (const waiting of rest) waiting.settle({ kind: "undelivered", error });
  }

  /**
   * Ends, when nothing is pending: resolves when the store knows of all turns that were given back, or does not answer
   * in time. A connection that is closed before lets them count for some seconds more, for all workers.
   */
  async end(): Promise<void> {
    this.#turns.end();
    let stopTimer = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      stopTimer = this.#options.effects.startTimer(resolve, TELLING_MS);
    });
    const told = Promise.all(this.#requests).then(() => this.#turns.told());
    await Promise.race([told, late]);
    stopTimer();
  }

  /** Full requests begin in the next microtask, because many batches may come in one turn of the event loop. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    queueMicrotask(() => {
      if (this.#waiting.length >= this.#options.maxBatches) this.#beginRequests();
      this.#options.effects.startTimer(() => {
        this.#isGathering = false;
        this.#beginRequests();
      }, GATHER_MS);
    });
  }

  #beginRequests(): void {
    const { concurrency, maxBatches } = this.#options;
    const wanted = (): number => this.#parts.length + Math.ceil(this.#waiting.length / maxBatches);
    while (this.#requests.size < concurrency && wanted() > this.#unpacked) {
      const request = this.#sendOne().finally(() => {
        this.#requests.delete(request);
        this.#beginRequests();
      });
      this.#requests.add(request);
    }
  }

  async #sendOne(): Promise<void> {
    let isUnpacked = true;
    const packed = (): void => {
      if (isUnpacked) this.#unpacked--;
      isUnpacked = false;
    };
    this.#unpacked++;
    try {
      await this.#backOff();
      const turn = await this.#turns.take(() => this.#parts[0]?.length ?? this.#countNext());
      if (turn === undefined) return;
      await this.#turns.use(turn, async () => {
        this.#giveBackLate();
        const request = this.#nextRequest(turn.batches);
        packed();
        // A turn may be for fewer batches than wait by now.
        this.#beginRequests();
        if (request.length > 0) await this.#attempt(request);
      });
    } finally {
      packed();
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
    if (waitMs > 0) await this.#turns.sleep(waitMs);
  }

  /** A turn can be long in coming, such as while the store is away: meanwhile others may have taken what waits here. */
  #giveBackLate(): void {
    const { effects, maxHoldMs } = this.#options;
    // Read once: whoever became late between two looks would be in none of the lists.
    const nowMs = effects.now();
    const isInTime = (one: Waiting): boolean => nowMs - one.handedOverAtMs < maxHoldMs;
    const late = [...this.#parts.flat(), ...this.#waiting].filter((one) => !isInTime(one));
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter(isInTime);
    const parts = this.#parts.splice(0).map((part) => part.filter(isInTime));
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
    const { transport, effects, telemetry } = this.#options;
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
      if (rateLimitPercentageUsed !== undefined) this.#turns.observe(rateLimitPercentageUsed);
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
    this.#failed(request, result.error, startedMs);
  }

  #failed(request: readonly Waiting[], error: MParticleError, startedMs: number): void {
    const { effects, maxHoldMs, telemetry } = this.#options;
    const isRefused = isRefusal(error);
    // A refusal is an answer: the service is up again.
    if (isRefused) this.#failures = 0;
    const stopError = this.#stopError;
    if (stopError !== undefined && !(isRefused && request.length === 1)) {
      for (const { settle } of request) settle({ kind: "undelivered", error: stopError });
      return;
    }
    const isSuspect = this.#isSuspect(request, error);
    if (request.length > 1 && (isRefused || isSuspect)) {
      this.#parts.push(...divideRefused(request));
      return;
    }
    if (isRefused) {
      for (const { settle } of request) settle({ kind: "rejected", error });
      return;
    }
    // Requests that fail at the same time have met the same failure.
    if (startedMs > this.#lastFailureMs || this.#failures === 0) this.#failures++;
    this.#lastFailureMs = effects.now();
    const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined;
    const backoffMs = effects.random() * Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failures - 1), MAX_BACKOFF_MS);
    if (error.code === "RATE_LIMITED") {
      const durationMs = retryAfterMs ?? Math.max(backoffMs, 1_000);
      this.#turns.pause(durationMs);
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
    // A suspect stays alone, or all who are beside it would fail with it again.
    if (isSuspect && again.length > 0) this.#parts.push(again);
    else this.#waiting.unshift(...again);
  }

  /**
   * One batch that the service fails at must not hold back those beside it: when others get through, or half of the time
   * has passed, whoever has failed several times may be to blame.
   */
  #isSuspect(request: readonly Waiting[], error: MParticleError): boolean {
    if (!(error instanceof ApiError) || error.status < 500 || error.status === 503) return false;
    const { effects, maxHoldMs } = this.#options;
    const isLate = (sinceMs: number): boolean => effects.now() - sinceMs > maxHoldMs / 2;
    return request.some(
      ({ attempts, handedOverAtMs: sinceMs }) => attempts > 2 && (this.#lastAcceptedMs > sinceMs || isLate(sinceMs)),
    );
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
