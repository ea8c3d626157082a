import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { FULL } from "./test/full.ts";

// Of every process that the tests start, the workers and the build among them. Node reads the certificates at its start, as
// long as it needs for the rest of it, and no test speaks to anybody outside; compilers and bundlers written in Go live too
// short to collect their garbage before there is much of it.
delete process.env["NODE_EXTRA_CA_CERTS"];
process.env["GOGC"] ??= "off";
process.env["GOMEMLIMIT"] ??= "1GiB";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

/** What is tested of the build, which is made and packed once for all of them, while the others run. */
const OF_THE_PACKAGE = ["test/package/*.test.ts", "test/types/consumer.test.ts"];

/**
 * What has to come before others of its process have made requests: among the tests of the package, whose requests are those
 * of other processes. All others share processes, and load the source once in each: to start one for every file takes longer
 * than most of their tests.
 */
const BEFORE_REQUESTS = ["test/otel/http-instrumentation.test.ts"];

/**
 * Asked for the exhaustive forms, the files that have none are left out: `npm test` has run all that is in them. Those that
 * have one import it from `test/full.ts`, or have their files on the disk then, or try properties, which are tried more often.
 */
const THE_SAME_IN_FULL = FULL
  ? readdirSync("test", { recursive: true, encoding: "utf8" })
      .map((path) => `test/${path.replaceAll("\\", "/")}`)
      .filter(
        (path) =>
          path.endsWith(".test.ts") &&
          !/\bfrom "(?:[./]+\/(?:full|temporary-folder)\.ts|fast-check)"/.test(readFileSync(path, "utf8")),
      )
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

/** What takes longest where nothing is known of an earlier run: begun last, such a file would be what all others wait for. */
const LONGEST = [
  "test/prism.test.ts",
  "test/scripts/compile-spec.test.ts",
  "test/cli/backfill.test.ts",
  "test/faults/chaos.test.ts",
  "test/faults/upload.test.ts",
  "test/node/exit-matrix.test.ts",
  "test/node/outbox-crash.test.ts",
  "test/node/sqlite-outbox.test.ts",
  "test/cli/terminal.test.ts",
];

/**
 * One project after the other, as its worker processes are of use for its own files alone: first the one that waits for no
 * build.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))].sort(
      (one, other) => Number(one.name === "package") - Number(other.name === "package"),
    );
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((path) => moduleId.endsWith(path));
    return projects.flatMap((project) => {
      const ofProject = sorted.filter((file) => file.project === project);
      return [...ofProject.filter(isLong), ...ofProject.filter((file) => !isLong(file))];
    });
  }
}

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
      { find: /^typescript$/, replacement: fileURLToPath(new URL("./test/typescript.ts", import.meta.url)) },
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
          include: [...OF_THE_PACKAGE, ...BEFORE_REQUESTS],
          exclude: THE_SAME_IN_FULL,
          globalSetup: "test/package/build-once.ts",
          setupFiles: ["test/package/wait-for-build.ts"],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "rooms",
          include: ["test/**/*.test.ts"],
          exclude: [...OF_THE_PACKAGE, ...BEFORE_REQUESTS, ...THE_SAME_IN_FULL, ...OF_UNIX],
          isolate: false,
        },
      },
    ],
    ...PATIENT,
    // Many of them wait for processes and sockets: three at a time even where there are only two processors.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    coverage: { include: ["src/**"] },
  },
});
