import { cpuMicros, figure, median, medianRatio, type Job, type Report } from "../measure.ts";
import { digits, times, type Bar, type Row } from "../row.ts";

const ENTRANTS = {
  official: { candidate: "official", kind: "peer", label: "official SDK" },
  http: { candidate: "node-http", kind: "floor", label: "node:http + stringify" },
  undici: { candidate: "undici", kind: "floor", label: "undici Pool + stringify" },
  ours: { candidate: "ours", kind: "ours", label: "ours, uploadBulk" },
  deliver: { candidate: "ours-deliver", kind: "ours", label: "ours, deliver" },
} as const satisfies Readonly<
  Record<string, { readonly candidate: string; readonly kind: Bar["kind"]; readonly label: string }>
>;

type Name = keyof typeof ENTRANTS;

/** The keys of the table of entrants. */
const NAMES = Object.keys(ENTRANTS) as Name[];

/** Requests 2 to 10 of a process. */
const COLD = { scenario: "bulk", before: 1, count: 9, fresh: true } as const;
/** By then everything has been compiled that will be. */
const WARM = { scenario: "bulk", before: 40, count: 12 } as const;

function jobs(job: Omit<Job, "candidate">): Readonly<Record<Name, Job>> {
  const made = NAMES.map((name) => [name, { ...job, candidate: ENTRANTS[name].candidate }]);
  return Object.fromEntries(made) as Record<Name, Job>; // one for each name
}

export const bulk: Row = {
  number: 3,
  name: "bulk",
  title: "Bulk",
  how: "Bulk requests of 100 batches with 5 events each, one after the other; cold are those from the 2nd to the 10th in the life of a process, warm those after the 40th.",
  async run(bench) {
    const cold = await bench.inRounds(jobs(COLD));
    const warm = await bench.inRounds(jobs(WARM));
    const { probe } = await bench.inRounds({ probe: { scenario: "bulk", candidate: "ours", probe: true } }, 1);
    const twice = Math.max(...probe.map((report) => figure(report, "serialisedTwice")));
    const lost = [...cold.ours, ...warm.ours, ...cold.deliver, ...warm.deliver].reduce(
      (sum, report) => sum + figure(report, "count") - figure(report, "events"),
      0,
    );
    const ofFloor = (reports: Readonly<Record<Name, readonly Report[]>>, name: Name): number =>
      medianRatio(reports[name], reports.http, cpuMicros);
    const overOfficial = (reports: typeof cold): number => medianRatio(reports.official, reports.ours, cpuMicros);
    return {
      checks: [
        { what: "CPU cold, of `node:http` + stringify", measured: ofFloor(cold, "ours"), atMost: 1.15, unit: "×" },
        { what: "CPU warm, of `node:http` + stringify", measured: ofFloor(warm, "ours"), atMost: 1, unit: "×" },
        {
          what: "`deliver` warm, of `node:http` + stringify",
          measured: ofFloor(warm, "deliver"),
          atMost: 1.3,
          unit: "×",
        },
        { what: "cold, CPU of the official SDK for ours", measured: overOfficial(cold), atLeast: 1, unit: "×" },
        { what: "warm, CPU of the official SDK for ours", measured: overOfficial(warm), atLeast: 1.1, unit: "×" },
        { what: "batches serialised twice", measured: twice, atMost: 0, unit: "", exact: true },
        { what: "events lost", measured: lost, atMost: 0, unit: "", exact: true },
      ],
      tables: [
        {
          title: "CPU an event",
          columns: ["", "cold × floor", "warm × floor", "cold µs", "warm µs"],
          rows: NAMES.map((name) => [
            ENTRANTS[name].label,
            times(ofFloor(cold, name)),
            times(ofFloor(warm, name)),
            digits(median(cold[name], cpuMicros)),
            digits(median(warm[name], cpuMicros)),
          ]),
        },
      ],
      plots: [
        {
          name: "bulk",
          title: "CPU of a bulk event, warm: times node:http + stringify; less is better",
          bars: NAMES.map((name) => {
            const { label, kind } = ENTRANTS[name];
            return { label, kind, value: ofFloor(warm, name), text: times(ofFloor(warm, name)) };
          }),
        },
      ],
      choices: [
        {
          work: "send 100 batches in a request",
          instead: "the official SDK",
          ours: `takes ${times(1 / overOfficial(warm))} its CPU (${times(1 / overOfficial(cold))} in the first ten)`,
        },
        {
          work: "the same",
          instead: "`node:http` and `JSON.stringify` by hand",
          ours: `takes ${times(ofFloor(warm, "ours"))} its CPU (${times(ofFloor(cold, "ours"))} in the first ten), and retries, paces and reports`,
        },
      ],
    };
  },
};
