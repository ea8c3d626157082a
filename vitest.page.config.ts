import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

/** The page of the mock in a real browser: Chromium has to be installed. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { include: ["test/page/*.page.ts"], maxWorkers: 1, testTimeout: 120_000, hookTimeout: 120_000 },
});
