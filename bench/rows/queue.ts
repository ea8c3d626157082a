import { cpuMicros, figure, median, medianRatio, medianOf, type Job, type Report } from "../measure.ts";
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
  return { scenario: "adds", candidate: "ours", users };
}

/** What an `add` costs of writing its user and its event as JSON. */
function addRatio(reports: readonly Report[]): number {
  return medianOf(reports.map((report) => figure(report, "addMicros") / figure(report, "floorMicros")));
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
  floorMany: { kind: "floor", label: "a Map and node:http, 10,000 users" },
  floorOne: { kind: "floor", label: "a Map and node:http, one user" },
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
    const peers = await bench.inRounds(
      { segment: peer("segment"), amplitude: peer("amplitude") },
      bench.quick ? 1 : PEER_ROUNDS,
    );
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
    const ofFloorMany = medianRatio(reports.many, reports.floorMany, cpuMicros);
    const ofFloorOne = medianRatio(reports.one, reports.floorOne, cpuMicros);
    // The keys of the table of entrants.
    const names = (Object.keys(ENTRANTS) as (keyof typeof ENTRANTS)[]).sort((a, b) => perSecond(b) - perSecond(a));
    return {
      checks: [
        { what: "events lost", measured: oursLost, atMost: 0, unit: "", exact: true },
        { what: "10,000 users, CPU of a Map and `node:http`", measured: ofFloorMany, atMost: 1.5, unit: "×" },
        { what: "one user, CPU of a Map and `node:http`", measured: ofFloorOne, atMost: 1.5, unit: "×" },
        {
          what: "`add`, 10,000 users, CPU of stringify",
          measured: addRatio(reports.addsMany),
          atMost: 1.7,
          unit: "×",
        },
        { what: "`add`, one user, CPU of stringify", measured: addRatio(reports.addsOne), atMost: 1.7, unit: "×" },
        { what: "of the best peer that loses nothing", measured: perSecond("many") / best, atLeast: 10, unit: "×" },
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
          columns: ["", "× stringify", "CPU µs in `add`", "CPU µs in stringify"],
          rows: (["addsMany", "addsOne"] as const).map((name) => [
            name === "addsMany" ? "10,000 users" : "one user",
            times(addRatio(reports[name])),
            digits(median(reports[name], (report) => figure(report, "addMicros"))),
            digits(median(reports[name], (report) => figure(report, "floorMicros"))),
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
      choices: [
        {
          work: "track single events in the background",
          instead: "Segment's or Amplitude's SDK",
          ours: `delivers ${times(perSecond("many") / best)} as many a second, of 10,000 users`,
        },
        {
          work: "the same",
          instead: "a Map, `JSON.stringify` and `node:http` by hand",
          ours: `takes ${times(ofFloorMany)} its CPU, and bounds memory, keeps order, retries and counts`,
        },
      ],
      notes: [
        "Segment and Amplitude were measured twice at most, those that lose events or stall once: they take long.",
        "The floor gathers in a Map by the text of the whole user. It has no bounds, keeps no order and tries nothing again.",
        "`add` is that of a burst that nobody awaits one by one, beside `JSON.stringify` of the same users and events, and their bytes.",
      ],
    };
  },
};
