import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

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
    include: ["test/**/*.test.ts"],
    // A limit only catches what hangs: no test is decided by how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Many of them wait for processes and sockets: three at a time even where there are only two processors.
    maxWorkers: 3,
    coverage: { include: ["src/**"] },
  },
});
