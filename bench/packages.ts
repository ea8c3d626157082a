/** Puts everything that is measured into `bench/node_modules`: the peers from their lock, the library as `npm pack` makes it. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
export const BENCH = fileURLToPath(new URL("./", import.meta.url));
export const MODULES = join(BENCH, "node_modules");

/** Where the library's own dependency is found: its `node_modules` are looked through after ours. */
export const LIBRARY_MODULES = join(ROOT, "node_modules");

/** As far as it is read here. */
interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export function readManifest(folder: string): Manifest {
  // Any package.json of an installed package has these.
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** The packages that the benchmark compares with, by name. */
export function peers(): readonly string[] {
  return Object.keys(readManifest(BENCH).dependencies ?? {});
}

/** Installs what is missing, and the library anew: what is measured is what its users would get. */
export function installPackages(): void {
  const { dependencies = {} } = readManifest(BENCH);
  const isInstalled = ([name, version]: [string, string]): boolean => {
    const folder = join(MODULES, name);
    return existsSync(folder) && readManifest(folder).version === version;
  };
  if (!Object.entries(dependencies).every(isInstalled)) {
    console.log("Installing what the benchmark compares with …");
    execFileSync("npm", ["ci", "--prefix", BENCH, "--no-audit", "--no-fund", "--loglevel", "error"], {
      stdio: "inherit",
    });
  }
  // Found as a package is, because finding one takes as long as half of loading `node:http`.
  cpSync(join(BENCH, "floor"), join(MODULES, "node-http-floor"), { recursive: true });
  installLibrary();
}

function installLibrary(): void {
  if (!existsSync(join(ROOT, "dist/index.js"))) throw new Error("There is no build; `npm run build` makes it.");
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-bench-"));
  try {
    const arguments_ = ["pack", "--ignore-scripts", "--json", "--loglevel", "error", "--pack-destination", folder];
    const [packed] = JSON.parse(execFileSync("npm", arguments_, { cwd: ROOT, encoding: "utf8" })) as readonly {
      readonly filename: string;
    }[]; // as npm documents
    if (packed === undefined) throw new Error("npm pack reported nothing.");
    const target = join(MODULES, "mparticle-events");
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, packed.filename), "-C", target, "--strip-components=1"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
