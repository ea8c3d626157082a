import { ApiError, type MParticleError } from "../errors.ts";
import { show } from "../rules/show.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";

/** How long, and how patiently, an upload is tried again. */
export interface RetryOptions {
  /**
   * Age of an upload, in milliseconds since its first attempt, after which no other starts. It bounds the retries; their
   * number does not. The wait for a first attempt counts only while nothing gets through. Where the service asks for a
   * longer wait than that (`Retry-After`), a call is given up at once with what the service said; a queue and `deliver`,
   * which nobody waits for, wait as long as they are asked to. `@default 120_000 for upload, 300_000 for all else`
   */
  readonly maxElapsedMs?: number | undefined;
  /** The first wait is random, from 0 to this many milliseconds; each further one up to twice as long. `@default 200` */
  readonly baseDelayMs?: number | undefined;
  /** No wait is longer, in milliseconds, unless the service asks for it with `Retry-After`. `@default 10_000`, or a longer `baseDelayMs` */
  readonly maxDelayMs?: number | undefined;
}

/** {@link RetryOptions} with nothing left open. */
export interface Retry {
  readonly maxElapsedMs: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** The first answer is final, and so is the first fault but for a stale connection. */
  readonly once: boolean;
  /** Faults that need a person to mend them are waited for as well. */
  readonly persistent: boolean;
}

/**
 * @param options - `false` for a single attempt.
 * @param defaultMaxElapsedMs - of `maxElapsedMs`.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 */
export function resolveRetry(options: RetryOptions | false = {}, defaultMaxElapsedMs = 300_000): Retry {
  const given: unknown = options;
  if (given !== false && (typeof given !== "object" || given === null || Array.isArray(given))) {
    throw new TypeError(`\`retry\` is ${show(given)}; expected an object such as { maxElapsedMs: 60_000 }, or false.`);
  }
  const once = options === false;
  if (!once) checkOptions(options, { maxElapsedMs: "any", baseDelayMs: "any", maxDelayMs: "any" }, "`retry` is");
  const {
    maxElapsedMs = defaultMaxElapsedMs,
    baseDelayMs = 200,
    maxDelayMs = Math.max(10_000, baseDelayMs),
  } = once ? {} : options;
  positive("retry.maxElapsedMs", maxElapsedMs);
  positive("retry.baseDelayMs", baseDelayMs);
  positive("retry.maxDelayMs", maxDelayMs);
  if (maxDelayMs < baseDelayMs) {
    throw new RangeError(
      `\`retry.maxDelayMs\` is ${String(maxDelayMs)}; expected at least \`retry.baseDelayMs\`, ${String(baseDelayMs)}.`,
    );
  }
  return { maxElapsedMs, baseDelayMs, maxDelayMs, once, persistent: false };
}

/** A failed attempt, and all that decides whether there is another. */
export interface FailedAttempt {
  readonly error: MParticleError;
  /** Number of the attempt that failed, 1 for the first. */
  readonly attempt: number;
  /** Since its first attempt. */
  readonly elapsedMs: number;
  /** The first time that a kept-alive connection turned out to be closed: the service hardly saw the request. */
  readonly stale?: boolean | undefined;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly retry: Retry;
}

export type RetryDecision = { readonly retry: true; readonly delayMs: number } | { readonly retry: false };

/** A lost connection costs the service nothing, so the wait need not exceed this share of the time spent so far. */
const CONNECTION_DELAY_SHARE = 0.2;
/** Enough to part clients that were told the same second, too little for anybody to notice. */
const MAX_SPREAD_MS = 200;

/**
 * Whether to try again, and after which wait.
 *
 * `Retry-After` is a floor: nothing returns earlier, and an upload that would be too old by then is given up at once
 * instead of being tried sooner (as those are that come meanwhile: see `Turnstile`; everybody else is held back in
 * `pace.ts`). Without it waits are exponential with full jitter.
 */
export function decideRetry({ error, attempt, elapsedMs, stale, random, retry }: FailedAttempt): RetryDecision {
  const remainingMs = retry.maxElapsedMs - elapsedMs;
  if (stale === true && remainingMs > 0) return { retry: true, delayMs: 0 };
  if (!isTemporary(error, retry)) return { retry: false };
  if (retry.once) return { retry: false };
  const floorMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  // With or without a floor: no time may be left.
  if (floorMs >= remainingMs) return { retry: false };
  // "Retry at once" still has to back off from a service that says so every time.
  const delayMs =
    floorMs > 0
      ? floorMs + random() * Math.min(spreadMs(floorMs), remainingMs - floorMs)
      : random() * Math.min(backoffMs(error, attempt, elapsedMs, retry), remainingMs);
  return { retry: true, delayMs };
}

/** How much longer than asked to wait at most, so that many clients do not return in the same millisecond. */
export function spreadMs(floorMs: number): number {
  return Math.min(floorMs * 0.1, MAX_SPREAD_MS);
}

function backoffMs({ code }: MParticleError, attempt: number, elapsedMs: number, retry: Retry): number {
  const exponentialMs = Math.min(retry.baseDelayMs * 2 ** (attempt - 1), retry.maxDelayMs);
  if (code !== "CONNECTION") return exponentialMs;
  return Math.min(exponentialMs, Math.max(retry.baseDelayMs, elapsedMs * CONNECTION_DELAY_SHARE));
}

/** A certificate does not get better by waiting, and whoever can replace it should hear of it at once. */
function isTemporary({ retryable, code }: MParticleError, { persistent }: Retry): boolean {
  return retryable && (persistent || code !== "TLS") && code !== "ABORTED" && code !== "CLOSED";
}
