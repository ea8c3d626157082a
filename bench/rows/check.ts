import { figure, median, type Report } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const KINDS = { custom: "5 custom events", mixed: "5 events of 5 kinds" } as const;

function without(report: Report): number {
  return figure(report, "checkMicros") / figure(report, "stringifyMicros");
}

function withLints(report: Report): number {
  return figure(report, "lintMicros") / figure(report, "stringifyMicros");
}

export const check: Row = {
  number: 9,
  name: "check",
  title: "Checking",
  how: "`checkBatch` of flawless batches, beside `JSON.stringify` of the same ones, in turns in one process.",
  async run(bench) {
    const reports = await bench.inRounds({
      custom: { scenario: "check", candidate: "custom" },
      mixed: { scenario: "check", candidate: "mixed" },
    });
    const kinds = ["custom", "mixed"] as const;
    return {
      checks: kinds.flatMap((kind) => [
        { what: `without lints, ${KINDS[kind]}`, measured: median(reports[kind], without), atMost: 0.4, unit: "×" },
        { what: `with lints, ${KINDS[kind]}`, measured: median(reports[kind], withLints), atMost: 1.2, unit: "×" },
      ]),
      tables: [
        {
          title: "Times `JSON.stringify`",
          columns: ["", "without lints", "with lints", "stringify µs", "without lints µs", "with lints µs"],
          rows: kinds.map((kind) => [
            KINDS[kind],
            times(median(reports[kind], without)),
            times(median(reports[kind], withLints)),
            digits(median(reports[kind], (report) => figure(report, "stringifyMicros"))),
            digits(median(reports[kind], (report) => figure(report, "checkMicros"))),
            digits(median(reports[kind], (report) => figure(report, "lintMicros"))),
          ]),
        },
      ],
    };
  },
};
