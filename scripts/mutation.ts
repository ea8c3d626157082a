/**
 * Says how strong the tests of a file or folder are: `npm run test:mutation -- PATH [TESTS…]`. Stryker changes the code in one
 * place at a time, and runs the tests that reach that place. A change that no test sees is printed: it *survived*.
 *
 * PATH is a file or folder in `src`. TESTS are files or folders in `test`; without any, the tests of the same room run.
 * Measure a file with its own tests: they say where it fails, and each of its mutants costs a second.
 */
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The tests of a room lie in the folder of its name: those of `src/delivery/queue/sender.ts` in `test/delivery`. */
function testsOf(path: string): string {
  const room = `test/${path.split("/")[1] ?? ""}`;
  return existsSync(room) ? room : "test";
}

const asFiles = (path: string, files: string): string =>
  statSync(path).isDirectory() ? `${path.replace(/\/$/, "")}/**/${files}` : path;

process.chdir(ROOT);
const [path, ...tests] = process.argv.slice(2);
if (path === undefined || !/^src\/./.test(path) || !existsSync(path)) {
  console.error("Usage: npm run test:mutation -- PATH [TESTS…], where PATH is a file or folder in src");
  process.exit(2);
}
// Read by vitest.mutation.config.ts.
process.env["MUTATION_TESTS"] = (tests.length > 0 ? tests : [testsOf(path)])
  .map((one) => asFiles(one, "*.test.ts"))
  .join(",");

const results = await new Stryker({
  mutate: [asFiles(path, "*.ts")],
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  // The words of messages are free to change; where a literal has a meaning, it is one of a union that the compiler holds.
  mutator: { excludedMutations: ["StringLiteral"] },
  concurrency: 1,
  timeoutMS: 10_000,
  tempDirName: ".stryker-tmp",
  ignorePatterns: [".stryker-tmp", "bench", "coverage", "dist", "docs", "reports"],
  reporters: ["clear-text"],
  clearTextReporter: { logTests: false, reportTests: false, allowEmojis: false, allowColor: process.stdout.isTTY },
  allowConsoleColors: process.stdout.isTTY,
}).runMutationTest();
if (results.length === 0) process.exitCode = 1;
