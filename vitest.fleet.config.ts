import { defineConfig } from "vitest/config";
import config, { PATIENT } from "./vitest.config.ts";

/** The tests that need Redis and PostgreSQL; each starts a server of its own. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { ...PATIENT, include: ["test/fleet/*.fleet.ts"], maxWorkers: 2 },
});
