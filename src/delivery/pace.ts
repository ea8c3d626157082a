import { LIMITS } from "../../generated/contract.ts";
import { isRetryableStatus } from "../errors.ts";
import { show } from "../rules/show.ts";
import { spreadMs } from "./retry.ts";

export interface PaceOptions {
  /** Batches per second at most; `"auto"` has no ceiling but what is learned. `@default "auto"` */
  readonly rate?: "auto" | number | undefined;
  /** Requests in flight at most. The caller keeps to it; recovery is over once as many were answered. */
  readonly concurrency: number;
  /** From 0 to below 1. `@default Math.random` */
  readonly random?: (() => number) | undefined;
}

/** What became of a request. One that was aborted says nothing about the service and is not observed. */
export type Observation =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** Batches in the request. */
      readonly batches: number;
      /** `X-mp-rate-limit-percentage-used`. */
      readonly percentageUsed?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      /** `X-mp-rate-limit-exceeded`, without quotes. */
      readonly limitExceeded?: string | undefined;
    }
  /** No answer: timed out, refused, reset. */
  | { readonly kind: "failure" };

/** How fast one client may send. Only the functions of this file look inside. */
export interface Pace {
  readonly ceiling: number;
  readonly concurrency: number;
  readonly random: () => number;
  /** Batches per second; infinite until a limit shows. */
  rate: number;
  /** Batches that may start at `tokensAtMs`; a debt when negative, so that a request larger than any store can start. */
  tokens: number;
  tokensAtMs: number;
  /** Accepted batches per second at `acceptedAtMs`, over about the last second. */
  accepted: number;
  acceptedAtMs: number;
  /** Percentage of the limit in use at `usedAtMs`, smoothed. */
  used: number;
  usedAtMs: number;
  /** Whether the last answer claimed more than the limit, and was accepted all the same. */
  isDoubted: boolean;
  /** When the rate last changed, or may change again if that is later. */
  steeredAtMs: number;
  /** Until then the rate grows more gently. */
  flatUntilMs: number;
  /** Nothing starts before. */
  pausedUntilMs: number;
  /** Requests that may start on the strength of what was answered; infinite unless recovering from a pause. */
  credits: number;
  /** When the next request may start without credit. */
  probeAtMs: number;
  /** Answers since the pause. */
  recovered: number;
  /** 429 in a row, those that arrived during a pause not counted. */
  refusals: number;
  /** Requests in a row that came to nothing, and since when. */
  failures: number;
  failingSinceMs: number;
}

/** Near the limit without touching it. */
const TARGET_PERCENT = 88;
/** No answer counts for more: what is far above the limit is a mistake, and would stay in the mean for long. */
const MAX_PERCENT = 120;
/** Growth of the rate per second while there is room, and after the service has complained about growth. */
const GROWTH = 1.1;
const FLAT_GROWTH = 1.02;
const FLAT_MS = 30_000;
/**
 * What every client's rate grows by per second whatever its size. Cuts are proportional, so a large share loses more
 * than it gains and a small one gains more than it loses: clients of one account end up with equal shares.
 */
const DRIFT_PER_SECOND = LIMITS.accountBatchesPerSecond * 0.005;
/** What a 429 leaves of the rate, and one for acceleration at most and at least. */
const CUT = 0.8;
const MIN_FLAT_CUT = 0.9;
const MAX_FLAT_CUT = 0.5;
/** A rate that is not used is not proven: it grows no further than to this many times what there is room for. */
const UNPROVEN = 2;
/** Learning starts no lower. */
const FIRST_RATE = 10;
const MIN_RATE = 1;
/** So far above anything that it is as good as none. */
const FORGET_RATE = 1_000_000;
/** The rate is steered at most so often; a longer silence counts as the second, or as the third for the drift. */
const STEER_MS = 500;
const MAX_STEER_MS = 1_000;
const MAX_DRIFT_MS = 30_000;
/** After a pause the service's own count of the rate starts low, and says nothing yet. */
const SETTLE_MS = 2_000;
/** What may start at once after a lull, in milliseconds' worth of the rate. */
const BURST_MS = 100;
/** Rounding errors must not cost a timer. */
const EPSILON = 1e-6;
/** A few failures happen among many successes; this many in a row are an outage. */
const OUTAGE_FAILURES = 3;
const OUTAGE_PAUSE_SHARE = 0.2;
const MIN_OUTAGE_PAUSE_MS = 100;
const MAX_OUTAGE_PAUSE_MS = 5_000;
/** Whoever comes back from a long one goes easy on it. */
const LONG_OUTAGE_MS = 5_000;
const OUTAGE_CUT = 0.5;
/** After a 429 without Retry-After. */
const FIRST_REFUSAL_PAUSE_MS = 500;
const MAX_REFUSAL_PAUSE_MS = 30_000;
/** Without an answer to a probe another one follows. */
const MIN_PROBE_GAP_MS = 1_000;

/**
 * @param now - a monotonic clock in milliseconds, the same in all calls.
 * @throws RangeError - when `rate` is neither `"auto"` nor a number above 0.
 */
export function createPace({ rate = "auto", concurrency, random = Math.random }: PaceOptions, now: number): Pace {
  if (rate !== "auto" && !(typeof rate === "number" && rate > 0)) {
    throw new RangeError(`\`rate\` is ${show(rate)}; expected "auto" or batches per second, a number above 0.`);
  }
  const ceiling = rate === "auto" ? Infinity : rate;
  return {
    ceiling,
    concurrency,
    random,
    rate: ceiling,
    tokens: 0,
    tokensAtMs: now,
    accepted: 0,
    acceptedAtMs: now,
    used: 0,
    usedAtMs: -Infinity,
    isDoubted: false,
    steeredAtMs: now,
    flatUntilMs: -Infinity,
    pausedUntilMs: -Infinity,
    credits: Infinity,
    probeAtMs: -Infinity,
    recovered: 0,
    refusals: 0,
    failures: 0,
    failingSinceMs: now,
  };
}

/**
 * When a request of so many batches may start. When that is `now` it counts as started; when it is later nothing is
 * reserved: ask again then, or after the next answer.
 */
export function admit(pace: Pace, batches: number, now: number): { readonly startAtMs: number } {
  // A pause leaves no credit, and the first probe waits for its end.
  const probing = pace.credits < 1;
  if (probing && now < pace.probeAtMs) return { startAtMs: pace.probeAtMs };
  if (pace.rate !== Infinity) {
    refill(pace, now);
    if (pace.tokens < -EPSILON) return { startAtMs: now + (-pace.tokens / pace.rate) * 1000 };
    pace.tokens -= batches;
  }
  if (probing) pace.probeAtMs = now + Math.max(outagePauseMs(pace, now), MIN_PROBE_GAP_MS);
  else pace.credits--;
  return { startAtMs: now };
}

/** Takes in what became of a request, in constant time. */
export function observe(pace: Pace, seen: Observation, now: number): void {
  if (seen.kind === "failure" || (seen.status !== 429 && isRetryableStatus(seen.status))) {
    onFailure(pace, seen.kind === "answer" ? (seen.retryAfterMs ?? 0) : 0, now);
    return;
  }
  endOutage(pace, now);
  if (seen.status === 429) {
    if (seen.limitExceeded === "acceleration") flatten(pace, now);
    else onRefusal(pace, seen.retryAfterMs ?? 0, now);
    return;
  }
  earnCredit(pace, now);
  if (seen.status < 200 || seen.status >= 300) return;
  pace.accepted = acceptedPerSecond(pace, now) + seen.batches;
  pace.acceptedAtMs = now;
  steer(pace, seen.percentageUsed, now);
}

/** Until when nothing starts; in the past when nothing is held back. */
export function pausedUntil(pace: Pace): number {
  return pace.pausedUntilMs;
}

/**
 * Whether few requests may start until some are answered. It is then better to send what has not failed yet: requests
 * that fail by themselves would pass for the outage they caused.
 */
export function isRecovering(pace: Pace): boolean {
  return pace.credits !== Infinity;
}

/**
 * A service that is down is asked now and then whether it is back, by one request and not by all that wait. What
 * `Retry-After` asks for holds everybody back here, and the request that got it in `decideRetry`.
 */
function onFailure(pace: Pace, retryAfterMs: number, now: number): void {
  if (pace.failures === 0) pace.failingSinceMs = now;
  pace.failures++;
  if (retryAfterMs > 0) {
    pause(pace, retryAfterMs + pace.random() * spreadMs(retryAfterMs), now);
  } else if (pace.failures >= OUTAGE_FAILURES && now >= pace.pausedUntilMs) {
    pause(pace, outagePauseMs(pace, now) * (0.5 + 0.5 * pace.random()), now);
  }
}

/** The longer it has lasted, the longer it may last. */
function outagePauseMs({ failures, failingSinceMs }: Pace, now: number): number {
  const sinceMs = failures === 0 ? 0 : now - failingSinceMs;
  return Math.min(Math.max(sinceMs * OUTAGE_PAUSE_SHARE, MIN_OUTAGE_PAUSE_MS), MAX_OUTAGE_PAUSE_MS);
}

function endOutage(pace: Pace, now: number): void {
  const long = pace.failures >= OUTAGE_FAILURES && now - pace.failingSinceMs > LONG_OUTAGE_MS;
  pace.failures = 0;
  if (long && pace.rate !== Infinity) setRate(pace, pace.rate * OUTAGE_CUT, now);
}

/** A 429 is about the account and not about one request: it holds back all requests of these credentials. */
function onRefusal(pace: Pace, retryAfterMs: number, now: number): void {
  // Those that arrive during a pause were sent before it, and belong to what caused it.
  const isNew = now >= pace.pausedUntilMs;
  if (isNew) {
    pace.refusals++;
    setRate(pace, usedRate(pace, now) * CUT, now);
  }
  if (retryAfterMs > 0) {
    pause(pace, retryAfterMs + pace.random() * spreadMs(retryAfterMs), now);
  } else if (isNew) {
    const longestMs = Math.min(FIRST_REFUSAL_PAUSE_MS * 2 ** (pace.refusals - 1), MAX_REFUSAL_PAUSE_MS);
    pause(pace, longestMs * (0.5 + 0.5 * pace.random()), now);
  }
}

/** Growing too fast is no reason to stop: going on at the speed that was accepted is what the service asks for. */
function flatten(pace: Pace, now: number): void {
  // Those that were sent before the last cut say nothing about it.
  if (now < pace.flatUntilMs - FLAT_MS + STEER_MS) return;
  pace.flatUntilMs = now + FLAT_MS;
  const rate = usedRate(pace, now);
  setRate(pace, Math.min(Math.max(acceptedPerSecond(pace, now), rate * MAX_FLAT_CUT), rate * MIN_FLAT_CUT), now);
}

/** Holds everything back, then lets one request through, and more as it is answered. */
function pause(pace: Pace, durationMs: number, now: number): void {
  pace.pausedUntilMs = Math.max(pace.pausedUntilMs, now + durationMs);
  pace.probeAtMs = pace.pausedUntilMs;
  pace.steeredAtMs = pace.pausedUntilMs + SETTLE_MS;
  pace.credits = 0;
  pace.recovered = 0;
}

/** The service works: each answer lets two requests start, until there were as many as may be in flight. */
function earnCredit(pace: Pace, now: number): void {
  if (now < pace.pausedUntilMs) return; // it was asked before the pause
  pace.refusals = 0;
  if (pace.credits === Infinity) return;
  pace.recovered++;
  pace.credits = pace.recovered >= pace.concurrency ? Infinity : pace.credits + 2;
}

/** Brings what is used towards the target: down before the limit is reached, up while there is room. */
function steer(pace: Pace, claimed: number | undefined, now: number): void {
  const wasDoubted = pace.isDoubted;
  pace.isDoubted = claimed !== undefined && claimed > 100;
  // More than the limit, and accepted all the same: believed when the next answer says so too.
  if (pace.isDoubted && !wasDoubted) return;
  const percentageUsed = claimed === undefined ? undefined : Math.min(claimed, MAX_PERCENT);
  if (percentageUsed === undefined) {
    // Nothing is known but that the limit is not reached: the drift alone feels for it.
    if (pace.rate !== Infinity && maySteer(pace, now)) grow(pace, pace.rate, 1, now);
    return;
  }
  // One answer is a snapshot of a moment in which other clients were lucky, or we.
  pace.used += (percentageUsed - pace.used) * (1 - Math.exp((pace.usedAtMs - now) / 1000));
  pace.usedAtMs = now;
  // The first sign of a limit comes in the middle of a burst: no time for smoothing.
  const factor = TARGET_PERCENT / Math.max(pace.rate === Infinity ? percentageUsed : pace.used, 1);
  if ((pace.rate === Infinity && factor >= 1) || !maySteer(pace, now)) return;
  const growth = now < pace.flatUntilMs ? FLAT_GROWTH : GROWTH;
  const perSecond = Math.min(Math.max(factor, CUT), growth);
  const seconds = Math.min(now - pace.steeredAtMs, MAX_STEER_MS) / 1000;
  const rate = usedRate(pace, now) * perSecond ** seconds;
  if (perSecond > 1) grow(pace, rate, factor, now);
  else setRate(pace, rate, now);
}

/**
 * Sets a higher rate, unless what was accepted is far from the present one: a client that has little to send would
 * otherwise learn that it may send anything, and storm the service when it has much.
 */
function grow(pace: Pace, rate: number, room: number, now: number): void {
  const isProven = pace.rate <= acceptedPerSecond(pace, now) * room * UNPROVEN;
  if (isProven) setRate(pace, rate, now);
  else pace.steeredAtMs = now;
}

function maySteer(pace: Pace, now: number): boolean {
  return pace.rate === Infinity || now - pace.steeredAtMs >= STEER_MS;
}

/** Learning starts at what was accepted lately. */
function usedRate(pace: Pace, now: number): number {
  return pace.rate === Infinity ? Math.max(acceptedPerSecond(pace, now), FIRST_RATE) : pace.rate;
}

/** Sets the rate, and adds the drift since it was last set. */
function setRate(pace: Pace, rate: number, now: number): void {
  refill(pace, now);
  const driftMs = pace.rate === Infinity ? 0 : Math.min(Math.max(now - pace.steeredAtMs, 0), MAX_DRIFT_MS);
  const drifted = Math.max(rate, MIN_RATE) + (DRIFT_PER_SECOND * driftMs) / 1000;
  pace.rate = Math.min(drifted > FORGET_RATE ? Infinity : drifted, pace.ceiling);
  pace.steeredAtMs = Math.max(pace.steeredAtMs, now);
}

function acceptedPerSecond(pace: Pace, now: number): number {
  return pace.accepted * Math.exp((pace.acceptedAtMs - now) / 1000);
}

function refill(pace: Pace, now: number): void {
  if (pace.rate === Infinity) {
    pace.tokens = 0;
  } else {
    const earned = (pace.rate * (now - pace.tokensAtMs)) / 1000;
    pace.tokens = Math.min(pace.tokens + earned, (pace.rate * BURST_MS) / 1000);
  }
  pace.tokensAtMs = now;
}
