/** What a package brings along: itself and everything it depends on, on disk. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { BENCH, LIBRARY_MODULES, MODULES, readManifest } from "./packages.ts";

export interface Footprint {
  readonly packages: number;
  readonly bytes: number;
}

/** The parts of a `package-lock.json` that are read here. */
interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly dependencies?: Readonly<Record<string, string>>;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

export function footprintOfPeer(name: string): Footprint {
  // Written by npm.
  const { packages } = JSON.parse(readFileSync(join(BENCH, "package-lock.json"), "utf8")) as Lock;
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path) || !existsSync(join(BENCH, path))) return;
    found.add(path);
    const { dependencies, optionalDependencies } = packages[path] ?? {};
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      visit(locate(dependency, path, packages));
    }
  };
  visit(`node_modules/${name}`);
  return sum([...found].map((path) => join(BENCH, path)));
}

/** Node looks next to the package first, then outwards. */
function locate(name: string, from: string, packages: Lock["packages"]): string {
  for (let folder = from; folder !== ""; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = `${folder}/node_modules/${name}`;
    if (path in packages) return path;
  }
  return `node_modules/${name}`;
}

/** The library as packed, with what it depends on. */
export function footprintOfLibrary(): Footprint {
  const folders = new Set<string>();
  const visit = (folder: string): void => {
    if (folders.has(folder)) return;
    folders.add(folder);
    for (const name of Object.keys(readManifest(folder).dependencies ?? {})) visit(join(LIBRARY_MODULES, name));
  };
  visit(join(MODULES, "mparticle-events"));
  return sum([...folders]);
}

function sum(folders: readonly string[]): Footprint {
  return { packages: folders.length, bytes: folders.reduce((bytes, folder) => bytes + sizeOf(folder), 0) };
}

/** Without the packages inside it: they are counted by themselves. */
function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += sizeOf(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}
