import { join } from "node:path";
import { cpuMicros, figure, median, medianRatio, type Job, type Report } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const COUNT = 20_000;
const ADDERS = 1_000;

const LABELS = {
  none: "no outbox",
  process: 'durability "process", the default',
  power: 'durability "power"',
} as const;

/**
 * Events in an outbox that is opened. From some 200,000 on, 60 MB, memory is that of a piece that is read and of what the
 * engine collects later; 1 GB is three million, which take minutes to write.
 */
const OPENINGS = { small: 200_000, large: 800_000 } as const;

function openingCounts(quick: boolean): Readonly<Record<keyof typeof OPENINGS, number>> {
  return quick ? { small: 200_000, large: 400_000 } : OPENINGS;
}

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
    const path = join(bench.folder, `by-hand-${String(Date.now())}.jsonl`);
    const reports = await bench.inRounds({
      none: job("none"),
      process: job("process"),
      power: job("power"),
      byHand: { scenario: "appends", candidate: "none", count: COUNT, users: 1_000, path },
    });
    const openings = await bench.inRounds(
      Object.fromEntries(
        Object.entries(openingCounts(bench.quick)).map(([name, count]): [string, Job] => [
          name,
          { scenario: "opening", candidate: "none", count, fresh: true, path: join(bench.folder, `${name}.sqlite`) },
        ]),
      ),
      // Each of them has to be filled first, which takes long.
      1,
    );
    const grown = (name: keyof typeof OPENINGS): number =>
      median(openings[name] ?? [], (report) => figure(report, "grownMb"));
    const megabytes = (name: keyof typeof OPENINGS): number =>
      median(openings[name] ?? [], (report) => figure(report, "fileMb"));
    /** Adding alone, until all is stored. */
    const addCpu = (report: Report): number => figure(report, "addCpuMs") / figure(report, "count");
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
        {
          what: "end to end, of the queue",
          measured: 1 / medianRatio(reports.process, reports.none, cpuMicros),
          atLeast: 0.6,
          unit: "×",
        },
        {
          what: "CPU of a durable add, of `appendFileSync` by hand",
          measured: medianRatio(reports.process, reports.byHand, addCpu),
          atMost: 1.5,
          unit: "×",
        },
        {
          what: `memory of reading ${digits(megabytes("large"))} MB, of ${digits(megabytes("small"))} MB`,
          measured: grown("large") / grown("small"),
          atMost: 1.25,
          unit: "×",
        },
        { what: "events lost", measured: Math.max(...lost), atMost: 0, unit: "", exact: true },
      ],
      tables: [
        {
          title: "Stored, then delivered",
          columns: ["", "CPU: queue ÷ this", "end to end/s", "adds/s", "CPU s per 100,000"],
          rows: names.map((name) => [
            LABELS[name],
            times(1 / medianRatio(reports[name], reports.none, cpuMicros)),
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
        `By hand, \`appendFileSync\` of a line for each event takes ${digits(median(reports.byHand, (report) => addCpu(report) * 1_000))} µs of CPU, and an \`add\` until it is stored ${digits(median(reports.process, (report) => addCpu(report) * 1_000))}; the lines have no owner, are not removed when they are sent, and nobody reads them again.`,
        `Reading an outbox of ${digits(megabytes("small"))} MB takes ${digits(grown("small"))} MB of memory, one of ${digits(megabytes("large"))} MB takes ${digits(grown("large"))} MB.`,
        'The targets are for "process": an event survives the end of the process, however it comes; "power" waits for the disk as well.',
      ],
    };
  },
};
