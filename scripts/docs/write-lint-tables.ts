import { readFile, writeFile } from "node:fs/promises";
import { withLintTables } from "./lint-tables.ts";

const PAGE = new URL("../../docs/lints.md", import.meta.url);

/**
 * Writes the tables of `docs/lints.md`.
 *
 * @param check - to write nothing, and only say whether they are as they should be.
 * @returns the exit code: 1 when they are to be written and are only checked.
 */
export async function writeLintTables(check: boolean, output: Pick<Console, "log" | "error">): Promise<number> {
  const page = await readFile(PAGE, "utf8");
  const wanted = withLintTables(page);
  if (page === wanted) {
    output.log("docs/lints.md is up to date.");
    return 0;
  }
  if (check) {
    output.error("docs/lints.md has not the tables of the rules. Run `npm run generate` and commit what it writes.");
    return 1;
  }
  await writeFile(PAGE, wanted);
  output.log("Wrote the tables of docs/lints.md.");
  return 0;
}
