import { figure, median, type Job, type Report } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const COUNT = 20_000;

const KINDS = {
  pending: "a pending event, of one user",
  first: "a user with a first event",
  idle: "a user whose events are all accepted",
} as const;

type Kind = keyof typeof KINDS;

/** The keys of the table of kinds. */
const NAMES = Object.keys(KINDS) as Kind[];

function job(kind: Kind): Job {
  return { scenario: "memory", candidate: "none", kind, count: COUNT, fresh: true };
}

function bytes(report: Report): number {
  return figure(report, "bytes");
}

export const memory: Row = {
  number: 14,
  name: "memory",
  title: "Memory",
  how: "The heap that 20,000 events take in a queue, after collecting garbage, in a fresh process.",
  async run(bench) {
    const reports = await bench.inRounds(
      { pending: job("pending"), first: job("first"), idle: job("idle") },
      Math.min(3, bench.rounds),
    );
    const ofJson = (kind: Kind): number =>
      median(reports[kind], (report) => bytes(report) / figure(report, "jsonBytes"));
    return {
      checks: [
        { what: `${KINDS.pending}, of its JSON`, measured: ofJson("pending"), atMost: 1.25, unit: "×" },
        { what: `${KINDS.first}, of the JSON of both`, measured: ofJson("first"), atMost: 3, unit: "×" },
        { what: KINDS.idle, measured: median(reports.idle, bytes), atMost: 32, unit: " bytes" },
      ],
      tables: [
        {
          title: "Bytes in memory",
          columns: ["", "bytes", "of JSON", "× JSON"],
          rows: NAMES.map((kind) => [
            KINDS[kind],
            digits(Math.max(0, median(reports[kind], bytes))),
            digits(median(reports[kind], (report) => figure(report, "jsonBytes"))),
            kind === "idle" ? "–" : times(ofJson(kind)),
          ]),
        },
      ],
    };
  },
};
