import { figure, median, type Job, type Report } from "../measure.ts";
import { digits, times, type Bar, type Row } from "../row.ts";

const COUNT = 50_000;
/** Peers take up to twenty seconds a round: more of them would take longer than all the rest. */
const PEER_ROUNDS = 2;
const MANY = 10_000;

function ours(users: number): Job {
  return { scenario: "queue", candidate: "ours", count: COUNT, users, warmUp: 2 };
}

function floor(users: number): Job {
  return { scenario: "floor", candidate: "node-http", count: COUNT, users, warmUp: 2 };
}

function adds(users: number): Job {
  return { scenario: "adds", candidate: "ours", count: COUNT, users };
}

/** `once`: they are not what has missed a target. */
function peer(candidate: string): Job {
  const job = { scenario: "queue", candidate, count: COUNT, users: MANY, fresh: true, once: true };
  return { ...job, settleMs: 500 };
}

/** What arrived, a second. */
function rate(report: Report): number {
  return (figure(report, "events") / figure(report, "wallMs")) * 1_000;
}

function cpuPer100k(report: Report): number {
  return figure(report, "cpuMs") / 1_000 / (figure(report, "count") / 100_000);
}

function lost(report: Report): number {
  return (report["count"] ?? COUNT) - figure(report, "events");
}

const ENTRANTS = {
  many: { kind: "ours", label: "ours, 10,000 users" },
  one: { kind: "ours", label: "ours, one user" },
  floorMany: { kind: "floor", label: "node:http, batches ready, 10,000 users" },
  floorOne: { kind: "floor", label: "node:http, batches ready, one user" },
  segment: { kind: "peer", label: "Segment" },
  amplitude: { kind: "peer", label: "Amplitude" },
  posthog: { kind: "peer", label: "PostHog" },
  rudder: { kind: "peer", label: "Rudder" },
  snowplow: { kind: "peer", label: "Snowplow" },
} as const satisfies Readonly<Record<string, Pick<Bar, "kind" | "label">>>;

export const queue: Row = {
  number: 4,
  name: "queue",
  title: "Queue, in a tight loop",
  how: "50,000 single events added in a tight loop to a queue with default settings, then a flush.",
  async run(bench) {
    const reports = await bench.inRounds({
      many: ours(MANY),
      one: ours(1),
      floorMany: floor(MANY),
      floorOne: floor(1),
      addsMany: adds(MANY),
      addsOne: adds(1),
    });
    const peers = await bench.inRounds({ segment: peer("segment"), amplitude: peer("amplitude") }, PEER_ROUNDS);
    // What loses events, or stalls, is not ranked: to see that once is enough.
    const others = await bench.inRounds(
      { posthog: peer("posthog"), snowplow: peer("snowplow"), rudder: { ...peer("rudder"), timeoutMs: 5_000 } },
      1,
    );
    const fresh = await bench.inRounds({ many: { ...ours(MANY), warmUp: 0, fresh: true } }, 3);
    const all = { ...reports, ...peers, ...others };
    const perSecond = (name: keyof typeof ENTRANTS): number => median(all[name], rate);
    const best = Math.max(
      ...(["segment", "amplitude"] as const).filter((name) => Math.max(...all[name].map(lost)) === 0).map(perSecond),
    );
    const oursLost = Math.max(...[...all.many, ...all.one].map(lost));
    const stall = (report: Report): number => figure(report, "stallMs");
    const addMicros = (report: Report): number => figure(report, "addMicros");
    // The keys of the table of entrants.
    const names = (Object.keys(ENTRANTS) as (keyof typeof ENTRANTS)[]).sort((a, b) => perSecond(b) - perSecond(a));
    return {
      checks: [
        { what: "events lost", measured: oursLost, atMost: 0, unit: "", exact: true },
        {
          what: "10,000 users, of the floor",
          measured: perSecond("many") / perSecond("floorMany"),
          atLeast: 0.9,
          unit: "×",
        },
        { what: "one user, of the floor", measured: perSecond("one") / perSecond("floorOne"), atLeast: 0.9, unit: "×" },
        { what: "of the best peer that loses nothing", measured: perSecond("many") / best, atLeast: 10, unit: "×" },
        { what: "CPU for 100,000, 10,000 users", measured: median(all.many, cpuPer100k), atMost: 1, unit: " s" },
        { what: "CPU for 100,000, one user", measured: median(all.one, cpuPer100k), atMost: 1, unit: " s" },
        { what: "`add`, 10,000 users", measured: median(all.addsMany, addMicros), atMost: 5, unit: " µs" },
        { what: "`add`, one user", measured: median(all.addsOne, addMicros), atMost: 5, unit: " µs" },
        { what: "longest stall, 10,000 users", measured: median(all.addsMany, stall), atMost: 12, unit: " ms" },
        { what: "longest stall, one user", measured: median(all.addsOne, stall), atMost: 12, unit: " ms" },
      ],
      tables: [
        {
          title: "Delivered",
          columns: ["", "× best peer", "events/s", "lost", "CPU s per 100,000", "peak RSS MB", "sockets"],
          rows: names.map((name) => {
            const of = all[name];
            const stalled = of.some((report) => report["timedOut"] === 1);
            const lostShare = Math.max(...of.map(lost)) / (of[0]?.["count"] ?? COUNT);
            const rss = name === "many" ? fresh.many : of;
            return [
              ENTRANTS[name].label,
              times(perSecond(name) / best),
              digits(perSecond(name)),
              stalled ? "stalls" : `${String(Math.round(lostShare * 100))} %`,
              stalled ? "–" : digits(median(of, cpuPer100k)),
              stalled ? "–" : digits(median(rss, (report) => figure(report, "peakRssMb"))),
              digits(median(of, (report) => figure(report, "sockets"))),
            ];
          }),
        },
        {
          title: "Adding",
          columns: ["", "µs inside `add`", "longest stall ms"],
          rows: (["addsMany", "addsOne"] as const).map((name) => [
            name === "addsMany" ? "10,000 users" : "one user",
            digits(median(all[name], addMicros)),
            digits(median(all[name], stall)),
          ]),
        },
      ],
      plots: [
        {
          name: "queue",
          title: "Events delivered: times the best peer that loses nothing",
          bars: names
            .filter((name) => Math.max(...all[name].map(lost)) === 0)
            .map((name) => {
              const ratio = perSecond(name) / best;
              return { label: ENTRANTS[name].label, value: ratio, text: times(ratio), kind: ENTRANTS[name].kind };
            }),
        },
      ],
      notes: [
        "Segment and Amplitude were measured twice, those that lose events or stall once: they take long.",
        "The stall is the longest of a round, the median of the rounds; `add` is the mean of a round.",
        "The floor gets its batches ready-made; gathering them is a part of what the queue is measured with.",
      ],
    };
  },
};
