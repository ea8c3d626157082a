import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import type { RecordedRequest } from "./recorder.ts";
import { oneOf } from "./step-checks.ts";
import type { AnswerStep } from "./step.ts";

/** How a {@link rateLimit} behaves. */
export interface RateLimitOptions {
  /** What an account may send in the long run, in batches per second; 270 is what the service grants by default. */
  readonly batchesPerSecond: number;
  /** Batches that may come at once after a rest. `@default batchesPerSecond` */
  readonly burst?: number | undefined;
  /**
   * By how many batches per second the rate may exceed the highest of the five seconds before; 429s for it name
   * `acceleration`. `@default no such limit`
   */
  readonly acceleration?: number | undefined;
  /** How a 429 says when to come back: whole seconds, an HTTP date, something unreadable, or not at all. `@default "seconds"` */
  readonly retryAfter?: "seconds" | "date" | "nonsense" | "none" | undefined;
  /** Unix time in milliseconds. `@default Date.now` */
  readonly now?: (() => number) | undefined;
}

/**
 * A script that models the service's rate limit: it counts batches by credentials, answers 202 with
 * `X-mp-rate-limit-percentage-used`, and 429 with `X-mp-rate-limit-exceeded` for what is too much. (Topics "limits" and
 * "throttling" of the Events API reference; how the service counts is not published, so the model is ours: a token
 * bucket for the speed, the rates of the last seconds for the acceleration.)
 *
 * A request larger than the burst passes when the bucket is full, and is paid for afterwards.
 *
 * @example const server = await startFakeServer({ script: rateLimit({ batchesPerSecond: 50, retryAfter: "date" }) });
 * @throws TypeError - for what are no options, and for an option that there is not.
 * @throws RangeError - for a limit that is not above 0.
 */
export function rateLimit(
  options: RateLimitOptions,
): (request: Pick<RecordedRequest, "headers" | "batchCount">) => AnswerStep {
  const given: unknown = options;
  if (!isObject(given)) {
    throw new TypeError(`The options are ${show(given)}; expected an object such as { batchesPerSecond: 270 }.`);
  }
  checkOptions(options, {
    batchesPerSecond: "any",
    burst: "any",
    acceleration: "any",
    retryAfter: "any",
    now: "function",
  });
  const { batchesPerSecond, burst = batchesPerSecond, acceleration, retryAfter = "seconds", now = Date.now } = options;
  for (const [name, value] of Object.entries({ batchesPerSecond, burst, acceleration: acceleration ?? 1 })) {
    positive(name, value);
  }
  oneOf("retryAfter", retryAfter, ["seconds", "date", "nonsense", "none"]);
  const accounts = new Map<string, Account>();

  return ({ headers, batchCount }) => {
    const nowMs = now();
    const credentials = headers["authorization"] ?? "";
    let account = accounts.get(credentials);
    if (account === undefined) accounts.set(credentials, (account = new Account(burst, nowMs)));
    account.refill(nowMs, batchesPerSecond, burst);

    const lacking = Math.min(batchCount, burst) - account.tokens;
    if (lacking > 0) return refuse("account", (lacking / batchesPerSecond) * 1000, nowMs);
    const inLastSecond = account.acceptedSince(nowMs - SLOTS_PER_SECOND * SLOT_MS);
    const ceiling = acceleration === undefined ? Infinity : account.recentPeak(nowMs) + acceleration;
    // The first request of a second always passes: it may be larger than what the ramp allows.
    if (inLastSecond > 0 && inLastSecond + batchCount > ceiling) return refuse("acceleration", 1000, nowMs);

    account.accept(nowMs, batchCount);
    const rate = inLastSecond + batchCount;
    const percentageUsed = Math.min(100, Math.round((100 * rate) / Math.min(batchesPerSecond, ceiling)));
    return { status: 202, headers: { "x-mp-rate-limit-percentage-used": percentageUsed } };
  };

  function refuse(limit: string, waitMs: number, nowMs: number): AnswerStep {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    const value = {
      seconds: String(seconds),
      // An HTTP date has no fractions: rounded up, or it would name a time before the wait is over.
      date: new Date(Math.ceil((nowMs + waitMs) / 1000) * 1000).toUTCString(),
      nonsense: "when you are ready",
      none: undefined,
    }[retryAfter];
    return {
      status: 429,
      headers: {
        // Quoted, as the documentation prints it (D11).
        "x-mp-rate-limit-exceeded": `"${limit}"`,
        ...(value !== undefined && { "retry-after": value }),
      },
    };
  }
}

const SLOT_MS = 100;
const SLOTS_PER_SECOND = 10;
/** Seconds looked back for the rate a ramp starts from. */
const RAMP_SECONDS = 5;

interface Slot {
  readonly startMs: number;
  batches: number;
}

/** What one set of credentials has sent lately. */
class Account {
  tokens: number;
  #refilledAtMs: number;
  /** Newest last; bounded by what {@link recentPeak} looks back on. */
  readonly #slots: Slot[] = [];

  constructor(tokens: number, nowMs: number) {
    this.tokens = tokens;
    this.#refilledAtMs = nowMs;
  }

  refill(nowMs: number, perSecond: number, burst: number): void {
    this.tokens = Math.min(burst, this.tokens + ((nowMs - this.#refilledAtMs) / 1000) * perSecond);
    this.#refilledAtMs = nowMs;
  }

  accept(nowMs: number, batches: number): void {
    this.tokens -= batches;
    const startMs = Math.floor(nowMs / SLOT_MS) * SLOT_MS;
    const last = this.#slots.at(-1);
    if (last?.startMs === startMs) last.batches += batches;
    else this.#slots.push({ startMs, batches });
    const oldestMs = nowMs - (RAMP_SECONDS + 1) * 1000 - SLOT_MS;
    while ((this.#slots[0]?.startMs ?? Infinity) < oldestMs) this.#slots.shift();
  }

  acceptedSince(sinceMs: number, untilMs = Infinity): number {
    return this.#slots.reduce(
      (sum, { startMs, batches }) => (startMs > sinceMs && startMs <= untilMs ? sum + batches : sum),
      0,
    );
  }

  /** The highest rate of the five seconds before the current one, in batches per second. */
  recentPeak(nowMs: number): number {
    let peak = 0;
    for (let second = 1; second <= RAMP_SECONDS; second++) {
      const untilMs = nowMs - second * 1000;
      peak = Math.max(peak, this.acceptedSince(untilMs - 1000, untilMs));
    }
    return peak;
  }
}
