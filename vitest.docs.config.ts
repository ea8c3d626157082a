import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

/** The site of the documentation: it is built whole, and looked at in a browser. Installs VitePress when it is missing. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { include: ["test/docs/*.docs.ts"], maxWorkers: 1, testTimeout: 600_000, hookTimeout: 600_000 },
});
