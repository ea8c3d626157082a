import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

/** The tests that need Redis and PostgreSQL; each starts a server of its own. */
export default defineConfig({
  ...config,
  test: { ...config.test, include: ["test/fleet/*.fleet.ts"], maxWorkers: 1 },
});
