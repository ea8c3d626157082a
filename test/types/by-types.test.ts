import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { full } from "../full.ts";
import { QUICK, runTypescript, type Configuration } from "./run-typescript.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ADMITTED = "test/types/admitted-by-types.ts";
const REFUSED = "test/types/refused-by-types.ts";

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

it.each(COMPILERS)(
  "%s takes what is admitted by types, and reports each mistake of what is refused",
  async (compiler) => {
    const text = readFileSync(join(ROOT, REFUSED), "utf8");
    const mistakes = text.match(/^ *\/\/ @ts-expect-error/gm)?.length ?? 0;
    expect(mistakes).toBeGreaterThan(20);
    // Without what expects the mistakes: the compiler is asked for real.
    const bare = join(folder, "refused.ts");
    writeFileSync(bare, text.replace(/^( *\/\/) @ts-expect-error/gm, "$1"));
    const said = await compile(compiler, "both", { include: [], files: [...inRepository([ADMITTED, REFUSED]), bare] });
    const [ofBare, others] = [[], []] as [string[], string[]];
    for (const line of said.split("\n").filter((line) => line.includes("error TS")))
      (line.startsWith("refused.ts") ? ofBare : others).push(line);
    expect(others).toEqual([]);
    expect(ofBare.length).toBeGreaterThanOrEqual(mistakes);
  },
);

it.each(full([], ["typescript"]))(
  "%s, which the declarations are built with, takes the whole repository",
  async (compiler) => {
    expect(await compile(compiler, "all", {})).toBe("");
  },
);
