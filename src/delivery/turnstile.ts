import { onAbort } from "../transport/abort.ts";
import type { Effects } from "./effects.ts";
import { Fifo } from "./fifo.ts";
import { admit, createPace, isRecovering, observe, pausedUntil, type Observation, type PaceOptions } from "./pace.ts";
import type { RequestState } from "./request-state.ts";
import type { ServiceHealth } from "./service-health.ts";

/**
 * What a request that waits for its turn gets: it may go, its signal has aborted, its time is up, or it would be up
 * before the service lets anybody in.
 */
export type Turn = "go" | "aborted" | "expired" | "refused";

export interface TurnstileOptions {
  readonly effects: Effects;
  readonly health: ServiceHealth;
  readonly pace: PaceOptions;
  /** Requests in flight at most. */
  readonly concurrency: number;
}

/** A request that waits for its turn. */
interface Waiter {
  readonly request: RequestState;
  /** Position among those that wait for their first attempt. */
  readonly order: number;
  /** Set when it no longer waits; it is passed over then. */
  gone: boolean;
  resume(turn: Turn): void;
}

/**
 * Lets requests through: so many at once, as fast as the service allows, those that return before those that are new.
 * Whoever waits is told when there is no point in it any more.
 */
export class Turnstile {
  readonly #options: TurnstileOptions;
  readonly #pace;
  /** Those that return for another attempt, in the order in which they do; few, for they all had a turn. */
  readonly #returning = new Set<Waiter>();
  /** Those that are new, with somebody who waits for them and without: their times end differently. */
  readonly #awaited = new Fifo<Waiter>();
  readonly #background = new Fifo<Waiter>();
  #inFlight = 0;
  #entered = 0;
  #isLettingSoon = false;
  #isClosed = false;
  #stopTimer: (() => void) | undefined;
  /** Batches a second that are let through; infinite until a limit shows. */
  get batchesPerSecond(): number {
    return this.#pace.rate;
  }

  /** Until when the service asked all requests to wait, and how long it has asked them to in all. */
  #askedUntilMs = -Infinity;
  #askedMs = 0;

  constructor(options: TurnstileOptions) {
    this.#options = options;
    this.#pace = createPace(options.pace, options.effects.now());
  }

  /** Until when nothing starts; in the past when nothing is held back. */
  get pausedUntilMs(): number {
    return pausedUntil(this.#pace);
  }

  /** Until when the service asked all requests to wait; in the past when it did not. */
  get askedUntilMs(): number {
    return this.#askedUntilMs;
  }

  /** How long the service has asked all requests to wait since the start, to the end of the present pause. */
  get askedMs(): number {
    return this.#askedMs;
  }

  /** Lets nobody through any more: the signals of all that wait are about to abort. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  /** Whether nothing stands in the way: then it holds a place in flight from here on, as after {@link enter}. */
  enterNow({ batches, signal }: RequestState): boolean {
    if (this.#isClosed || signal.aborted) return false;
    if (this.#inFlight >= this.#options.concurrency || this.#next() !== undefined) return false;
    const now = this.#options.effects.now();
    if (admit(this.#pace, batches.length, now).startAtMs > now) return false;
    this.#inFlight++;
    return true;
  }

  /** Resolves when the request may start; it holds a place in flight from then on. */
  enter(request: RequestState): Promise<Turn> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        request,
        order: this.#entered++,
        gone: false,
        resume: (turn) => {
          waiter.gone = true;
          this.#returning.delete(waiter);
          ignoreAbort();
          resolve(turn);
        },
      };
      if (request.attempts > 0) this.#returning.add(waiter);
      else (request.background ? this.#background : this.#awaited).push(waiter);
      // A signal that has aborted already calls back before there is anything to ignore.
      let ignoreAbort = (): void => undefined;
      ignoreAbort = onAbort(request.signal, () => {
        waiter.resume("aborted");
        this.#letThroughSoon();
      });
      if (!waiter.gone) this.#letThrough();
    });
  }

  /**
   * Gives a place in flight back.
   *
   * @param seen - what became of the request, if that says anything about the service.
   */
  leave(seen: Observation | undefined): void {
    this.#inFlight--;
    if (seen !== undefined) {
      const now = this.#options.effects.now();
      observe(this.#pace, seen, now);
      // The request itself waits for as long: see `decideRetry`.
      if (seen.kind === "answer" && (seen.retryAfterMs ?? 0) > 0 && this.pausedUntilMs > this.#askedUntilMs) {
        this.#askedMs += this.pausedUntilMs - Math.max(this.#askedUntilMs, now);
        this.#askedUntilMs = this.pausedUntilMs;
      }
    }
    this.#letThrough();
  }

  /** When the wait of a request ends at the latest. */
  expiryOf({ handedOverAtMs, firstAttemptMs, retry, background, askedBeforeMs }: RequestState): number {
    // For its first attempt it may wait as long as others succeed.
    const sinceMs = Math.min(firstAttemptMs ?? Infinity, Math.max(this.#options.health.failingSinceMs, handedOverAtMs));
    return sinceMs + retry.maxElapsedMs + (background ? this.#askedMs - askedBeforeMs : 0);
  }

  /** When all that end with one signal have left: a timer that nobody waits for any more must not keep the process alive. */
  #letThroughSoon(): void {
    if (this.#isLettingSoon) return;
    this.#isLettingSoon = true;
    void Promise.resolve().then(() => {
      this.#isLettingSoon = false;
      this.#letThrough();
    });
  }

  /** Lets requests start while there is room and the pace allows, and comes back when the pace says so. */
  #letThrough(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#isClosed) return;
    const { concurrency, effects } = this.#options;
    const now = effects.now();
    let wakeAtMs = this.#expire(now);
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) {
      if (this.#inFlight >= concurrency) break;
      const { startAtMs } = admit(this.#pace, waiter.request.batches.length, now);
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
      this.#letThrough();
    }, wakeAtMs - now);
  }

  /** Those that return go before those that are new, unless it may be them that fail and not the service. */
  #next(): Waiter | undefined {
    const [returning] = this.#returning;
    if (returning !== undefined && !isRecovering(this.#pace)) return returning;
    const awaited = firstWaiting(this.#awaited);
    const background = firstWaiting(this.#background);
    const isFirst = (awaited?.order ?? Infinity) < (background?.order ?? Infinity);
    return (isFirst ? awaited : background) ?? returning;
  }

  /** Ends the wait of those for whom there is no point in it; tells when the time of the next one is up. */
  #expire(now: number): number {
    let nextMs = Infinity;
    for (const waiter of this.#returning) nextMs = Math.min(nextMs, this.#expireOne(waiter, now));
    for (const line of [this.#awaited, this.#background]) {
      for (let waiter = firstWaiting(line); waiter !== undefined; waiter = firstWaiting(line)) {
        nextMs = Math.min(nextMs, this.#expireOne(waiter, now));
        // Those behind it were handed over later.
        if (!waiter.gone) break;
      }
    }
    return nextMs;
  }

  /** @returns when its time is up; infinite when it no longer waits. */
  #expireOne(waiter: Waiter, now: number): number {
    const expiresAtMs = this.expiryOf(waiter.request);
    if (expiresAtMs <= now) waiter.resume("expired");
    else if (expiresAtMs <= this.#askedUntilMs) waiter.resume("refused");
    return waiter.gone ? Infinity : expiresAtMs;
  }
}

function firstWaiting(line: Fifo<Waiter>): Waiter | undefined {
  while (line.peek()?.gone === true) line.shift();
  return line.peek();
}
