import { describe, expect, it } from "vitest";
import {
  perSecond,
  simulate,
  type Arrival,
  type ClientModel,
  type ServiceModel,
  type Simulation,
} from "../../scripts/pacing/model.ts";
import { full } from "../full.ts";

/** The default limit of an account, and a guess at how fast it may be approached. */
const SERVICE: ServiceModel = {
  batchesPerSecond: 270,
  acceleration: 100,
  retryAfterMs: 1_000,
  percentageWindowMs: 1_000,
};
/** Always more to send than it may. */
const BUSY: ClientModel = { concurrency: 16, batchesPerRequest: 5 };
const SEEDS = full([1], [1, 2, 3, 4, 5]);
/** Seconds until which a client is looked at that has settled after one minute at most. */
const END = full(120, 300);

interface Run {
  readonly arrivals: readonly Arrival[];
  /** Accepted batches per second, on the average of these seconds. */
  readonly accepted: (fromSecond: number, toSecond: number, client?: number) => number;
  /** Requests refused with 429 in these seconds. */
  readonly limited: (fromSecond: number, toSecond: number) => number;
  /** The most requests of any second, of those between these. */
  readonly mostRequests: (fromSecond: number, toSecond: number) => number;
}

function run(simulation: Simulation): Run {
  const arrivals = simulate(simulation);
  const within = (from: number, to: number): readonly Arrival[] =>
    arrivals.filter(({ atMs }) => atMs >= from * 1_000 && atMs < to * 1_000);
  return {
    arrivals,
    accepted: (from, to, client) => {
      const accepted = within(from, to).filter(
        (arrival) => arrival.fate === "accepted" && (client === undefined || arrival.client === client),
      );
      return accepted.reduce((sum, { batches }) => sum + batches, 0) / (to - from);
    },
    limited: (from, to) => within(from, to).filter(({ fate }) => fate === "limited").length,
    mostRequests: (from, to) => {
      const requests = arrivals.map((arrival) => ({ ...arrival, batches: 1 }));
      return Math.max(...perSecond(requests, simulation.durationMs).slice(from, to));
    },
  };
}

function several(count: number, client: ClientModel = BUSY, apartMs = 0): readonly ClientModel[] {
  return Array.from({ length: count }, (_, index) => ({ ...client, startMs: index * apartMs }));
}

describe("one client with always more to send", () => {
  it.each(SEEDS)("settles near the limit, without a single 429 from then on (seed %d)", (seed) => {
    const { arrivals, accepted, limited } = run({ seed, durationMs: END * 1_000, service: SERVICE, clients: [BUSY] });
    expect(accepted(60, END)).toBeGreaterThan(0.8 * 270);
    expect(accepted(60, END)).toBeLessThan(270);
    expect(limited(10, END)).toBe(0);
    expect(limited(0, END)).toBeLessThan(0.01 * arrivals.length);
  });

  it.each(SEEDS)(
    "does so where the service tells no percentage: a few 429s are all it can learn by (seed %d)",
    (seed) => {
      const service = { ...SERVICE, percentageWindowMs: undefined };
      const { accepted, limited } = run({ seed, durationMs: END * 1_000, service, clients: [BUSY] });
      expect(accepted(60, END)).toBeGreaterThan(0.8 * 270);
      expect(limited(60, END)).toBeLessThan(0.01 * (END - 60) * (270 / 5));
    },
  );

  it("does so where the percentage lags behind by ten seconds", () => {
    const service = { ...SERVICE, percentageWindowMs: 10_000 };
    const { arrivals, accepted, limited } = run({ seed: 1, durationMs: END * 1_000, service, clients: [BUSY] });
    expect(accepted(60, END)).toBeGreaterThan(0.8 * 270);
    expect(limited(60, END)).toBeLessThan(0.01 * arrivals.length);
  });

  // A hundred batches at once use up a third of a second's worth: what the percentage says jumps, and the worst counts.
  it.each([
    [1, 80],
    [20, 80],
    [100, 65],
  ])("does so with %d batches in a request, at %d %% at least", (batchesPerRequest, percent) => {
    const service = { ...SERVICE, acceleration: undefined };
    const clients = [{ concurrency: 64, batchesPerRequest }];
    const { arrivals, accepted, limited } = run({ seed: 1, durationMs: END * 1_000, service, clients });
    expect(accepted(60, END)).toBeGreaterThan((percent / 100) * 270);
    expect(limited(10, END)).toBeLessThan(0.02 * arrivals.length);
  });

  it("finds a limit a hundred times as high, and one a tenth as high", () => {
    for (const [batchesPerSecond, client] of [
      [27_000, { concurrency: 64, batchesPerRequest: 100 }],
      [27, { concurrency: 16, batchesPerRequest: 1 }],
    ] as const) {
      const service = { ...SERVICE, batchesPerSecond, acceleration: undefined };
      const { accepted } = run({ seed: 1, durationMs: 120_000, service, clients: [client] });
      expect(accepted(60, 120)).toBeGreaterThan(0.8 * batchesPerSecond);
    }
  });
});

describe("one client with little to send", () => {
  it("sends it at once: nothing is held back below the limit", () => {
    const clients = [{ concurrency: 16, batchesPerRequest: 1, offeredPerSecond: 90 }];
    const { arrivals, accepted } = run({ seed: 1, durationMs: 60_000, service: SERVICE, clients });
    expect(accepted(0, 60)).toBeGreaterThan(89);
    expect(arrivals.every(({ fate }) => fate === "accepted")).toBe(true);
  });
});

describe("a client with a number for its rate", () => {
  it("keeps to it, reaches it, and is never told to slow down below the limit", () => {
    const { arrivals, accepted } = run({
      seed: 1,
      durationMs: 60_000,
      service: SERVICE,
      clients: several(3, { ...BUSY, rate: 45, batchesPerRequest: 3 }),
    });
    for (let client = 0; client < 3; client++) {
      expect(accepted(10, 60, client)).toBeGreaterThan(44);
      expect(accepted(10, 60, client)).toBeLessThan(46);
    }
    // That three start at once is more than the acceleration allows; nothing is refused once they run.
    expect(arrivals.filter(({ fate, atMs }) => fate === "limited" && atMs > 10_000)).toEqual([]);
  });
});

describe("several clients that share an account", () => {
  it.each(full([2, 20], [2, 5, 10, 20]))("settle near the limit with few 429s, %d of them", (count) => {
    const { arrivals, accepted, limited } = run({
      seed: 1,
      durationMs: END * 1_000,
      service: SERVICE,
      clients: several(count),
    });
    expect(accepted(60, END)).toBeGreaterThan(0.8 * 270);
    expect(limited(60, END)).toBeLessThan(0.005 * arrivals.length);
  });

  it("share it evenly in the end, though they came one after the other", () => {
    const clients = several(5, BUSY, 20_000);
    const { accepted } = run({ seed: 1, durationMs: 600_000, service: SERVICE, clients });
    const shares = clients.map((_, client) => accepted(480, 600, client));
    expect(Math.min(...shares)).toBeGreaterThan((0.6 * 270) / 5);
    expect(Math.max(...shares)).toBeLessThan((1.4 * 270) / 5);
  });

  it("leave nothing unused when others go", () => {
    const clients = [BUSY, ...several(4, { ...BUSY, stopMs: 120_000 })];
    const { accepted } = run({ seed: 1, durationMs: 300_000, service: SERVICE, clients });
    expect(accepted(60, 120, 0)).toBeLessThan(0.5 * 270);
    expect(accepted(240, 300, 0)).toBeGreaterThan(0.8 * 270);
  });
});

describe("an outage", () => {
  const OUTAGE = { fromMs: 60_000, toMs: 120_000 };
  /** Seconds until which is looked at what comes after it. */
  const AFTER = full(180, 240);

  it.each(["503", "refused"] as const)("of 60 s (%s) is asked about now and then, and not stormed", (kind) => {
    const service = { ...SERVICE, outages: [{ ...OUTAGE, kind }] };
    const clients = several(10);
    const { arrivals, mostRequests } = run({ seed: 1, durationMs: OUTAGE.toMs, service, clients });
    const duringIt = arrivals.filter(({ atMs }) => atMs >= OUTAGE.fromMs + 5_000 && atMs < OUTAGE.toMs);
    expect(duringIt.every(({ fate }) => fate === "failed")).toBe(true);
    // Each client asks once in a pause of 0.5 s (after a few seconds of outage) to 5 s.
    expect(duringIt.length).toBeGreaterThan((10 * 55) / 5);
    expect(duringIt.length).toBeLessThan(10 * 55);
    expect(mostRequests(70, 120)).toBeLessThanOrEqual(20);
  });

  it.each(SEEDS)("is over without a stampede: no wave of requests, no 429, full speed again soon (seed %d)", (seed) => {
    const service = { ...SERVICE, outages: [{ ...OUTAGE, kind: "503" }] } as const;
    const { accepted, limited, mostRequests } = run({ seed, durationMs: AFTER * 1_000, service, clients: several(10) });
    const usual = mostRequests(30, 60);
    expect(mostRequests(120, 135)).toBeLessThanOrEqual(usual);
    expect(limited(120, AFTER)).toBeLessThanOrEqual(0.01 * (AFTER - 120) * usual);
    expect(accepted(150, AFTER)).toBeGreaterThan(0.8 * 270);
  });

  it.each([15, 100])(
    "has nobody storm the service who never met its limit before (%d batches per second)",
    (offeredPerSecond) => {
      const service = { ...SERVICE, outages: [{ ...OUTAGE, kind: "refused" }] } as const;
      // What gathered in a minute goes out in single uploads, as many at once as a client may.
      const clients = several(10, { concurrency: 64, batchesPerRequest: 1, offeredPerSecond });
      const { accepted, limited, mostRequests } = run({ seed: 1, durationMs: AFTER * 1_000, service, clients });
      expect(mostRequests(70, 120)).toBeLessThanOrEqual(20);
      expect(limited(120, AFTER)).toBeLessThan(0.01 * (AFTER - 120) * 270);
      expect(accepted(150, 180)).toBeGreaterThan(0.8 * 270);
    },
  );

  it("of a moment costs a moment", () => {
    const service = { ...SERVICE, outages: [{ fromMs: 60_000, toMs: 60_500, kind: "503" }] } as const;
    const { accepted } = run({ seed: 1, durationMs: 120_000, service, clients: several(5) });
    expect(accepted(65, 120)).toBeGreaterThan(0.8 * 270);
  });
});

describe("the simulation", () => {
  it("gives the same arrivals for the same seed, and others for another", () => {
    const simulation = { seed: 7, durationMs: 20_000, service: SERVICE, clients: several(3) };
    expect(simulate(simulation)).toEqual(simulate(simulation));
    expect(simulate({ ...simulation, seed: 8 })).not.toEqual(simulate(simulation));
  });

  it("has a service that keeps its limit, whatever it is sent", () => {
    const { arrivals } = run({ seed: 1, durationMs: 60_000, service: SERVICE, clients: several(20) });
    const accepted = perSecond(arrivals, 60_000, ({ fate }) => fate === "accepted");
    // A second's worth may be in store.
    expect(Math.max(...accepted)).toBeLessThanOrEqual(2 * 270);
    expect(accepted.reduce((sum, batches) => sum + batches, 0)).toBeLessThanOrEqual(61 * 270);
    expect(arrivals.some(({ fate }) => fate === "limited")).toBe(true);
  });
});
