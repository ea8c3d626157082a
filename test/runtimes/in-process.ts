/** The program as a process: `… in-process ORIGIN` prints its report. Ends by itself, or something was left open. */
import { play } from "./program.ts";
import type { Report } from "./scenarios.ts";

const { bun, deno, node } = process.versions;
const [, , origin = ""] = process.argv;
// CommonJS has no `await` at the top of a file.
void play(origin).then((facts) => {
  const report: Report = { version: bun ?? deno ?? node, facts };
  console.log(JSON.stringify(report));
});
