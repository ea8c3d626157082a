import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admit,
  createPace,
  isRecovering,
  observe,
  pausedUntil,
  type Observation,
  type Pace,
  type PaceOptions,
} from "../../src/delivery/pace.ts";

function makePace(options: Partial<PaceOptions> = {}, now = 0): Pace {
  return createPace({ concurrency: 8, random: () => 0.5, ...options }, now);
}

function answer(status: number, more: Partial<Extract<Observation, { kind: "answer" }>> = {}): Observation {
  return { kind: "answer", status, batches: 1, ...more };
}

const ACCEPTED = answer(202);
const FAILURE: Observation = { kind: "failure" };
/** Batches in an answer that shows that any rate is used. */
const PLENTY = 1_000;

function starts(pace: Pace, now: number, batches = 1): boolean {
  return admit(pace, batches, now).startAtMs === now;
}

/** How many requests may start at this very moment; counts no further than a thousand. */
function startsAtOnce(pace: Pace, now: number, batches = 1): number {
  let count = 0;
  while (count < 1_000 && starts(pace, now, batches)) count++;
  return count;
}

/** The time at which a client that has always more to send gets through with so many batches. */
function sendAll(pace: Pace, batches: number, from: number, perRequest = 1): number {
  let now = from;
  for (let sent = 0; sent < batches; sent += perRequest) {
    for (;;) {
      const { startAtMs } = admit(pace, perRequest, now);
      if (startAtMs <= now) break;
      now = startAtMs;
    }
  }
  return now;
}

/** Batches per second, measured on a copy by who has always more to send. */
function speedOf(pace: Pace, from: number): number {
  const copy = { ...pace };
  if (startsAtOnce(copy, from) === 1_000) return Infinity;
  const startMs = sendAll(copy, 1, from);
  return 100_000 / (sendAll(copy, 100, startMs) - startMs);
}

/** A pace that has learned a rate near this many batches per second, at a time that is returned as well. */
function learned(perSecond: number, options: Partial<PaceOptions> = {}): { readonly pace: Pace; readonly now: number } {
  const pace = makePace(options);
  let now = 0;
  // Some seconds at that speed, and then the first word of a limit.
  for (let second = 0; second < 8; second++) {
    for (let sent = 0; sent < perSecond; sent++) observe(pace, ACCEPTED, (now += 1_000 / perSecond));
  }
  observe(pace, answer(202, { batches: 0, percentageUsed: 88.1 }), now);
  return { pace, now };
}

const anyMoment = fc.integer({ min: 0, max: 2_000 });
const anyObservation: fc.Arbitrary<Observation> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 130 }).map((percentageUsed) => answer(202, { percentageUsed })) },
  { weight: 3, arbitrary: fc.constant(ACCEPTED) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        limitExceeded: fc.constantFrom("account", "acceleration", undefined),
        retryAfterMs: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
      })
      .map((more) => answer(429, more)),
  },
  { weight: 1, arbitrary: fc.constantFrom(400, 401, 413, 307).map((status) => answer(status)) },
  {
    weight: 1,
    arbitrary: fc
      .option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined })
      .map((retryAfterMs) => answer(503, { retryAfterMs })),
  },
  { weight: 2, arbitrary: fc.constant(FAILURE) },
);

describe("a number", () => {
  it.each([0, -1, NaN, "fast", "100"])("is refused when it is %s", (rate) => {
    // What JavaScript may pass.
    const options = { rate, concurrency: 1 } as PaceOptions;
    expect(() => createPace(options, 0)).toThrow(
      `\`rate\` is ${typeof rate === "string" ? JSON.stringify(rate) : String(rate)}`,
    );
  });

  it("is never exceeded over any window by more than a tenth of a second's worth and the request that takes it", () => {
    const anyTraffic = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 500 }), batches: fc.integer({ min: 1, max: 100 }) }),
      {
        maxLength: 60,
        size: "max",
      },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), anyTraffic, (rate, traffic) => {
        const pace = makePace({ rate });
        const started: { atMs: number; batches: number }[] = [];
        let now = 0;
        for (const { afterMs, batches } of traffic) {
          now += afterMs;
          if (starts(pace, now, batches)) started.push({ atMs: now, batches });
        }
        const above: (readonly [fromMs: number, atMs: number])[] = [];
        for (const [first, { atMs: fromMs }] of started.entries()) {
          let sum = 0;
          for (const { atMs, batches } of started.slice(first)) {
            // The last request of a window may be larger than what was saved for it: it is paid for afterwards.
            if (sum > (rate * (atMs - fromMs)) / 1_000 + rate * 0.1 + 1e-3) above.push([fromMs, atMs]);
            sum += batches;
          }
        }
        expect(above).toEqual([]);
      }),
    );
  });

  it("is never exceeded whatever the service says", () => {
    const anyHistory = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 1_000 }), seen: anyObservation }), {
      maxLength: 80,
      size: "max",
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), anyHistory, (rate, history) => {
        const pace = makePace({ rate });
        let [now, sent] = [0, 0];
        for (const { afterMs, seen } of history) {
          now += afterMs;
          sent += startsAtOnce(pace, now);
          observe(pace, seen, now);
        }
        expect(sent).toBeLessThanOrEqual(rate * 0.1 + (rate * now) / 1_000 + 1);
      }),
    );
  });

  it("is reached by who has enough to send", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 100 }), (rate, perRequest) => {
        const batches = perRequest * 200;
        const seconds = sendAll(makePace({ rate }), batches, 0, perRequest) / 1_000;
        expect(batches).toBeGreaterThanOrEqual(rate * seconds);
      }),
    );
  });

  it("counts batches and not requests", () => {
    expect(sendAll(makePace({ rate: 100 }), 1_000, 0, 1)).toBeCloseTo(
      sendAll(makePace({ rate: 100 }), 1_000, 0, 10),
      -3,
    );
    expect(sendAll(makePace({ rate: 100 }), 1_001, 0, 1)).toBeCloseTo(10_000, 0);
  });

  it("lets a request start that is larger than all that could be saved, and makes the next one wait for it", () => {
    const pace = makePace({ rate: 10 });
    expect(starts(pace, 0, 100)).toBe(true);
    expect(admit(pace, 1, 0).startAtMs).toBe(10_000);
    expect(starts(pace, 10_000)).toBe(true);
  });

  it("saves up no more than a tenth of a second while nothing is sent", () => {
    const pace = makePace({ rate: 100 });
    expect(startsAtOnce(pace, 3_600_000)).toBe(11);
  });

  it("below one batch per second is kept as well", () => {
    expect(sendAll(makePace({ rate: 0.1 }), 4, 0)).toBeCloseTo(30_000, 0);
  });

  it("is what the pace comes back to after a 429, with a percentage and without", () => {
    for (const percentageUsed of [40, undefined]) {
      const pace = makePace({ rate: 50 });
      observe(pace, answer(429, { retryAfterMs: 1_000 }), 0);
      let now = 2_000;
      for (let sent = 0; sent < 20; sent++) observe(pace, answer(202, { percentageUsed }), (now += 10));
      expect(speedOf(pace, now)).toBeCloseTo(40, 0);
      for (let second = 0; second < 60; second++) {
        observe(pace, answer(202, { percentageUsed, batches: PLENTY }), (now += 1_000));
      }
      expect(speedOf(pace, now)).toBeCloseTo(50, 5);
    }
  });
});

describe("asking", () => {
  it("in vain reserves nothing and changes nothing", () => {
    const pace = makePace({ rate: 10 });
    starts(pace, 0, 5);
    const before = { ...pace };
    for (let times = 0; times < 10; times++) expect(admit(pace, 1, 0).startAtMs).toBe(500);
    expect(pace).toEqual(before);
  });

  it("again at the time that was named is never in vain, but for a pause that came in between", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<"auto" | number>("auto", 1, 7, 270),
        fc.array(fc.record({ afterMs: anyMoment, seen: anyObservation }), { maxLength: 60, size: "max" }),
        fc.integer({ min: 1, max: 100 }),
        (rate, history, batches) => {
          const pace = makePace({ rate });
          let now = 0;
          for (const { afterMs, seen } of history) {
            now += afterMs;
            startsAtOnce(pace, now, batches);
            observe(pace, seen, now);
          }
          // A pause, the next probe, the rate: each may name its own time, one after the other.
          const waits: number[] = [];
          for (;;) {
            const { startAtMs } = admit(pace, batches, now);
            expect(startAtMs).toBeGreaterThanOrEqual(now);
            if (startAtMs === now) break;
            waits.push(startAtMs - now);
            now = startAtMs;
          }
          expect(waits.length).toBeLessThanOrEqual(3);
          // Longest pause without Retry-After, or with the longest there is here; then a thousand batches' debt at 1/s.
          expect(Math.max(0, ...waits)).toBeLessThanOrEqual(1_000_000);
        },
      ),
    );
  });
});

describe('"auto"', () => {
  it("has no ceiling while there is no word of a limit", () => {
    const pace = makePace();
    expect(startsAtOnce(pace, 0, 100)).toBe(1_000);
    observe(pace, ACCEPTED, 10);
    observe(pace, answer(202, { percentageUsed: 88 }), 20);
    expect(speedOf(pace, 20)).toBe(Infinity);
  });

  it("learns a rate from the speed at which the first sign of a limit came", () => {
    const { pace, now } = learned(200);
    expect(speedOf(pace, now)).toBeGreaterThan(180);
    expect(speedOf(pace, now)).toBeLessThan(220);
  });

  it("begins to learn no lower than ten batches per second", () => {
    for (const firstWordMs of [0, 60_000]) {
      const pace = makePace();
      observe(pace, answer(202, { percentageUsed: 99 }), firstWordMs);
      expect(Math.abs(speedOf(pace, firstWordMs) - 9.5)).toBeLessThan(1);
    }
  });

  it("learns from the first sign of a limit, be there room a moment before", () => {
    const pace = makePace();
    observe(pace, answer(202, { percentageUsed: 10 }), 0);
    expect(speedOf(pace, 0)).toBe(Infinity);
    observe(pace, answer(202, { percentageUsed: 99 }), 10);
    expect(speedOf(pace, 10)).toBeLessThan(20);
  });

  it("believes an answer that claims more than the limit, and accepts all the same, when the next one says so too", () => {
    const pace = makePace();
    const claims = (percentageUsed: number, now: number): number => {
      observe(pace, answer(202, { percentageUsed }), now);
      return speedOf(pace, now);
    };
    expect(claims(130, 0)).toBe(Infinity);
    expect(claims(50, 10)).toBe(Infinity);
    expect(claims(130, 20)).toBe(Infinity);
    expect(claims(130, 30)).toBeLessThan(20);
    const other = makePace();
    observe(other, answer(202, { percentageUsed: 100 }), 0);
    expect(speedOf(other, 0)).toBeLessThan(20);
  });

  it("grows for who uses what it may, and by nothing that is refused", () => {
    const growth = (status: number): number => {
      const { pace, now } = learned(100);
      const before = speedOf(pace, now);
      for (let sent = 1; sent <= 400; sent++) {
        observe(pace, answer(status, { percentageUsed: 60, limitExceeded: undefined }), now + sent * 10);
      }
      return speedOf(pace, now + 4_000) / before;
    };
    for (const status of [200, 202, 299]) expect(growth(status)).toBeGreaterThan(1.3);
    for (const status of [300, 307, 400, 413]) expect(growth(status)).toBeCloseTo(1, 9);
  });

  it("grows without end where there is no limit, for who uses it", () => {
    const { pace, now } = learned(100);
    for (let second = 1; second < 200; second++) {
      observe(pace, answer(202, { percentageUsed: 1, batches: second * PLENTY }), now + second * 1_000);
    }
    expect(speedOf(pace, now + 200_000)).toBe(Infinity);
  });

  it("learns nothing from not being tried: a rate that is not used stays as it is", () => {
    for (const percentageUsed of [50, undefined]) {
      const { pace, now } = learned(100);
      const before = speedOf(pace, now);
      // Ten batches per second, for ten minutes.
      for (let tenth = 20; tenth < 6_000; tenth++) {
        observe(pace, answer(202, { percentageUsed }), now + tenth * 100);
      }
      expect(speedOf(pace, now + 600_000) / before).toBeLessThan(1.2);
    }
  });
});

describe("the percentage in use", () => {
  function after(seconds: number, percentageUsed: number): number {
    const { pace, now } = learned(100);
    const before = speedOf(pace, now);
    for (let tenth = 1; tenth <= seconds * 10; tenth++) {
      observe(pace, answer(202, { percentageUsed, batches: PLENTY }), now + tenth * 100);
    }
    return speedOf(pace, now + seconds * 1_000) / before;
  }

  it("slows before the limit is reached", () => {
    expect(after(4, 95)).toBeLessThan(0.9);
    expect(after(4, 100)).toBeLessThan(after(4, 95));
  });

  it("speeds up while there is room, by a tenth per second and what all clients grow by", () => {
    expect(after(4, 40)).toBeGreaterThan(1.3);
    // 1.35 batches per second and second are the least that anybody grows by.
    expect(after(4, 40)).toBeLessThan(1.1 ** 4 + (4 * 1.35 * 1.1 ** 4) / 100);
  });

  it("is steered to 88: there the rate stays, but for what all clients grow by", () => {
    expect(after(4, 88)).toBeGreaterThan(0.98);
    expect(after(4, 88)).toBeLessThan(1.06);
  });

  it("of a single answer does not shake the rate", () => {
    const { pace, now } = learned(100);
    for (let tenth = 1; tenth <= 50; tenth++) {
      const percentageUsed = tenth === 25 ? 130 : 88;
      observe(pace, answer(202, { percentageUsed, batches: PLENTY }), now + tenth * 100);
    }
    expect(speedOf(pace, now + 5_000)).toBeGreaterThan(92);
  });

  it("of a single answer moves the rate by little, and of many at one moment no more than the first", () => {
    const shaken = (answers: readonly number[]): number => {
      const { pace, now } = learned(100);
      const say = (percentageUsed: number, ms: number): void => {
        observe(pace, answer(202, { percentageUsed, batches: PLENTY }), now + ms);
      };
      for (let tenth = 1; tenth <= 20; tenth++) say(88, tenth * 100);
      const before = speedOf(pace, now + 2_000);
      for (const percentageUsed of answers) say(percentageUsed, 2_500);
      say(88, 3_000);
      return speedOf(pace, now + 3_000) / before;
    };
    const byNone = shaken([88]);
    expect(shaken([100]) / byNone).toBeGreaterThan(0.955);
    expect(shaken([100]) / byNone).toBeLessThan(1);
    expect(shaken([88, 0, 0, 0])).toBe(byNone);
  });
});

describe("a 429", () => {
  it("holds everything back until Retry-After has passed, and not much longer", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 0, max: 999 }),
        fc.integer({ min: 0, max: 200_000 }),
        fc.constantFrom(429, 503),
        (retryAfterMs, thousandths, laterMs, status) => {
          const pace = makePace({ random: () => thousandths / 1_000 }, 50);
          observe(pace, answer(status, { retryAfterMs }), 50);
          const startMs = pausedUntil(pace);
          const spreadMs = Math.min(200, retryAfterMs / 10);
          expect(startMs).toBeGreaterThanOrEqual(50 + retryAfterMs);
          expect(startMs).toBeCloseTo(50 + retryAfterMs + (spreadMs * thousandths) / 1_000, 3);
          expect(starts(pace, 50 + laterMs)).toBe(50 + laterMs >= startMs);
        },
      ),
    );
  });

  it.each([
    [1, 250, 500],
    [2, 500, 1_000],
    [3, 1_000, 2_000],
    [7, 15_000, 30_000],
    [50, 15_000, 30_000],
  ])("number %d in a row, without Retry-After, holds everything back for %d to %d ms", (times, leastMs, mostMs) => {
    const pauseAfter = (random: number): number => {
      const pace = makePace({ random: () => random });
      let now = 0;
      for (let time = 1; time < times; time++) {
        observe(pace, answer(429), now);
        now = pausedUntil(pace);
      }
      observe(pace, answer(429), now);
      return pausedUntil(pace) - now;
    };
    expect(pauseAfter(0)).toBeCloseTo(leastMs, 3);
    expect(pauseAfter(0.999_999)).toBeCloseTo(mostMs, -1);
  });

  it("cuts the rate by a fifth, once for all those that were sent before the pause", () => {
    const { pace, now } = learned(100);
    const before = speedOf(pace, now);
    for (let time = 0; time < 20; time++) observe(pace, answer(429, { retryAfterMs: 1_000 }), now + time);
    const later = now + 1_500;
    for (let sent = 0; sent < 20; sent++) observe(pace, ACCEPTED, later);
    expect(speedOf(pace, later) / before).toBeCloseTo(0.8, 1);
  });

  it("that arrives during a pause prolongs it only by a Retry-After that ends later", () => {
    const pace = makePace({ random: () => 0 });
    observe(pace, answer(429, { retryAfterMs: 200 }), 0);
    observe(pace, answer(429), 10);
    expect(pausedUntil(pace)).toBe(200);
    observe(pace, answer(429, { retryAfterMs: 1_000 }), 0);
    observe(pace, answer(429, { retryAfterMs: 500 }), 20);
    expect(pausedUntil(pace)).toBe(1_000);
    observe(pace, answer(429, { retryAfterMs: 1_000 }), 30);
    expect(pausedUntil(pace)).toBe(1_030);
  });
});

describe("after a pause", () => {
  function paused(concurrency = 8): { readonly pace: Pace; readonly now: number } {
    const pace = makePace({ concurrency });
    observe(pace, answer(429, { retryAfterMs: 1_000 }), 60_000);
    // Not the rate, but the recovery is looked at.
    return { pace: Object.assign(pace, { rate: Infinity }), now: pausedUntil(pace) };
  }

  it("one request goes ahead, and each answer lets two more start, until there were as many as may be in flight", () => {
    const { pace, now } = paused(8);
    expect(isRecovering(pace)).toBe(true);
    expect(startsAtOnce(pace, now)).toBe(1);
    observe(pace, ACCEPTED, now + 10);
    expect(startsAtOnce(pace, now + 10)).toBe(2);
    observe(pace, ACCEPTED, now + 20);
    observe(pace, ACCEPTED, now + 20);
    expect(startsAtOnce(pace, now + 20)).toBe(4);
    for (let answers = 3; answers < 7; answers++) observe(pace, ACCEPTED, now + 30);
    expect(startsAtOnce(pace, now + 30)).toBe(8);
    expect(isRecovering(pace)).toBe(true);
    observe(pace, ACCEPTED, now + 40);
    expect(isRecovering(pace)).toBe(false);
    expect(startsAtOnce(pace, now + 40)).toBe(1_000);
  });

  it("a refusal of the batch is an answer as good as any", () => {
    const { pace, now } = paused();
    starts(pace, now);
    observe(pace, answer(400), now + 10);
    expect(startsAtOnce(pace, now + 10)).toBe(2);
  });

  it("an answer to what was sent before it lets nothing start", () => {
    const { pace, now } = paused();
    observe(pace, ACCEPTED, now - 500);
    expect(startsAtOnce(pace, now)).toBe(1);
  });

  it("a request that is never answered is followed by another, a second later", () => {
    const { pace, now } = paused();
    expect(startsAtOnce(pace, now)).toBe(1);
    expect(admit(pace, 1, now + 10).startAtMs).toBe(now + 1_000);
    expect(startsAtOnce(pace, now + 1_000)).toBe(1);
  });

  it("what the service counts starts low, and is not believed for two seconds", () => {
    const { pace, now } = learned(100);
    observe(pace, answer(429, { retryAfterMs: 1_000 }), now);
    const goesOnAtMs = pausedUntil(pace);
    const say = (ms: number): number => {
      observe(pace, answer(202, { percentageUsed: 1, batches: PLENTY }), goesOnAtMs + ms);
      return pace.rate;
    };
    const before = say(10);
    expect(say(1_900)).toBe(before);
    say(2_100);
    expect(say(3_100)).toBeGreaterThan(before);
  });

  it("another 429 holds everything back again, for longer", () => {
    const pace = makePace({ random: () => 0 });
    observe(pace, answer(429), 0);
    const first = pausedUntil(pace);
    starts(pace, first);
    observe(pace, answer(429), first + 10);
    expect(pausedUntil(pace) - first - 10).toBe(2 * first);
    starts(pace, pausedUntil(pace));
    const now = pausedUntil(pace) + 10;
    observe(pace, ACCEPTED, now);
    observe(pace, answer(429), now);
    expect(pausedUntil(pace) - now).toBe(first);
  });
});

describe("a 429 for acceleration", () => {
  const TOO_FAST = answer(429, { limitExceeded: "acceleration", retryAfterMs: 5_000 });

  it("stops nothing", () => {
    const { pace, now } = learned(100);
    observe(pace, TOO_FAST, now + 1_000);
    expect(pausedUntil(pace)).toBeLessThan(now);
    expect(isRecovering(pace)).toBe(false);
    expect(starts(pace, now + 1_000)).toBe(true);
  });

  it("goes on at the speed that was accepted, no less than half and no more than nine tenths of what it was", () => {
    const cutAfter = (acceptedPerSecond: number): number => {
      const { pace, now } = learned(100);
      for (let sent = 1; sent <= acceptedPerSecond * 4; sent++) {
        observe(pace, answer(202, { percentageUsed: 88 }), now + (sent * 1_000) / acceptedPerSecond);
      }
      const steady = speedOf(pace, now + 4_000);
      observe(pace, TOO_FAST, now + 5_000);
      return speedOf(pace, now + 5_000) / steady;
    };
    expect(cutAfter(10)).toBeCloseTo(0.5, 1);
    expect(cutAfter(300)).toBeCloseTo(0.9, 1);
  });

  it("lets the rate grow more gently for half a minute", () => {
    const growth = (fromSecond: number): number => {
      const { pace, now } = learned(100);
      observe(pace, TOO_FAST, now + 1_000);
      const at = (second: number): number => now + 1_000 + second * 1_000;
      const rise = (from: number, to: number): void => {
        for (let second = from; second < to; second += 0.5)
          observe(pace, answer(202, { percentageUsed: 50, batches: PLENTY }), at(second));
      };
      rise(0.5, fromSecond);
      const before = speedOf(pace, at(fromSecond));
      rise(fromSecond, fromSecond + 5);
      return speedOf(pace, at(fromSecond + 5)) / before;
    };
    expect(growth(1)).toBeLessThan(1.02 ** 5 + 0.15);
    expect(growth(32)).toBeGreaterThan(1.1 ** 4);
  });

  it("right after a pause cuts the rate as at any other time", () => {
    const { pace, now } = learned(100);
    observe(pace, answer(503, { retryAfterMs: 1_000 }), now);
    const later = pausedUntil(pace) + 10;
    for (let sent = 0; sent < 20; sent++) observe(pace, ACCEPTED, later);
    const before = speedOf(pace, later);
    observe(pace, TOO_FAST, later);
    expect(speedOf(pace, later)).toBeLessThan(0.95 * before);
  });

  it("that comes again a second later cuts the rate again", () => {
    const { pace, now } = learned(100);
    observe(pace, TOO_FAST, now + 1_000);
    const once = speedOf(pace, now + 1_000);
    observe(pace, TOO_FAST, now + 2_000);
    expect(speedOf(pace, now + 2_000)).toBeLessThan(0.95 * once);
  });

  it("many times at once counts as once", () => {
    const { pace, now } = learned(100);
    observe(pace, TOO_FAST, now + 1_000);
    const once = speedOf(pace, now + 1_000);
    for (let time = 1; time < 50; time++) observe(pace, TOO_FAST, now + 1_000 + time);
    expect(speedOf(pace, now + 1_050)).toBe(once);
  });
});

describe("a failure", () => {
  it("or two among answers is no outage; three in a row are", () => {
    const pace = makePace();
    for (let round = 0; round < 10; round++) {
      observe(pace, FAILURE, round);
      observe(pace, answer(500), round);
      observe(pace, ACCEPTED, round);
    }
    expect(pausedUntil(pace)).toBe(-Infinity);
    for (let time = 0; time < 3; time++) observe(pace, FAILURE, 20);
    expect(pausedUntil(pace)).toBeGreaterThan(20);
    expect(isRecovering(pace)).toBe(true);
  });

  it("of what was sent before the pause does not prolong it, and one that comes after it does", () => {
    const pace = makePace();
    for (let time = 0; time < 3; time++) observe(pace, FAILURE, 20);
    const until = pausedUntil(pace);
    for (let time = 0; time < 60; time++) observe(pace, FAILURE, until - 1);
    expect(pausedUntil(pace)).toBe(until);
    observe(pace, FAILURE, until);
    expect(pausedUntil(pace)).toBeGreaterThan(until);
  });

  it("that says when to come back is believed at once", () => {
    const pace = makePace({ random: () => 0 });
    observe(pace, answer(503, { retryAfterMs: 7_000 }), 0);
    expect(pausedUntil(pace)).toBe(7_000);
  });

  it("after the other is asked about by one request at a time, less and less often, every five seconds at least", () => {
    const pace = makePace({ concurrency: 64 });
    // Long after its creation, which is no outage.
    let now = 1_000_000;
    observe(pace, ACCEPTED, now);
    for (let time = 0; time < 64; time++) observe(pace, FAILURE, now);
    const gaps: number[] = [];
    while (now < 1_120_000) {
      const { startAtMs } = admit(pace, 1, now);
      if (startAtMs > now) {
        gaps.push(startAtMs - now);
        now = startAtMs;
        continue;
      }
      expect(startsAtOnce(pace, now)).toBe(0);
      observe(pace, FAILURE, (now += 5));
    }
    expect(gaps.length).toBeLessThan(80);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
    expect(gaps[0]).toBeLessThanOrEqual(100);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000);
    expect(gaps.at(-2)).toBeGreaterThan(2_500);
  });

  it("that lasted halves the rate for the return; one that passed does not", () => {
    const speedAfter = (outageMs: number): number => {
      const { pace, now } = learned(100);
      const before = speedOf(pace, now);
      for (let time = 0; time <= 2; time++) observe(pace, FAILURE, now + (outageMs * time) / 2);
      const later = Math.max(now + outageMs, pausedUntil(pace)) + 1;
      for (let sent = 0; sent < 20; sent++) observe(pace, ACCEPTED, later);
      return speedOf(pace, later) / before;
    };
    expect(speedAfter(4_000)).toBeCloseTo(1, 1);
    expect(speedAfter(60_000)).toBeCloseTo(0.5, 0.3);
  });
});
