import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

/** The tests that need Redis and PostgreSQL; each starts a server of its own. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { include: ["test/fleet/*.fleet.ts"], testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 1 },
});
