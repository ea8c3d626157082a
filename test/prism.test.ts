import { readdirSync } from "node:fs";
import { describe } from "vitest";

// Whatever talks to Prism is one file for the runner, and so one process: to load Prism, and to have it compile a contract
// for each endpoint, takes ten seconds of work, which every process that does it would repeat.
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".prism.ts"))
  .sort();

describe.each(files)("%s", async (path) => {
  // Vite would look for files of such names when it transforms this one.
  await import(/* @vite-ignore */ `./${path}`);
});
