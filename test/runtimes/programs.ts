/** Compiles the programs into a project that has the library installed as npm would. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions } from "esbuild";

/** As tsconfig.json would lead to the source; what is tested is what is published. */
const FROM_PACKAGES: BuildOptions = { packages: "external", tsconfigRaw: {}, target: "es2022", bundle: true };

/** A file of this folder as one file of the project, which finds the library as any program there would. */
export async function compile(name: string, format: "esm" | "cjs", project: string): Promise<string> {
  const outfile = join(project, `${name}.${format === "esm" ? "mjs" : "cjs"}`);
  const entry = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  await build({ ...FROM_PACKAGES, entryPoints: [entry], format, outfile });
  return outfile;
}

/** A worker in one file, with the library in it as wrangler bundles it. */
export function bundleWorker(name: string, project: string, origin: string): Promise<string> {
  return bundleWhole(name, project, origin, { format: "esm", conditions: ["workerd", "worker", "browser"] });
}

/** A script for the edge runtime, which knows no modules, with the library in it as Next.js bundles it. */
export function bundleEdge(name: string, project: string, origin: string): Promise<string> {
  return bundleWhole(name, project, origin, { format: "iife", globalName: "program", conditions: ["edge-light"] });
}

async function bundleWhole(name: string, project: string, origin: string, options: BuildOptions): Promise<string> {
  const outfile = join(project, `${name}.whole.js`);
  await build({
    tsconfigRaw: {},
    target: "es2022",
    bundle: true,
    entryPoints: [await compile(name, "esm", project)],
    define: { ORIGIN: JSON.stringify(origin) },
    outfile,
    ...options,
  });
  return outfile;
}
