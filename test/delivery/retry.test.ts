import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideRetry, resolveRetry, type FailedAttempt, type RetryOptions } from "../../src/delivery/retry.ts";
import { ApiError, InvalidBatchError, MParticleError, NetworkError, type ErrorCode } from "../../src/errors.ts";

/** The first attempt got a 503 a moment ago, and the dice show one half, unless a test says otherwise. */
function failed(facts: Partial<FailedAttempt> = {}): FailedAttempt {
  return {
    error: new ApiError(503, ""),
    attempt: 1,
    elapsedMs: 10,
    random: () => 0.5,
    retry: resolveRetry(),
    ...facts,
  };
}

const anyRetry = fc
  .record({
    maxElapsedMs: fc.integer({ min: 1, max: 3_600_000 }),
    baseDelayMs: fc.integer({ min: 1, max: 5_000 }),
    extraDelayMs: fc.integer({ min: 0, max: 60_000 }),
  })
  .map(({ maxElapsedMs, baseDelayMs, extraDelayMs }) =>
    resolveRetry({ maxElapsedMs, baseDelayMs, maxDelayMs: baseDelayMs + extraDelayMs }),
  );
/** Evenly, which random doubles are not: most of those are as good as 0. */
const anyRandom = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);
const anyElapsed = fc.integer({ min: 0, max: 3_600_000 });
/** Far beyond what ever happens, where a power of two is infinite. */
const anyAttempt = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(5_000));
const retryAfter = fc.integer({ min: 1, max: 3_600_000 });
const temporary = fc.oneof(
  fc
    .record({
      status: fc.oneof(fc.constant(429), fc.integer({ min: 500, max: 599 })),
      retryAfterMs: fc.option(retryAfter, { nil: undefined }),
    })
    .map(({ status, retryAfterMs }) => new ApiError(status, "", { retryAfterMs })),
  fc.constantFrom<ErrorCode>("TIMEOUT", "CONNECTION").map((code) => new NetworkError(code, "")),
);

describe("what is tried again", () => {
  it.each([
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [599, true],
    [302, false],
    [307, false],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [408, true],
    [421, true],
    [425, true],
    [407, false],
    [413, false],
    [422, false],
  ])("an answer of %d: %s", (status, expected) => {
    expect(decideRetry(failed({ error: new ApiError(status, "") })).retry).toBe(expected);
  });

  it.each<[ErrorCode, boolean]>([
    ["TIMEOUT", true],
    ["CONNECTION", true],
    ["TLS", false],
    ["ABORTED", false],
    ["CLOSED", false],
  ])("no answer because of %s: %s", (code, expected) => {
    expect(decideRetry(failed({ error: new NetworkError(code, "") })).retry).toBe(expected);
  });

  it("is nothing that was refused before it was sent", () => {
    expect(decideRetry(failed({ error: new InvalidBatchError([]) }))).toEqual({ retry: false });
  });

  it("is never a refusal, whatever else is true of it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(400, 401, 403, 413),
        fc.option(retryAfter, { nil: undefined }),
        anyAttempt,
        anyElapsed,
        anyRandom,
        anyRetry,
        (status, retryAfterMs, attempt, elapsedMs, random, retry) => {
          const error = new ApiError(status, "", { retryAfterMs });
          expect(decideRetry({ error, attempt, elapsedMs, random: () => random, retry })).toEqual({
            retry: false,
          });
        },
      ),
    );
  });

  it("is nothing with `retry: false`", () => {
    expect(decideRetry(failed({ retry: resolveRetry(false) }))).toEqual({ retry: false });
    const error = new ApiError(400, "");
    expect(decideRetry(failed({ error, retry: resolveRetry(false) }))).toEqual({ retry: false });
  });
});

describe("the wait", () => {
  it.each([
    [1, 200],
    [2, 400],
    [3, 800],
    [6, 6_400],
    [7, 10_000],
    [100, 10_000],
    [5_000, 10_000],
  ])("after attempt %d is random up to %d ms", (attempt, longestMs) => {
    const waitFor = (random: number): unknown => decideRetry(failed({ attempt, random: () => random }));
    expect(waitFor(0)).toEqual({ retry: true, delayMs: 0 });
    expect(waitFor(0.5)).toEqual({ retry: true, delayMs: longestMs / 2 });
    expect(waitFor(0.75)).toEqual({ retry: true, delayMs: longestMs * 0.75 });
  });

  it("has full jitter: its share of the longest wait is the random number itself", () => {
    fc.assert(
      fc.property(anyAttempt, anyRandom, anyRetry, (attempt, random, retry) => {
        const decision = decideRetry(failed({ attempt, elapsedMs: 0, random: () => random, retry }));
        const longestMs = Math.min(retry.baseDelayMs * 2 ** (attempt - 1), retry.maxDelayMs, retry.maxElapsedMs);
        expect(decision).toEqual({ retry: true, delayMs: random * longestMs });
      }),
    );
  });

  it("never ends after the upload has become too old", () => {
    fc.assert(
      fc.property(
        temporary,
        anyAttempt,
        anyElapsed,
        anyRandom,
        anyRetry,
        (error, attempt, elapsedMs, random, retry) => {
          const decision = decideRetry({ error, attempt, elapsedMs, random: () => random, retry });
          if (decision.retry) expect(elapsedMs + decision.delayMs).toBeLessThanOrEqual(retry.maxElapsedMs);
        },
      ),
    );
  });

  it("is given up exactly when no time is left, or when Retry-After takes all of it", () => {
    fc.assert(
      fc.property(
        temporary,
        anyAttempt,
        anyElapsed,
        anyRandom,
        anyRetry,
        (error, attempt, elapsedMs, random, retry) => {
          const remainingMs = retry.maxElapsedMs - elapsedMs;
          const floorMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
          const decision = decideRetry({ error, attempt, elapsedMs, random: () => random, retry });
          expect(decision.retry).toBe(remainingMs > 0 && floorMs < remainingMs);
        },
      ),
    );
  });

  it("is bounded by age and not by a count: a thousand quick failures do not use it up", () => {
    expect(decideRetry(failed({ attempt: 1_000, elapsedMs: resolveRetry().maxElapsedMs - 1 })).retry).toBe(true);
    expect(decideRetry(failed({ attempt: 1, elapsedMs: resolveRetry().maxElapsedMs })).retry).toBe(false);
  });
});

describe("Retry-After", () => {
  it("is a floor, whatever the dice show", () => {
    fc.assert(
      fc.property(retryAfter, anyAttempt, anyRandom, (retryAfterMs, attempt, random) => {
        const error = new ApiError(429, "", { retryAfterMs });
        const retry = resolveRetry({ maxElapsedMs: 4_000_000, maxDelayMs: 200 });
        const decision = decideRetry(failed({ error, attempt, random: () => random, retry }));
        expect(decision.retry && decision.delayMs).toBeGreaterThanOrEqual(retryAfterMs);
      }),
    );
  });

  it("is exceeded a little, so that clients told the same second come apart, and hardly more", () => {
    const waitFor = (random: number): unknown => {
      const error = new ApiError(429, "", { retryAfterMs: 2_000 });
      return decideRetry(failed({ error, random: () => random }));
    };
    expect(waitFor(0)).toEqual({ retry: true, delayMs: 2_000 });
    expect(waitFor(0.5)).toEqual({ retry: true, delayMs: 2_100 });
    expect(waitFor(0.999)).toEqual({ retry: true, delayMs: 2_199.8 });
    const short = new ApiError(429, "", { retryAfterMs: 50 });
    expect(decideRetry(failed({ error: short }))).toEqual({ retry: true, delayMs: 52.5 });
    const hour = new ApiError(429, "", { retryAfterMs: 3_600_000 });
    const patient = resolveRetry({ maxElapsedMs: 7_200_000 });
    expect(decideRetry(failed({ error: hour, random: () => 0.5, retry: patient }))).toEqual({
      retry: true,
      delayMs: 3_600_100,
    });
  });

  it("beyond the deadline ends it at once: trying sooner is what was asked not to happen", () => {
    const retry = resolveRetry({ maxElapsedMs: 5_000 });
    const error = new ApiError(429, "", { retryAfterMs: 4_000 });
    expect(decideRetry(failed({ error, elapsedMs: 999, retry })).retry).toBe(true);
    expect(decideRetry(failed({ error, elapsedMs: 1_000, retry }))).toEqual({ retry: false });
  });

  it("is exceeded by no more than the time that is left", () => {
    const retry = resolveRetry({ maxElapsedMs: 5_000 });
    const error = new ApiError(429, "", { retryAfterMs: 3_990 });
    expect(decideRetry(failed({ error, elapsedMs: 1_000, retry }))).toEqual({ retry: true, delayMs: 3_995 });
  });

  it("of zero still backs off from a service that says so every time", () => {
    const error = new ApiError(503, "", { retryAfterMs: 0 });
    expect(decideRetry(failed({ error, attempt: 5 }))).toEqual({ retry: true, delayMs: 1_600 });
  });

  it("does not soften a refusal", () => {
    expect(decideRetry(failed({ error: new ApiError(400, "", { retryAfterMs: 1 }) })).retry).toBe(false);
  });
});

describe("a connection", () => {
  it("that cannot be made is tried again after a fifth of the time spent, or the usual wait if that is shorter", () => {
    const error = new NetworkError("CONNECTION", "");
    const longest = (attempt: number, elapsedMs: number): number => {
      const decision = decideRetry(failed({ error, attempt, elapsedMs, random: () => 0.5 }));
      return decision.retry ? decision.delayMs * 2 : NaN;
    };
    expect(longest(6, 0)).toBe(200);
    expect(longest(6, 10_000)).toBe(2_000);
    expect(longest(6, 40_000)).toBe(6_400);
  });

  it("that had gone stale is tried again at once, even by who wants a single answer", () => {
    const error = new NetworkError("CONNECTION", "");
    for (const retry of [resolveRetry(), resolveRetry(false)]) {
      expect(decideRetry(failed({ error, stale: true, retry }))).toEqual({ retry: true, delayMs: 0 });
    }
  });

  it("that had gone stale does not outlive the deadline either", () => {
    const error = new NetworkError("CONNECTION", "");
    const decision = decideRetry(failed({ error, stale: true, elapsedMs: resolveRetry().maxElapsedMs }));
    expect(decision).toEqual({ retry: false });
  });
});

describe("resolveRetry", () => {
  it("fills in what is left out or undefined", () => {
    const defaults = { maxElapsedMs: 300_000, baseDelayMs: 200, maxDelayMs: 10_000, once: false, persistent: false };
    expect(resolveRetry()).toEqual(defaults);
    expect(resolveRetry({ maxElapsedMs: undefined, baseDelayMs: undefined, maxDelayMs: undefined })).toEqual(defaults);
  });

  it("lets a first wait above the usual longest one be the longest", () => {
    expect(resolveRetry({ baseDelayMs: 20_000 })).toMatchObject({ baseDelayMs: 20_000, maxDelayMs: 20_000 });
  });

  it.each([null, true, 5, "often", [], () => false])("refuses %j, which is neither an object nor false", (options) => {
    expect(() => resolveRetry(options as unknown as RetryOptions)).toThrow("expected an object such as");
  });

  it("refuses an option that there is not", () => {
    expect(() => resolveRetry({ maxElapsed: 5 } as RetryOptions)).toThrow("maxElapsed");
  });

  it("lets the longest wait be the first", () => {
    expect(resolveRetry({ baseDelayMs: 50, maxDelayMs: 50 })).toMatchObject({ baseDelayMs: 50, maxDelayMs: 50 });
  });

  it.each<[RetryOptions, string]>([
    [{ maxElapsedMs: 0 }, "`retry.maxElapsedMs` is 0"],
    [{ baseDelayMs: -1 }, "`retry.baseDelayMs` is -1"],
    [{ maxDelayMs: NaN }, "`retry.maxDelayMs` is NaN"],
    [{ baseDelayMs: 100, maxDelayMs: 50 }, "`retry.maxDelayMs` is 50; expected at least `retry.baseDelayMs`, 100."],
  ])("refuses %j, naming what is wrong", (options, message) => {
    expect(() => resolveRetry(options)).toThrow(message);
  });
});

describe("the whole of an upload's retries", () => {
  it("spreads over its age, and starts no attempt beyond it", () => {
    fc.assert(
      fc.property(fc.infiniteStream(anyRandom), anyRetry, (dice, retry) => {
        let elapsedMs = 0;
        for (let attempt = 1; ; attempt++) {
          // Each attempt takes a while; without that, dice that always show 0 would make it endless.
          elapsedMs += Math.max(1, retry.maxElapsedMs / 50);
          const random = (): number => {
            const roll = dice.next();
            return roll.done === true ? 0 : roll.value;
          };
          const error = new MParticleError("TIMEOUT", "");
          const decision = decideRetry({ error, attempt, elapsedMs, random, retry });
          if (!decision.retry) break;
          elapsedMs += decision.delayMs;
          if (elapsedMs > retry.maxElapsedMs || attempt >= 51)
            expect.fail(`attempt ${String(attempt + 1)} is beyond it`);
        }
        expect(elapsedMs).toBeGreaterThanOrEqual(retry.maxElapsedMs);
      }),
    );
  });
});
