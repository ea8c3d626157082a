import { defineConfig } from "vitest/config";
import config, { PATIENT } from "./vitest.config.ts";

/** The page of the mock in a real browser: Chromium has to be installed. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { ...PATIENT, include: ["test/page/*.page.ts"], maxWorkers: 1 },
});
