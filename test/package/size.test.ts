import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./packed.ts";

/** What `size-limit` says of one budget of `.size-limit.js`. */
interface Weighed {
  readonly name: string;
  readonly passed: boolean;
  readonly size: number;
  readonly sizeLimit: number;
}

/** Exit code 1 says that a budget is exceeded; the output says which. */
function weigh(): Promise<readonly Weighed[]> {
  return new Promise((resolve, reject) => {
    const program = join(ROOT, "node_modules/size-limit/bin.js");
    execFile(process.execPath, [program, "--json"], { cwd: ROOT }, (_error, stdout, stderr) => {
      if (!stdout.trimStart().startsWith("[")) reject(new Error(`${stdout}${stderr}`));
      else resolve(JSON.parse(stdout) as readonly Weighed[]);
    });
  });
}

describe("an entry", () => {
  it("weighs no more than its budget in .size-limit.js, and each has one", async () => {
    const weighed = await weigh();
    const heavy = weighed.filter(({ passed }) => !passed);
    expect(heavy).toEqual([]);
    // A budget that is far above what there is holds nothing.
    expect(weighed.filter(({ size, sizeLimit }) => size < sizeLimit / 2)).toEqual([]);
    const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      readonly exports: Readonly<Record<string, unknown>>;
    };
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
    const names = weighed.map(({ name }) => name);
    expect(entries.map((entry) => `mparticle-events${entry.slice(1)}`).filter((name) => !names.includes(name))).toEqual(
      [],
    );
  });
});
