import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { full } from "../full.ts";
import { QUICK, runTypescript, type Configuration } from "./run-typescript.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILES = ["test/types/admitted-by-types.ts", "test/types/refused-by-types.ts"];

const COMPILERS = full([QUICK], [QUICK, "typescript"]);

// In this repository, because its packages have to be found.
const folder = mkdtempSync(join(ROOT, "node_modules/.by-types-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a compiler says about files of this repository, under its own settings. */
async function compile(compiler: string, name: string, files: Configuration): Promise<string> {
  return (await runTypescript(compiler, folder, name, { extends: join(ROOT, "tsconfig.json"), ...files })).join("\n");
}

/** Absolute paths, because the configuration lies elsewhere. */
function inRepository(paths: readonly string[]): readonly string[] {
  return paths.map((path) => join(ROOT, path));
}

describe.each(COMPILERS)("%s", (compiler) => {
  it("takes what is admitted by types, and refuses what is refused by them", async () => {
    expect(await compile(compiler, "both", { include: [], files: inRepository(FILES) })).toBe("");
  });

  it("reports each mistake of refused-by-types.ts: the compiler is asked for real", async () => {
    const text = readFileSync(join(ROOT, FILES[1]!), "utf8");
    const mistakes = text.match(/^ *\/\/ @ts-expect-error/gm)?.length ?? 0;
    expect(mistakes).toBeGreaterThan(20);
    const file = join(folder, "refused.ts");
    writeFileSync(file, text.replace(/^( *\/\/) @ts-expect-error/gm, "$1"));
    const said = await compile(compiler, "refused", { include: [], files: [file] });
    expect(said.match(/error TS/g)?.length).toBeGreaterThanOrEqual(mistakes);
  });
});

it.each(full([], ["typescript"]))(
  "%s, which the declarations are built with, takes the whole repository",
  async (compiler) => {
    expect(await compile(compiler, "all", {})).toBe("");
  },
);
