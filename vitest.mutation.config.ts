import type { Reporter, TestModule, Vitest } from "vitest/node";
import { defineConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/**
 * A test file that cannot be loaded has no test that fails, and Stryker would say that the change survived. As an error of the
 * run it counts for neither side.
 */
class LoadErrors implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) this.#vitest?.state.catchError(error, "Load error");
  }
}

/** What `npm run test:mutation` runs: the tests that it names, in one process, without the projects of the usual run. */
export default defineConfig({
  ...usual,
  test: {
    include: (process.env["MUTATION_TESTS"] ?? "test/**/*.test.ts").split(","),
    setupFiles: "test/patience.ts",
    reporters: [new LoadErrors()],
    // A changed place in the code may make a test wait for ever.
    testTimeout: 10_000,
    hookTimeout: 10_000,
  },
});
