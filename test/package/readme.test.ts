import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as everything from "mparticle-events";
import * as commerce from "../../src/model/commerce.ts";
import * as events from "../../src/model/events.ts";
import { startFakeServer } from "mparticle-events/testing";
import { full } from "../full.ts";
import { QUICK, runTypescript, withoutForeign } from "../types/run-typescript.ts";
import { makeOwnProject } from "./own-project.ts";
import { ROOT } from "./packed.ts";

/** The guides, each with programs of its own. */
const guides = readdirSync(join(ROOT, "docs/guides"))
  .filter((name) => name !== "fleet.md") // needs a store: its tests are in test/fleet
  .map((name) => `docs/guides/${name}`);

/** The programs of a page: a block that makes no client of its own goes on where the first ended, as a reader takes it. */
function programsOf(path: string) {
  const blocks = blocksOf(path);
  return blocks.map((block, index) => ({
    name: `${basename(path, ".md").toLowerCase()}-${String(index + 1)}.ts`,
    code: index === 0 ? block : `${blocks[0] ?? ""}\n${block}`,
  }));
}

function blocksOf(path: string): readonly string[] {
  return Array.from(readFileSync(join(ROOT, path), "utf8").matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code);
}

const programs = ["README.md", "docs/events.md", ...guides].flatMap(programsOf);

/** All of them compile each time; these run each time as well: what most people paste. */
const usual = programs.filter(({ name }) => /^(readme|lambda)-/.test(name));

/** The programs of each process: those that run each time share one, as each of them is over when its module is. */
const alone = full(
  [usual],
  programs.map((program) => [program]),
);

/** Runs programs one after the other, each with the port of its service. */
const IN_TURN = `
for (const [program, port] of JSON.parse(process.argv[1])) {
  process.env.FAKE_SERVICE_PORT = port;
  await import(program);
}`;

/** Those of the documentation stand by themselves. */
const documented = ["docs/testing.md", "docs/guides/fleet.md"].flatMap((path) =>
  blocksOf(path).map((code, index) => ({ name: `${basename(path, ".md")}-${String(index + 1)}.ts`, code })),
);

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
  for (const { name, code } of [...programs, ...documented]) writeFileSync(join(folder, name), code);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the README", () => {
  const lines = readFileSync(join(ROOT, "README.md"), "utf8").trimEnd().split("\n");

  it("stays at 150 lines, none of them wider than a screen", () => {
    expect(lines.length).toBeLessThanOrEqual(150);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });
});

describe("docs/events.md", () => {
  it("names every factory in its table, and none that there is not", () => {
    const rows = readFileSync(join(ROOT, "docs/events.md"), "utf8").matchAll(/^\|.*$/gm);
    const named = Array.from(rows, ([row]) => Array.from(row.matchAll(/`(\w+)\(/g), ([, name = ""]) => name)).flat();
    const factories = Object.keys({ ...events, ...commerce }).filter((name) => name in everything);
    expect(named.toSorted()).toEqual(factories.toSorted());
  });
});

describe("a code block of the README or of a guide, pasted into a project that has the package", () => {
  it("compiles under the strictest settings", async () => {
    // The package's own declarations are checked with a program of test/types/consumer.test.ts as well.
    const skipLibCheck = full(true, false);
    const said = await runTypescript(full(QUICK, "typescript"), folder, "tsconfig", {
      compilerOptions: {
        ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", types: ["node"] },
        ...{ lib: ["es2023", "esnext.disposable"], strict: true, exactOptionalPropertyTypes: true },
        ...{ noUncheckedIndexedAccess: true, skipLibCheck, rootDir: ".", outDir: "." },
      },
      files: [...programs, ...documented].map(({ name }) => name),
    });
    expect(withoutForeign(said)).toEqual([]);
  });

  it.each(alone.map((some) => ({ some, names: some.map(({ name }) => name).join(", ") })))(
    "runs: $names",
    async ({ some }) => {
      const runs = await Promise.all(some.map(async ({ name }) => ({ name, service: await startFakeServer() })));
      try {
        const { stderr } = await promisify(execFile)(
          process.execPath,
          [
            "--disable-warning=ExperimentalWarning",
            ...["--import", join(ROOT, "test/package/to-fake-service.mjs")],
            ...["--input-type=module", "--eval", IN_TURN],
            JSON.stringify(
              runs.map(({ name, service }) => [join(folder, name.replace(/ts$/, "js")), String(service.port)]),
            ),
          ],
          {
            cwd: folder,
            timeout: 100_000,
            env: { ...process.env, MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret" },
          },
        );
        expect(stderr).toBe("");
        for (const { name, service } of runs) {
          expect([name, service.accepted().length]).toEqual([name, expect.toSatisfy((count) => count >= 1)]);
        }
      } finally {
        await Promise.all(runs.map(({ service }) => service.close()));
      }
    },
  );
});
