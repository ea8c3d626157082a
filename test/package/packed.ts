import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of this repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The built command. */
export const CLI = join(ROOT, "dist/cli.js");

/** What `npm publish` would upload. */
export interface Packed {
  /** The tarball. */
  readonly file: string;
  /** Paths in it. */
  readonly paths: readonly string[];
}

/** Packs the build. */
async function pack(into: string): Promise<Packed> {
  if (!existsSync(CLI)) throw new Error("There is no build; `npm run build` makes it.");
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", into], {
    cwd: ROOT,
    shell: process.platform === "win32",
  });
  // As npm documents.
  const [packed] = JSON.parse(stdout) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (packed === undefined) throw new Error("npm pack reported nothing.");
  return { file: join(into, packed.filename), paths: packed.files.map(({ path }) => path) };
}

/** Makes a folder a project that has the tarball installed as npm would, without asking a registry. */
export async function makeProject(folder: string): Promise<Packed> {
  const packed = await pack(folder);
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "mparticle-events"), { recursive: true });
  await run("tar", ["-xzf", packed.file, "-C", join(modules, "mparticle-events"), "--strip-components=1"]);
  mkdirSync(join(modules, "@types"));
  for (const name of [
    "@types/node",
    "undici-types",
    "libsql",
    "@iabtcf",
    "@iabgpp",
    "bullmq",
    "ioredis",
    "@ioredis",
    "@opentelemetry",
  ]) {
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-project", private: true, type: "module" }));
  return packed;
}

/** Where the project of this run lies that has the package: set while the build is made beside the tests of the source. */
const FOLDER = "MPARTICLE_EVENTS_PACKED";

type Made = { readonly packed: Packed } | { readonly problem: string };

/** Builds the package and makes a project of it; the tests that ask for it wait until it has ended, well or not. */
export async function buildBeside(folder: string): Promise<void> {
  process.env[FOLDER] = folder;
  let made: Made;
  try {
    await run("npm", ["run", "--silent", "build"], { cwd: ROOT, shell: process.platform === "win32" });
    made = { packed: await makeProject(folder) };
  } catch (error) {
    made = { problem: error instanceof Error ? error.message : String(error) };
  }
  // Renamed, so that nobody reads half of it.
  writeFileSync(join(folder, "making.json"), JSON.stringify(made));
  renameSync(join(folder, "making.json"), join(folder, "made.json"));
}

/** Waits for the build that is made beside; where none is, there has to be one. */
export async function build(): Promise<void> {
  const folder = process.env[FOLDER];
  if (folder === undefined) {
    if (!existsSync(CLI)) throw new Error("There is no build; `npm run build` makes it.");
    return;
  }
  while (!existsSync(join(folder, "made.json"))) await sleep(50);
  packedBeside();
}

/** The package, and a project that has it: made once for all the tests of it, which have waited for `build`. */
export function packedBeside(): Packed & { readonly folder: string } {
  const folder = process.env[FOLDER];
  if (folder === undefined) throw new Error("Only the tests of the package have one that is packed for them.");
  const made = JSON.parse(readFileSync(join(folder, "made.json"), "utf8")) as Made; // as `buildBeside` writes it
  if ("problem" in made) throw new Error(`The package cannot be built: ${made.problem}`);
  return { folder, ...made.packed };
}
