import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkBatch, LINTS, SCHEMA_CODES } from "../../src/validate/validate.ts";
import { LINT_ROWS } from "./lint-table.ts";

const text = readFileSync(new URL("../../docs/lints.md", import.meta.url), "utf8");

/** The rows of the table under a heading: its cells, without the backticks around the code. */
function tableUnder(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("| `"));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")),
  );
}

const contract = tableUnder("What the contract refuses");
const lints = tableUnder("Lints");

describe("docs/lints.md", () => {
  it("lists every code of the contract once, in their order, and no other", () => {
    expect(contract.map(([code]) => code)).toEqual(Object.keys(SCHEMA_CODES));
  });

  it("lists every lint once, in their order, and no other", () => {
    expect(lints.map(([code]) => code)).toEqual(Object.keys(LINTS));
  });

  it("says of every code what it means and what to do", () => {
    for (const cells of [...contract, ...lints]) expect(cells.filter((cell) => cell.length < 4)).toEqual([]);
  });

  it("calls what the contract refuses an error", () => {
    expect(new Set(contract.map(([, severity]) => severity))).toEqual(new Set(["error"]));
  });

  it("gives lints the severity and the profiles that they have", () => {
    const told = lints.map(([code, severity, profiles]) => [code, severity, profiles]);
    const tested = Object.keys(LINTS).map((code) => {
      const rows = LINT_ROWS.filter((row) => row.code === code);
      const everywhere = rows.some(({ profiles }) => profiles === undefined || profiles.includes("canonical"));
      return [code, rows[0]?.severity ?? "warning", everywhere ? "both" : "wire"];
    });
    expect(told).toEqual(tested);
  });

  it("shows what its first example finds", () => {
    const shown: unknown = JSON.parse(/^```json\n(.*?)^```/ms.exec(text)?.[1] ?? "");
    const batch = {
      environment: "development",
      user_identities: { user_id: "1234" },
      events: [{ event_type: "session_start", data: {} }],
    };
    expect(checkBatch(batch)).toEqual(shown);
  });
});
