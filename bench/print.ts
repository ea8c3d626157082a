import { styleText } from "node:util";
import { digits, judge, type Check, type Table } from "./row.ts";

const COLOURS = { met: "green", "within noise": "yellow", missed: "red" } as const;

export function describeTarget({ atLeast, atMost, unit }: Check): string {
  if (atLeast !== undefined) return `≥ ${atLeast.toLocaleString("en")}${unit}`;
  return `≤ ${(atMost ?? 0).toLocaleString("en")}${unit}`;
}

export function describeMeasured({ measured, unit }: Check): string {
  return digits(measured) + unit;
}

export function printTables(tables: readonly Table[]): void {
  for (const { title, columns, rows } of tables) {
    console.log(`\n   ${title}`);
    const widths = columns.map((column, n) => Math.max(column.length, ...rows.map((row) => row[n]?.length ?? 0)));
    for (const row of [columns, ...rows]) {
      const cells = row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)));
      console.log(`   ${cells.join("  ")}`);
    }
  }
}

export function printChecks(checks: readonly Check[]): void {
  console.log("");
  for (const check of checks) {
    const verdict = judge(check);
    const text = `${check.what}: ${describeMeasured(check)}, target ${describeTarget(check)}`;
    console.log(`   ${styleText(COLOURS[verdict], verdict.padEnd(12))} ${text}`);
  }
}
