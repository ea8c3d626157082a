import { figure, median, type Job, type Report } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const COUNT = 5_000;

const ENTRANTS = {
  official: { candidate: "official", kind: "peer", label: "official SDK" },
  ours: { candidate: "ours", kind: "ours", label: "ours, one a request" },
  coalesced: { candidate: "ours-coalesced", kind: "ours", label: "ours, coalesced" },
} as const;

function job(candidate: string): Job {
  return { scenario: "burst", candidate, count: COUNT, maxFiles: 1_024, fresh: true };
}

/** What arrived, a second. */
function rate(report: Report): number {
  return (figure(report, "events") / figure(report, "wallMs")) * 1_000;
}

export const burst: Row = {
  number: 5,
  name: "burst",
  title: "5,000 uploads at once",
  how: "5,000 calls that nobody awaits one by one, in a fresh process that may open 1,024 files; only what arrived counts.",
  async run(bench) {
    const reports = await bench.inRounds({
      official: job("official"),
      ours: job("ours"),
      coalesced: job("ours-coalesced"),
    });
    const base = median(reports.official, rate);
    const most = (which: readonly Report[], name: string): number =>
      Math.max(...which.map((report) => figure(report, name)));
    // The keys of the table of entrants.
    const names = Object.keys(ENTRANTS) as (keyof typeof ENTRANTS)[];
    return {
      checks: [
        {
          what: "failed",
          measured: most([...reports.ours, ...reports.coalesced], "failed"),
          atMost: 0,
          unit: "",
          exact: true,
        },
        { what: "sockets", measured: most(reports.ours, "sockets"), atMost: 64, unit: "", exact: true },
        { what: "sockets, coalesced", measured: most(reports.coalesced, "sockets"), atMost: 8, unit: "", exact: true },
        {
          what: "coalesced, of the official SDK",
          measured: median(reports.coalesced, rate) / base,
          atLeast: 15,
          unit: "×",
        },
      ],
      tables: [
        {
          title: "Of 5,000 calls",
          columns: ["", "× official", "arrived a second", "failed", "sockets", "peak RSS MB"],
          rows: names.map((name) => [
            ENTRANTS[name].label,
            times(median(reports[name], rate) / base),
            digits(median(reports[name], rate)),
            digits(median(reports[name], (report) => figure(report, "failed"))),
            digits(median(reports[name], (report) => figure(report, "sockets"))),
            digits(median(reports[name], (report) => figure(report, "peakRssMb"))),
          ]),
        },
      ],
      choices: [
        {
          work: "send 5,000 batches that nobody awaits one by one",
          instead: "the official SDK",
          ours: `loses ${digits(most([...reports.ours, ...reports.coalesced], "failed"))} of them, where the SDK loses ${digits(median(reports.official, (report) => figure(report, "failed")))}`,
        },
      ],
      plots: [
        {
          name: "burst",
          title: "5,000 uploads at once: times the official SDK",
          bars: names.map((name) => {
            const ratio = median(reports[name], rate) / base;
            return { label: ENTRANTS[name].label, value: ratio, text: times(ratio), kind: ENTRANTS[name].kind };
          }),
        },
      ],
    };
  },
};
