/**
 * A service with a limit, and clients that share it, on a virtual clock: what the pace is tested with, and what its plot
 * shows.
 *
 * A client here does what the dispatcher does: so many requests in flight, each when the pace admits it, again when the
 * retry decision says so; those that return go before those that are new, except while the client recovers.
 */
import { ApiError, NetworkError, type MParticleError } from "../../src/errors.ts";
import { admit, createPace, isRecovering, observe, type Pace } from "../../src/delivery/pace.ts";
import { decideRetry, resolveRetry } from "../../src/delivery/retry.ts";

export interface ServiceModel {
  /** Accepted per second at most, with one second's worth in store. */
  readonly batchesPerSecond: number;
  /** How far the rate of the last second may exceed that of the last ten, in batches per second. */
  readonly acceleration?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Whether answers say how much of the limit is used, and over how many seconds that is reckoned. */
  readonly percentageWindowMs?: number | undefined;
  readonly outages?: readonly Outage[] | undefined;
}

interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: "503" | "refused";
}

export interface ClientModel {
  readonly startMs?: number | undefined;
  readonly stopMs?: number | undefined;
  readonly concurrency: number;
  readonly batchesPerRequest: number;
  /** Batches per second it has to send; without it there is always more to send. */
  readonly offeredPerSecond?: number | undefined;
  readonly rate?: "auto" | number | undefined;
}

export interface Simulation {
  readonly seed: number;
  readonly durationMs: number;
  readonly service: ServiceModel;
  readonly clients: readonly ClientModel[];
  /** Round trip, at least; up to half as long again. `@default 40` */
  readonly roundTripMs?: number | undefined;
}

type Fate = "accepted" | "limited" | "failed";

/** One request as the service saw it. */
export interface Arrival {
  readonly atMs: number;
  readonly client: number;
  readonly batches: number;
  readonly fate: Fate;
}

type Answer =
  | { readonly fate: "accepted"; readonly percentageUsed: number | undefined }
  | { readonly fate: "limited"; readonly limitExceeded: string; readonly retryAfterMs: number | undefined }
  | { readonly fate: "failed"; readonly kind: Outage["kind"] };

/** Runs the simulation; the same input gives the same arrivals. */
export function simulate({ seed, durationMs, service, clients, roundTripMs = 40 }: Simulation): readonly Arrival[] {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const endpoint = new SimulatedService(service);
  const arrivals: Arrival[] = [];
  for (const [index, model] of clients.entries()) {
    const send = (batches: number, done: (answer: Answer) => void): void => {
      const travelMs = (roundTripMs / 2) * (1 + random() / 2);
      clock.after(travelMs, () => {
        const answer = endpoint.answer(batches, clock.now);
        arrivals.push({ atMs: clock.now, client: index, batches, fate: answer.fate });
        clock.after(travelMs, () => {
          done(answer);
        });
      });
    };
    const client = new SimulatedClient(model, clock, random, send);
    clock.after(model.startMs ?? 0, () => {
      client.start();
    });
  }
  clock.run(durationMs);
  return arrivals;
}

/** Batches per second of each second, of those arrivals that are wanted. */
export function perSecond(
  arrivals: readonly Arrival[],
  durationMs: number,
  wanted: (arrival: Arrival) => boolean = () => true,
): readonly number[] {
  const seconds = new Array<number>(Math.ceil(durationMs / 1000)).fill(0);
  for (const arrival of arrivals) {
    const second = Math.floor(arrival.atMs / 1000);
    if (wanted(arrival) && second < seconds.length) seconds[second] = (seconds[second] ?? 0) + arrival.batches;
  }
  return seconds;
}

/** A fixed sequence for each seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class SimulatedService {
  readonly #model: ServiceModel;
  readonly #last1s = new DecayingRate(1000);
  readonly #last10s = new DecayingRate(10_000);
  readonly #shown: DecayingRate;
  #tokens: number;
  #tokensAtMs = 0;

  constructor(model: ServiceModel) {
    this.#model = model;
    this.#tokens = model.batchesPerSecond;
    this.#shown = new DecayingRate(model.percentageWindowMs ?? 1000);
  }

  answer(batches: number, now: number): Answer {
    const { batchesPerSecond, acceleration, retryAfterMs, percentageWindowMs, outages = [] } = this.#model;
    const outage = outages.find(({ fromMs, toMs }) => now >= fromMs && now < toMs);
    if (outage !== undefined) return { fate: "failed", kind: outage.kind };
    const earned = ((now - this.#tokensAtMs) * batchesPerSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + earned, batchesPerSecond);
    this.#tokensAtMs = now;
    if (this.#tokens < batches) return { fate: "limited", limitExceeded: "account", retryAfterMs };
    const growth = this.#last1s.at(now) + batches - this.#last10s.at(now);
    if (acceleration !== undefined && growth > acceleration) {
      return { fate: "limited", limitExceeded: "acceleration", retryAfterMs };
    }
    this.#tokens -= batches;
    for (const rate of [this.#last1s, this.#last10s, this.#shown]) rate.add(batches, now);
    const speedPercent = (100 * this.#shown.at(now)) / batchesPerSecond;
    const growthPercent = acceleration === undefined ? 0 : (100 * growth) / acceleration;
    const percentageUsed = Math.round(Math.max(speedPercent, growthPercent));
    return { fate: "accepted", percentageUsed: percentageWindowMs === undefined ? undefined : percentageUsed };
  }
}

/** Events per second over about a window, the recent ones counting most. */
class DecayingRate {
  readonly #windowMs: number;
  #sum = 0;
  #atMs = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  at(now: number): number {
    return (this.#sum * Math.exp((this.#atMs - now) / this.#windowMs) * 1000) / this.#windowMs;
  }

  add(count: number, now: number): void {
    this.#sum = this.#sum * Math.exp((this.#atMs - now) / this.#windowMs) + count;
    this.#atMs = now;
  }
}

interface SimulatedRequest {
  readonly sinceMs: number;
  attempts: number;
}

class SimulatedClient {
  readonly #model: ClientModel;
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  readonly #send: (batches: number, done: (answer: Answer) => void) => void;
  readonly #pace: Pace;
  readonly #retry = resolveRetry({ maxElapsedMs: Infinity });
  readonly #returning: SimulatedRequest[] = [];
  #fresh = 0;
  #inFlight = 0;
  #wakeAtMs = Infinity;

  constructor(
    model: ClientModel,
    clock: VirtualClock,
    random: () => number,
    send: (batches: number, done: (answer: Answer) => void) => void,
  ) {
    this.#model = model;
    this.#clock = clock;
    this.#random = random;
    this.#send = send;
    this.#pace = createPace({ rate: model.rate, concurrency: model.concurrency, random }, clock.now);
  }

  start(): void {
    const { offeredPerSecond, batchesPerRequest } = this.#model;
    if (offeredPerSecond === undefined) {
      this.#fresh = Infinity;
    } else {
      this.#fresh++;
      this.#clock.after((batchesPerRequest * 1000) / offeredPerSecond, () => {
        this.start();
      });
    }
    this.#pump();
  }

  #pump(): void {
    const { concurrency, batchesPerRequest, stopMs = Infinity } = this.#model;
    while (this.#inFlight < concurrency && this.#clock.now < stopMs) {
      if (this.#returning.length === 0 && this.#fresh === 0) return;
      const { startAtMs } = admit(this.#pace, batchesPerRequest, this.#clock.now);
      if (startAtMs > this.#clock.now) {
        this.#wakeAt(startAtMs);
        return;
      }
      this.#travel(this.#next());
    }
  }

  #next(): SimulatedRequest {
    const returning = this.#fresh > 0 && isRecovering(this.#pace) ? undefined : this.#returning.shift();
    if (returning !== undefined) return returning;
    this.#fresh--;
    return { sinceMs: this.#clock.now, attempts: 0 };
  }

  #wakeAt(startAtMs: number): void {
    if (this.#wakeAtMs <= startAtMs && this.#wakeAtMs > this.#clock.now) return;
    this.#wakeAtMs = startAtMs;
    this.#clock.after(startAtMs - this.#clock.now, () => {
      if (this.#wakeAtMs === startAtMs) this.#wakeAtMs = Infinity;
      this.#pump();
    });
  }

  #travel(request: SimulatedRequest): void {
    this.#inFlight++;
    request.attempts++;
    const batches = this.#model.batchesPerRequest;
    this.#send(batches, (answer) => {
      this.#inFlight--;
      const { now } = this.#clock;
      if (answer.fate === "accepted") {
        const { percentageUsed } = answer;
        observe(this.#pace, { kind: "answer", status: 202, batches, percentageUsed }, now);
      } else {
        const error = toError(answer);
        if (error instanceof ApiError) {
          const { status, retryAfterMs, limitExceeded } = error;
          observe(this.#pace, { kind: "answer", status, batches, retryAfterMs, limitExceeded }, now);
        } else {
          observe(this.#pace, { kind: "failure" }, now);
        }
        const decision = decideRetry({
          error,
          attempt: request.attempts,
          elapsedMs: now - request.sinceMs,
          random: this.#random,
          retry: this.#retry,
        });
        if (!decision.retry) throw new Error("these errors are retried for ever");
        this.#clock.after(decision.delayMs, () => {
          this.#returning.push(request);
          this.#pump();
        });
      }
      this.#pump();
    });
  }
}

function toError(answer: Exclude<Answer, { fate: "accepted" }>): MParticleError {
  if (answer.fate === "limited") return new ApiError(429, "", answer);
  return answer.kind === "503" ? new ApiError(503, "") : new NetworkError("CONNECTION", "");
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time passes by going from one timer to the next. */
class VirtualClock {
  now = 0;
  /** The next one last. */
  readonly #timers: Timer[] = [];

  after(delayMs: number, callback: () => void): void {
    const atMs = this.now + delayMs;
    const timers = this.#timers;
    // Those of the same time run in the order in which they were set.
    let [from, to] = [0, timers.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((timers[middle]?.atMs ?? 0) > atMs) from = middle + 1;
      else to = middle;
    }
    timers.splice(from, 0, { atMs, callback });
  }

  run(untilMs: number): void {
    for (let timer = this.#timers.pop(); timer !== undefined && timer.atMs <= untilMs; timer = this.#timers.pop()) {
      this.now = timer.atMs;
      timer.callback();
    }
  }
}
