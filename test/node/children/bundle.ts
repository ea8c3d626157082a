import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";

/**
 * Makes one file of a program in this folder and the source it imports: processes that are started by the dozen must
 * not compile all of it each time.
 *
 * @param name - of the program's file, without its ending.
 * @param format - an ES module or CommonJS.
 * @returns the path of the file, which is gone after the tests.
 */
export async function bundleChild(name: string, format: "esm" | "cjs" = "esm"): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-child-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const outfile = join(folder, `${name}.${format === "esm" ? "mjs" : "cjs"}`);
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format,
    target: "node20",
    alias: { "#platform": fileURLToPath(new URL("../../../src/transport/platform-node.ts", import.meta.url)) },
    // What the build does for CommonJS as well.
    ...(format === "cjs" && {
      define: { "import.meta.url": "moduleUrl" },
      banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    }),
    tsconfig: fileURLToPath(new URL("../../../tsconfig.json", import.meta.url)),
    logLevel: "error",
  });
  return outfile;
}
