import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withLintTables } from "../../scripts/docs/lint-tables.ts";
import { CONTRACT_RULES } from "../../src/validate/codes.ts";
import { ALL_LINTS } from "../../src/validate/lints/all-lints.ts";
import { checkBatch, LINTS, SCHEMA_CODES } from "../../src/validate/validate.ts";
import { LINT_ROWS } from "./lint-table.ts";

const text = readFileSync(new URL("../../docs/lints.md", import.meta.url), "utf8");

describe("docs/lints.md", () => {
  it("has the tables that the rules make", () => {
    expect(withLintTables(text)).toBe(text);
  });

  it("has a place for each table, and none for another", () => {
    expect(() => withLintTables(text.replace("<!-- lints:", "<!-- links:"))).toThrow('There is no table "links".');
    expect(() => withLintTables("# Nothing")).toThrow('no place for the table "rules of the contract", "lints"');
  });

  it("says of every code what it means and what to do", () => {
    const explained = [...Object.values(CONTRACT_RULES), ...ALL_LINTS];
    for (const { means, advice } of explained) {
      expect(means.length).toBeGreaterThan(10);
      expect(advice.length).toBeGreaterThan(5);
      expect(`${means}${advice}`).not.toMatch(/[|\n]/); // would break the table
    }
    expect(SCHEMA_CODES["wrong-type"]).toBe(CONTRACT_RULES["wrong-type"].means);
    expect(Object.keys(LINTS)).toEqual(ALL_LINTS.map(({ code }) => code));
  });

  it("has all lints that there are, because each is in the list", () => {
    const folder = new URL("../../src/validate/lints/", import.meta.url);
    const listed = readFileSync(new URL("all-lints.ts", folder), "utf8");
    const written = readdirSync(folder).flatMap((file) =>
      Array.from(
        readFileSync(new URL(file, folder), "utf8").matchAll(/^(?:export )?const (\w+) = (?:lint|objectLint)\(/gm),
        ([, name = ""]) => name,
      ),
    );
    expect(written.length).toBeGreaterThan(50);
    const missing = written.filter((name) => !new RegExp(`^  ${name},$`, "m").test(listed));
    expect(missing.map((name) => `src/validate/lints/all-lints.ts does not list ${name}`)).toEqual([]);
  });

  it("gives lints the severity and the profiles that they have", () => {
    // A code without a row is the business of another test.
    const withRows = ALL_LINTS.filter(({ code }) => LINT_ROWS.some((row) => row.code === code));
    expect(withRows.length).toBeGreaterThan(40);
    const tested = withRows.map(({ code }) => {
      const rows = LINT_ROWS.filter((row) => row.code === code);
      const everywhere = rows.some(({ profiles }) => profiles === undefined || profiles.includes("canonical"));
      return [code, rows[0]?.severity ?? "warning", everywhere ? "both" : "wire"];
    });
    expect(withRows.map(({ code, severity, profiles }) => [code, severity, profiles])).toEqual(tested);
  });

  it("shows what its first example finds", () => {
    const shown: unknown = JSON.parse(/^```json\n(.*?)^```/ms.exec(text)?.[1] ?? "");
    const batch = {
      environment: "development",
      user_identities: { user_id: "1234" },
      events: [{ event_type: "first_run", data: {} }],
    };
    expect(checkBatch(batch)).toEqual(shown);
  });
});
