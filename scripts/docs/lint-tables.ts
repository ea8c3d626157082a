import { CONTRACT_RULES } from "../../src/validate/codes.ts";
import { ALL_LINTS } from "../../src/validate/lints/all-lints.ts";

/** The tables of `docs/lints.md`, by the comment that begins each. */
const LINT_TABLES: ReadonlyMap<string, string> = new Map([
  [
    "rules of the contract",
    table(
      ["Code", "Severity", "What it means", "What to do"],
      Object.entries(CONTRACT_RULES).map(([code, { means, advice }]) => [`\`${code}\``, "error", means, advice]),
    ),
  ],
  [
    "lints",
    table(
      ["Code", "Severity", "Profiles", "What it means", "What to do"],
      ALL_LINTS.map(({ code, severity, profiles, means, advice }) => [
        `\`${code}\``,
        severity,
        profiles,
        means,
        advice,
      ]),
    ),
  ],
]);

const BEGIN = /^<!-- (.+): written by `npm run generate` from the rules themselves -->$/;
const END = "<!-- end -->";

/**
 * A page with its tables as they should be.
 *
 * @param page - Markdown; each table stands between a comment that names it and an end.
 * @throws TypeError - for a name that there is no table for, and a table that is nowhere in the page.
 */
export function withLintTables(page: string): string {
  const lines: string[] = [];
  const left = new Set(LINT_TABLES.keys());
  let isWithin = false;
  for (const line of page.split("\n")) {
    if (line === END) isWithin = false;
    if (!isWithin) lines.push(line);
    const name = BEGIN.exec(line)?.[1];
    if (name === undefined) continue;
    const text = LINT_TABLES.get(name);
    if (text === undefined) throw new TypeError(`There is no table "${name}".`);
    left.delete(name);
    lines.push("", ...text.split("\n"), "");
    isWithin = true;
  }
  if (left.size > 0) throw new TypeError(`The page has no place for the table "${[...left].join('", "')}".`);
  return lines.join("\n");
}

/** Laid out as prettier lays it out: columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => Array.from(row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Array.from(cell).length)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
