import { join } from "node:path";
import { figure, median, type Job, type Report } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const COUNT = 20_000;
const ADDERS = 1_000;

const LABELS = {
  none: "no outbox",
  process: 'durability "process", the default',
  power: 'durability "power"',
} as const;

function addRate(report: Report): number {
  return (figure(report, "count") / figure(report, "addedMs")) * 1_000;
}

function rate(report: Report): number {
  return (figure(report, "count") / figure(report, "wallMs")) * 1_000;
}

export const outbox: Row = {
  number: 10,
  name: "outbox",
  title: "Queue with an outbox",
  how: "20,000 single events of 1,000 users added by 1,000 callers at the same time, each waiting until its event is stored, then a flush.",
  async run(bench) {
    const job = (name: keyof typeof LABELS): Job => ({
      scenario: "outbox",
      candidate: "ours",
      count: COUNT,
      users: 1_000,
      adders: ADDERS,
      ...(name !== "none" && { durability: name, path: join(bench.folder, `${name}-${String(Date.now())}.sqlite`) }),
    });
    const reports = await bench.inRounds({ none: job("none"), process: job("process"), power: job("power") });
    if (reports.process.some((report) => report["absent"] === 1)) {
      return { checks: [], tables: [], notes: ["Not measured: the package has no `sqliteOutbox`."] };
    }
    const names = ["none", "process", "power"] as const;
    const base = median(reports.none, rate);
    const lost = names.flatMap((name) =>
      reports[name].map((report) => figure(report, "count") - figure(report, "events")),
    );
    return {
      checks: [
        { what: "durable adds", measured: median(reports.process, addRate), atLeast: 30_000, unit: "/s" },
        { what: "end to end, of the queue", measured: median(reports.process, rate) / base, atLeast: 0.5, unit: "×" },
        { what: "events lost", measured: Math.max(...lost), atMost: 0, unit: "", exact: true },
      ],
      tables: [
        {
          title: "Stored, then delivered",
          columns: ["", "end to end × queue", "end to end/s", "adds/s", "CPU s per 100,000"],
          rows: names.map((name) => [
            LABELS[name],
            times(median(reports[name], rate) / base),
            digits(median(reports[name], rate)),
            digits(median(reports[name], addRate)),
            digits(median(reports[name], (report) => (figure(report, "cpuMs") / figure(report, "count")) * 100)),
          ]),
        },
      ],
      plots: [
        {
          name: "outbox",
          title: "Events delivered a second, by what an added event survives",
          bars: names.map((name) => {
            const perSecond = median(reports[name], rate);
            return {
              label: LABELS[name],
              value: perSecond,
              text: `${times(perSecond / base)}, ${digits(perSecond)}/s`,
              kind: name === "none" ? "floor" : "ours",
            };
          }),
        },
      ],
      notes: [
        'The targets are for "process": an event survives the end of the process, however it comes; "power" waits for the disk as well.',
      ],
    };
  },
};
