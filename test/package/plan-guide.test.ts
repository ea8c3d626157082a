import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planWarnings } from "mparticle-events/plan";
import { startFakeServer } from "mparticle-events/testing";
import { generatePlan } from "../../src/plan/generate-plan.ts";
import { makeOwnProject } from "./own-project.ts";
import { ROOT } from "./packed.ts";
import { QUICK, runTypescript, withoutForeign } from "../types/run-typescript.ts";

const guide = readFileSync(join(ROOT, "docs/guides/data-plans.md"), "utf8");

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "m").exec(guide)?.[1] ?? "";
}

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the plan of the guide, and the program for the code that is generated of it", () => {
  it("compile as the guide says, and run", async () => {
    const plan = JSON.parse(block("json")) as object;
    expect(planWarnings(plan)).toEqual([]);
    writeFileSync(join(folder, "plan.ts"), generatePlan(plan).text);
    writeFileSync(join(folder, "program.ts"), block("typescript"));
    const said = await runTypescript(QUICK, folder, "tsconfig", {
      compilerOptions: {
        ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", types: ["node"], lib: ["es2022"] },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUnusedLocals: true, skipLibCheck: true },
        ...{ rootDir: ".", outDir: "." },
      },
      files: ["program.ts"],
    });
    expect(withoutForeign(said)).toEqual([]);

    await using service = await startFakeServer({ plan });
    const { stderr } = await promisify(execFile)(
      process.execPath,
      ["--import", join(ROOT, "test/package/to-fake-service.mjs"), join(folder, "program.js")],
      {
        cwd: folder,
        env: {
          ...process.env,
          FAKE_SERVICE_PORT: String(service.port),
          MPARTICLE_API_KEY: "key",
          MPARTICLE_API_SECRET: "secret",
        },
      },
    );
    expect(stderr).toBe("");
    expect(service.accepted().map(({ context }) => context?.data_plan)).toEqual([
      { plan_id: "coffee_shop", plan_version: 2 },
    ]);
  });
});
