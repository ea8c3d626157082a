/** Compiles the API description into everything under generated/, and the tables of docs/: `npm run generate -- --help`. */
import { runCompiler } from "./spec/command.ts";

const args = process.argv.slice(2);
process.exitCode = await runCompiler(args, console);

// Of another description, or into another place, nothing is written into the documentation of this one.
const isOurs = args.every((arg) => arg === "--check");
if (isOurs && process.exitCode === 0) {
  // Only now: what it reads from the rules is made of what was just written.
  const { writeLintTables } = await import("./docs/write-lint-tables.ts");
  process.exitCode = await writeLintTables(args.includes("--check"), console);
}
