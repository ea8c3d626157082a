import { figure, median, type Bench, type Report } from "../measure.ts";
import { digits, type Row } from "../row.ts";

const STALL_MS = 20_000;
const COUNT = 150_000;
const BUFFER_MB = 16;
const CONCURRENCY = 4;
/** At the same time, for they mostly wait. */
const RUNS = 3;

async function stalled(bench: Bench): Promise<Report> {
  const runner = await bench.start({ scenario: "stall", candidate: "ours", count: COUNT, users: 1_000 });
  try {
    return await runner.round(() => runner.service.stall(STALL_MS));
  } finally {
    await runner.stop();
  }
}

export const stall: Row = {
  number: 6,
  name: "stall",
  title: "A service that stalls",
  how: "150,000 events of 1,000 users added to a queue with default settings while the service leaves everything unanswered for 20 s; three processes at the same time.",
  attempts: 1,
  async run(bench) {
    const reports = await Promise.all(Array.from({ length: RUNS }, () => stalled(bench)));
    const grown = (report: Report): number => figure(report, "grownMb");
    const most = (read: (report: Report) => number): number => Math.max(...reports.map(read));
    return {
      checks: [
        { what: "memory", measured: Math.min(...reports.map(grown)), atMost: BUFFER_MB + 64, unit: " MB" },
        {
          what: "sockets",
          measured: most((report) => figure(report, "peakSockets")),
          atMost: CONCURRENCY,
          unit: "",
          exact: true,
        },
        {
          what: "not accepted",
          measured: most((report) => COUNT - figure(report, "accepted")),
          atMost: 0,
          unit: "",
          exact: true,
        },
        {
          what: "lost",
          measured: most((report) => COUNT - figure(report, "events")),
          atMost: 0,
          unit: "",
          exact: true,
        },
      ],
      tables: [
        {
          title: "While it stalls, and after",
          columns: ["", "grown by MB, best to worst", "sockets", "all added after s", "all accepted after s"],
          rows: [
            [
              "ours",
              reports
                .map(grown)
                .sort((a, b) => a - b)
                .map(digits)
                .join(", "),
              digits(most((report) => figure(report, "peakSockets"))),
              digits(median(reports, (report) => figure(report, "addedMs") / 1_000)),
              digits(median(reports, (report) => figure(report, "wallMs") / 1_000)),
            ],
          ],
        },
      ],
      notes: ["The target is for the growth of the resident set from before the first event to its peak."],
    };
  },
};
