import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { runDemo } from "../../scripts/demo/command.ts";
import { onlyInFull } from "../full.ts";

describe("npm run demo, called wrongly", () => {
  it.each([["--foo"], ["extra"], ["--help=no"]])(
    "says in a sentence what is wrong with %s, and ends with 2",
    async (arg) => {
      let [stdout, stderr] = ["", ""];
      const output = {
        log: (text: string) => (stdout += `${text}\n`),
        error: (text: string) => (stderr += `${text}\n`),
      };
      expect(await runDemo([arg], {}, output)).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^[^\n]+\. Try --help\.\n$/);
    },
  );

  onlyInFull(() => {
    it("tells with --help what it is for, and ends by itself", async () => {
      const program = fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url));
      const args = ["--import", import.meta.resolve("tsx/esm"), program, "--help"];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
      expect(stderr).toBe("");
      expect(stdout).toContain("npm run demo");
    });
  });
});
