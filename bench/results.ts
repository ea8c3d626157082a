/** Keeps what was measured: figures in `results/latest.json`, plots beside it, tables in the README. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { BENCH } from "./packages.ts";
import { drawBars } from "./plot.ts";
import { describeMeasured, describeTarget } from "./print.ts";
import { judge, type RowResult, type Table } from "./row.ts";

export interface Measured extends RowResult {
  readonly number: number;
  readonly name: string;
  readonly title: string;
  readonly how: string;
  readonly rounds: number;
}

interface Results {
  readonly machine: readonly string[];
  readonly measuredAt: string;
  readonly rows: readonly Measured[];
}

const FOLDER = join(BENCH, "results");
const LATEST = join(FOLDER, "latest.json");
const README = join(BENCH, "README.md");
const BEGIN = "<!-- results: written by `npm run bench` -->";
const END = "<!-- end of results -->";

/** Rows that were not measured now keep what they had, if that was on the same machine with the same versions. */
export async function writeResults(machine: readonly string[], measured: readonly Measured[]): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const kept = readLatest(machine).filter(({ number }) => !measured.some((row) => row.number === number));
  const rows = [...kept, ...measured].sort((a, b) => a.number - b.number);
  const results: Results = { machine, measuredAt: new Date().toISOString(), rows };
  writeFileSync(LATEST, `${JSON.stringify(results, undefined, 2)}\n`);
  for (const plot of rows.flatMap((row) => row.plots ?? [])) {
    writeFileSync(join(FOLDER, `${plot.name}.svg`), drawBars(plot));
  }
  const readme = readFileSync(README, "utf8");
  const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${README} has no place for the results.`);
  const text = `${readme.slice(0, before + BEGIN.length)}\n\n${describe(results)}\n\n${readme.slice(after)}`;
  writeFileSync(README, await format(text, { parser: "markdown", printWidth: 120 }));
}

function readLatest(machine: readonly string[]): readonly Measured[] {
  if (!existsSync(LATEST)) return [];
  // Written above.
  const latest = JSON.parse(readFileSync(LATEST, "utf8")) as Results;
  return latest.machine.join() === machine.join() ? latest.rows : [];
}

function describe({ machine, measuredAt, rows }: Results): string {
  const lines = machine.map((line) => `- ${line}`);
  return [
    "### What you would pick instead",
    choices(rows),
    "### How it was measured",
    `On ${measuredAt.slice(0, 10)}:`,
    lines.join("\n"),
    summary(rows),
    ...rows.map(describeRow),
  ].join("\n\n");
}

function choices(rows: readonly Measured[]): string {
  const lines = rows.flatMap(({ choices = [] }) =>
    choices.map(({ work, instead, ours }) => `| ${work} | ${instead} | ${ours} |`),
  );
  return ["| to | instead of | this library |", "| --- | --- | --- |", ...lines].join("\n");
}

function summary(rows: readonly Measured[]): string {
  return toMarkdown({
    title: "",
    columns: ["", "met", "within noise", "missed"],
    rows: rows.map(({ number, title, checks }) => {
      const count = (verdict: string): string => String(checks.filter((check) => judge(check) === verdict).length);
      return [`${String(number)}. ${title}`, count("met"), count("within noise"), count("missed")];
    }),
  });
}

function describeRow({ number, name, title, how, rounds, checks, tables, plots = [], notes = [] }: Measured): string {
  const targets = toMarkdown({
    title: "",
    columns: ["target", "", "measured", ""],
    rows: checks.map((check) => {
      const verdict = judge(check);
      return [
        check.what,
        describeTarget(check),
        describeMeasured(check),
        verdict === "missed" ? "**missed**" : verdict,
      ];
    }),
  });
  return [
    `### ${String(number)}. ${title}`,
    `${how} ${String(rounds)} rounds; \`npm run bench -- ${name}\`.`,
    ...(checks.length > 0 ? [targets] : []),
    ...tables.map((table) => `${table.title}:\n\n${toMarkdown(table)}`),
    ...notes,
    ...plots.map((plot) => `![${plot.title}](results/${plot.name}.svg)`),
  ].join("\n\n");
}

function toMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = columns.map((_, n) => (n === 0 ? "---" : "---:"));
  return [columns, rule, ...rows].map(line).join("\n");
}
