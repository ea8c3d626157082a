import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rateLimit, type AnswerStep, type RateLimitOptions } from "../../src/testing/testing.ts";

const NOW = Date.UTC(2026, 10, 23, 12);

/** A limit on a clock that is set by hand. */
class Limit {
  now = NOW;
  readonly #script: ReturnType<typeof rateLimit>;

  constructor(options: RateLimitOptions) {
    this.#script = rateLimit({ now: () => this.now, ...options });
  }

  ask(batchCount: number, authorization = "Basic a2V5OnNlY3JldA=="): AnswerStep {
    return this.#script({ headers: { authorization }, batchCount });
  }

  /** The status alone. */
  status(batchCount: number): number {
    return this.ask(batchCount).status;
  }
}

describe("the speed", () => {
  it("may be a second's worth at once, and then what has been earned since", () => {
    const limit = new Limit({ batchesPerSecond: 50 });
    expect([limit.status(50), limit.status(1)]).toEqual([202, 429]);
    limit.now += 100;
    expect([limit.status(5), limit.status(1)]).toEqual([202, 429]);
    limit.now += 60_000;
    expect([limit.status(50), limit.status(1)]).toEqual([202, 429]);
  });

  it("is kept over any window, but for the burst", () => {
    const anyTraffic = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 800 }), batches: fc.integer({ min: 1, max: 60 }) }),
      { maxLength: 60, size: "max" },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 60, max: 300 }),
        anyTraffic,
        (rate, burst, traffic) => {
          const limit = new Limit({ batchesPerSecond: rate, burst });
          const accepted: { atMs: number; batches: number }[] = [];
          for (const { afterMs, batches } of traffic) {
            limit.now += afterMs;
            if (limit.status(batches) === 202) accepted.push({ atMs: limit.now, batches });
          }
          // By how much a window has too many, at worst.
          let excess = 0;
          for (const [first, { atMs: fromMs }] of accepted.entries()) {
            let sum = 0;
            for (const { atMs, batches } of accepted.slice(first)) {
              sum += batches;
              excess = Math.max(excess, sum - (burst + (rate * (atMs - fromMs)) / 1_000));
            }
          }
          expect(excess).toBeLessThanOrEqual(1e-6);
        },
      ),
    );
  });

  it("lets a request larger than the burst pass when nothing else has lately, and has it paid for afterwards", () => {
    const limit = new Limit({ batchesPerSecond: 10, burst: 20 });
    expect(limit.status(100)).toBe(202);
    limit.now += 8_000;
    expect(limit.status(1)).toBe(429);
    limit.now += 101;
    expect(limit.status(1)).toBe(202);
    expect(limit.status(100)).toBe(429);
  });

  it("is of batches, not of requests", () => {
    const limit = new Limit({ batchesPerSecond: 10 });
    expect([6, 6, 4].map((batches) => limit.status(batches))).toEqual([202, 429, 202]);
  });

  it("is granted to the full to who keeps asking", () => {
    const limit = new Limit({ batchesPerSecond: 50, burst: 10 });
    let accepted = 0;
    for (; limit.now < NOW + 10_000; limit.now += 10) if (limit.status(1) === 202) accepted++;
    expect(accepted).toBeGreaterThan(500);
    expect(accepted).toBeLessThanOrEqual(510);
  });

  it("is counted for each set of credentials by itself", () => {
    const limit = new Limit({ batchesPerSecond: 1 });
    expect(limit.ask(1, "Basic a").status).toBe(202);
    expect(limit.ask(1, "Basic a").status).toBe(429);
    expect(limit.ask(1, "Basic b").status).toBe(202);
  });
});

describe("the acceleration", () => {
  it("is how far the rate may exceed the highest of the five seconds before", () => {
    const limit = new Limit({ batchesPerSecond: 1_000, acceleration: 20 });
    expect([limit.status(20), limit.status(1)]).toEqual([202, 429]);
    limit.now += 1_000;
    expect([limit.status(40), limit.status(1)]).toEqual([202, 429]);
    limit.now += 1_000;
    expect([limit.status(60), limit.status(1)]).toEqual([202, 429]);
    limit.now += 7_000;
    expect([limit.status(20), limit.status(1)]).toEqual([202, 429]);
  });

  it("is named by its 429, and asks for a second", () => {
    const limit = new Limit({ batchesPerSecond: 1_000, acceleration: 20 });
    limit.ask(20);
    expect(limit.ask(1)).toEqual({
      status: 429,
      headers: { "x-mp-rate-limit-exceeded": '"acceleration"', "retry-after": "1" },
    });
    limit.now += 1_000;
    expect(limit.status(1)).toBe(202);
  });

  it("never refuses the first request of a second, however large", () => {
    expect(new Limit({ batchesPerSecond: 1_000, acceleration: 20 }).status(100)).toBe(202);
  });
});

describe("an answer", () => {
  it("tells how much of the limit was used in the last second", () => {
    const limit = new Limit({ batchesPerSecond: 50, burst: 200 });
    const percentages = [10, 10, 20, 100].map(
      (batches) => limit.ask(batches).headers?.["x-mp-rate-limit-percentage-used"],
    );
    expect(percentages).toEqual([20, 40, 80, 100]);
    limit.now += 2_000;
    expect(limit.ask(5).headers).toEqual({ "x-mp-rate-limit-percentage-used": 10 });
  });

  it.each<[RateLimitOptions["retryAfter"], string | undefined]>([
    [undefined, "3"],
    ["seconds", "3"],
    ["date", "Mon, 23 Nov 2026 12:00:03 GMT"],
    ["nonsense", "when you are ready"],
    ["none", undefined],
  ])("of 429 says when to come back as told (%s), and names the limit in quotes", (retryAfter, expected) => {
    const limit = new Limit({ batchesPerSecond: 10, burst: 30, retryAfter });
    limit.ask(30);
    limit.now += 500;
    // 25 are lacking, so 2.5 s.
    const { status, headers } = limit.ask(30);
    expect(status).toBe(429);
    expect(headers?.["x-mp-rate-limit-exceeded"]).toBe('"account"');
    expect(headers?.["retry-after"]).toBe(expected);
  });

  it("of 429 keeps its word: whoever comes back then gets through", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom("seconds" as const, "date" as const),
        fc.integer({ min: 0, max: 999 }),
        (rate, batches, retryAfter, offsetMs) => {
          const limit = new Limit({ batchesPerSecond: rate, retryAfter });
          limit.now += offsetMs;
          let answer = limit.ask(batches);
          while (answer.status === 202) answer = limit.ask(batches);
          const told = String(answer.headers?.["retry-after"]);
          limit.now = retryAfter === "seconds" ? limit.now + Number(told) * 1_000 : Date.parse(told);
          expect(limit.status(batches)).toBe(202);
        },
      ),
    );
  });
});

describe("its options", () => {
  it.each<[Partial<RateLimitOptions>, string]>([
    [{ batchesPerSecond: 0 }, "`batchesPerSecond` is 0"],
    [{ batchesPerSecond: NaN }, "`batchesPerSecond` is NaN"],
    [{ burst: -1 }, "`burst` is -1"],
    [{ acceleration: 0 }, "`acceleration` is 0"],
    [{ batchesPerSecond: "5" as unknown as number }, '`batchesPerSecond` is "5"; expected a number above 0.'],
    [{ burst: "3" as unknown as number }, '`burst` is "3"; expected a number above 0.'],
  ])("%j are refused, naming what is wrong", (options, message) => {
    expect(() => rateLimit({ batchesPerSecond: 1, ...options })).toThrow(RangeError);
    expect(() => rateLimit({ batchesPerSecond: 1, ...options })).toThrow(message);
  });

  it.each<[object, string]>([
    [{ brust: 3 }, "There is no option `brust`; expected `burst`."],
    [{ retryAfter: "secnds" }, '`retryAfter` is "secnds"; expected "seconds".'],
    [{ retryAfter: 5 }, '`retryAfter` is 5; expected "seconds", "date", "nonsense" or "none".'],
    [{ now: 5 }, "`now` is 5; expected a function."],
  ])("%j are refused, naming what was meant", (options, message) => {
    expect(() => rateLimit({ batchesPerSecond: 1, ...options })).toThrow(TypeError);
    expect(() => rateLimit({ batchesPerSecond: 1, ...options })).toThrow(message);
  });
});
