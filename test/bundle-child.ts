import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";

/**
 * Makes one file of a program and the source it imports: a process of a test must not compile all of it each time.
 *
 * @param program - its file.
 * @param format - an ES module or CommonJS.
 * @returns the path of the file, which is gone after the tests.
 */
export async function bundleChild(program: URL, format: "esm" | "cjs" = "esm"): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-child-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const outfile = join(folder, `child.${format === "esm" ? "mjs" : "cjs"}`);
  await build({
    entryPoints: [fileURLToPath(program)],
    outfile,
    bundle: true,
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
  return outfile;
}
