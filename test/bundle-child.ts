import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type OutputFile } from "esbuild";
import { afterAll } from "vitest";

type Format = "esm" | "cjs";

const EXTENSIONS = { esm: ".mjs", cjs: ".cjs" } as const;

/** What was bundled: the files of tests that share a process share it. */
const bundles = new Map<string, Promise<readonly OutputFile[]>>();

/** Bundles programs of one folder, what several of them import once. */
async function bundle(programs: readonly string[], format: Format): Promise<readonly OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: [...programs],
    outdir: tmpdir(),
    write: false,
    outExtension: { ".js": EXTENSIONS[format] },
    bundle: true,
    splitting: format === "esm",
    platform: "node",
    format,
    target: "node20",
    alias: { "#platform": fileURLToPath(new URL("../src/transport/platform-node.ts", import.meta.url)) },
    // What the build does for CommonJS as well.
    ...(format === "cjs" && {
      define: { "import.meta.url": "moduleUrl" },
      banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    }),
    tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)),
    logLevel: "error",
  });
  return outputFiles;
}

/**
 * Makes one file of a program and the source it imports: a process of a test must not compile all of it each time. All
 * modules of its folder are bundled with it, because a bundle of all of them costs as much as one of one. To be called
 * outside of tests and hooks, where the end of the file of tests cannot be waited for.
 *
 * @param program - its file.
 * @param format - an ES module, or CommonJS, which has a bundle of its own.
 * @returns the path of the file, which is gone after the tests.
 */
export async function bundleChild(program: URL, format: Format = "esm"): Promise<string> {
  const path = fileURLToPath(program);
  const all = dirname(path);
  const source = format === "cjs" ? path : all;
  const programs = format === "cjs" ? [path] : readdirSync(all).map((name) => join(all, name));
  const made = bundles.get(source) ?? bundle(programs, format);
  bundles.set(source, made);
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-child-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  for (const { path: file, contents } of await made) writeFileSync(join(folder, basename(file)), contents);
  return join(folder, basename(path, ".ts") + EXTENSIONS[format]);
}
