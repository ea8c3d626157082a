import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { FULL } from "./test/full.ts";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

/** What is tested of the build, which is packed once for all of them. */
const OF_THE_PACKAGE = ["test/package/*.test.ts", "test/types/consumer.test.ts"];

/**
 * What is tested room by room, without anything of the process: these files share processes, and load the source once in
 * each. To start one for every file takes longer than most of their tests. A file that changes what others see, such as a
 * global, the listeners of the process or the ids that were sent, belongs among the others.
 */
const OF_ROOMS = [
  "test/*.test.ts",
  ...[
    "arrivals",
    "cli",
    "consent",
    "contract",
    "delivery",
    "fleet",
    "model",
    "plan",
    "rules",
    "scripts",
    "spec",
    "testing",
    "transport",
    "validate",
  ].map((room) => `test/${room}/**/*.test.ts`),
  ...["answers", "upload", "waits"].map((name) => `test/faults/${name}.test.ts`),
  ...["batch-lines", "outbox-faults", "outbox-log", "outbox-records", "spill-files", "sqlite-outbox"].map(
    (name) => `test/node/${name}.test.ts`,
  ),
  ...["by-types", "messages"].map((name) => `test/types/${name}.test.ts`),
];

/**
 * Asked for the exhaustive forms, the files that have none are left out: `npm test` has run all that is in them. Those that
 * have one import it from `test/full.ts`.
 */
const THE_SAME_IN_FULL = FULL
  ? readdirSync("test", { recursive: true, encoding: "utf8" })
      .map((path) => `test/${path.replaceAll("\\", "/")}`)
      .filter((path) => path.endsWith(".test.ts") && !/\bfrom "[./]+\/full\.ts"/.test(readFileSync(path, "utf8")))
  : [];

/** What needs Unix: signals that a process answers, a shell, pipes with a name, modes and links of files. */
const OF_UNIX =
  process.platform === "win32"
    ? [
        ...["backfill", "diff-and-completion", "hostile", "mock", "terminal"].map((name) => `test/cli/${name}.test.ts`),
        ...["drain-on-exit", "exit-matrix", "outbox-faults", "outbox-ownership", "spill-files"].map(
          (name) => `test/node/${name}.test.ts`,
        ),
      ]
    : [];

/** A limit only catches what hangs: no test is decided by how fast the machine is. */
export const PATIENT = {
  testTimeout: FULL ? 600_000 : 120_000,
  hookTimeout: FULL ? 600_000 : 120_000,
  // Below the limit of a test, so that it is the expectation that fails and says why.
  expect: { poll: { timeout: 100_000 } },
  setupFiles: "test/patience.ts",
};

export default defineConfig({
  resolve: {
    // As `paths` in tsconfig.json: tests run the source, not the build.
    alias: [
      { find: "#platform", replacement: source("transport/platform-node.ts") },
      { find: /^mparticle-events$/, replacement: source("index.ts") },
      {
        find: /^mparticle-events\/(validate|consent|plan|node|testing|bullmq|postgres|otel)$/,
        replacement: source("$1/$1.ts"),
      },
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "package",
          include: OF_THE_PACKAGE,
          exclude: THE_SAME_IN_FULL,
          globalSetup: "test/package/pack-once.ts",
        },
      },
      {
        extends: true,
        test: { name: "rooms", include: OF_ROOMS, exclude: [...THE_SAME_IN_FULL, ...OF_UNIX], isolate: false },
      },
      {
        extends: true,
        test: {
          name: "whole",
          include: ["test/**/*.test.ts"],
          exclude: [...OF_THE_PACKAGE, ...OF_ROOMS, ...THE_SAME_IN_FULL, ...OF_UNIX],
        },
      },
    ],
    ...PATIENT,
    // Many of them wait for processes and sockets: three at a time even where there are only two processors.
    maxWorkers: 3,
    coverage: { include: ["src/**"] },
  },
});
