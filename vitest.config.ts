import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

/** What is tested of the build, which is packed once for all of them. */
const OF_THE_PACKAGE = ["test/package/*.test.ts", "test/types/consumer.test.ts"];

/**
 * What is tested room by room, without anything of the process: these files share processes, and load the source once in
 * each. To start one for every file takes longer than most of their tests. A file that changes what others see, such as a
 * global, the listeners of the process or the ids that were sent, belongs into another folder.
 */
const OF_ROOMS = [
  "cli",
  "consent",
  "delivery",
  "model",
  "plan",
  "rules",
  "spec",
  "testing",
  "transport",
  "validate",
].map((room) => `test/${room}/**/*.test.ts`);

/** A limit only catches what hangs: no test is decided by how fast the machine is. */
export const PATIENT = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
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
      { extends: true, test: { name: "package", include: OF_THE_PACKAGE, globalSetup: "test/package/pack-once.ts" } },
      { extends: true, test: { name: "rooms", include: OF_ROOMS, isolate: false } },
      {
        extends: true,
        test: { name: "whole", include: ["test/**/*.test.ts"], exclude: [...OF_THE_PACKAGE, ...OF_ROOMS] },
      },
    ],
    ...PATIENT,
    // Many of them wait for processes and sockets: three at a time even where there are only two processors.
    maxWorkers: 3,
    coverage: { include: ["src/**"] },
  },
});
