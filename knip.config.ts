import type { KnipConfig } from "knip";

/**
 * Knip finds what nobody uses: files, exports and packages. An entry below is used although nobody imports it, because it is
 * started or copied by its path.
 */
const config: KnipConfig = {
  workspaces: {
    ".": {
      entry: [
        "test/**/children/*.{ts,mjs}",
        "test/**/*.prism.ts",
        "test/typescript.ts",
        "test/package/to-fake-service.mjs",
        // Compiled by tests, for what TypeScript admits and refuses.
        "test/types/{admitted,refused}-by-types.ts",
        // Copied as they are: beside the generated validators, and to the browser.
        "scripts/spec/checks.js",
        "src/arrivals/page/page.js",
        // Each is a program of its own, with what a user's project has.
        "examples/*/*.ts",
        "vitest.mutation.config.ts",
      ],
      project: ["{src,scripts,test,examples}/**/*.{ts,js,mjs}"],
      ignoreDependencies: [
        // Started by its path, on the packed package.
        "@arethetypeswrong/cli",
        // Looked for at run time, in the project that has it.
        "@stoplight/prism-cli",
        "@stoplight/prism-core",
        "@stoplight/prism-http",
        "libsql",
        // Found in node_modules by its name: one of the compilers that users have.
        "typescript-5.0",
        // Stryker loads it for its option `testRunner`.
        "@stryker-mutator/vitest-runner",
      ],
      // Commands of the system.
      ignoreBinaries: ["redis-cli", "unshare", "mount", "umount", "mkfifo", "script"],
    },
    bench: {
      entry: ["plan-check.ts", "child.mjs", "{candidates,ends,scenarios,starts}/*.mjs", "fleet/{fill,work}.mjs"],
      project: ["**/*.{ts,mjs}"],
      // The folder `floor`, put where packages are found.
      ignoreDependencies: ["node-http-floor"],
    },
    "test/bundlers": { project: ["**/*.ts"] },
    "test/runtimes": {
      entry: ["{in-*,just-end,outbox,program}.ts", "{edge,worker}.mjs"],
      project: ["**/*.{ts,mjs}"],
      // Started as commands, from their folder.
      ignoreDependencies: ["bun", "deno"],
    },
  },
};

export default config;
