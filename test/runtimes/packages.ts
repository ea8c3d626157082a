/** Puts the runtimes of the lock into `test/runtimes/node_modules`, and finds their programs there. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const RUNTIMES = fileURLToPath(new URL("./", import.meta.url));
const MODULES = join(RUNTIMES, "node_modules");

/** Serves a worker; see there. It finds miniflare beside itself. */
export const WORKER_HOST = join(RUNTIMES, "worker.mjs");

/** Plays a script in the edge runtime; see there. */
export const EDGE_HOST = join(RUNTIMES, "edge.mjs");

/** Most of a gigabyte, over a slow line. */
const INSTALL_TIMEOUT_MS = 480_000;

/** As far as it is read here. */
interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The registry cannot be reached: that says nothing about the library, and the caller decides what it means. */
export class Unreachable extends Error {}

function readManifest(folder: string): Manifest {
  // Any package.json of an installed package has these.
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** The version that is installed of a package, or "none". */
export function versionOf(name: string): string {
  const folder = join(MODULES, name);
  if (!existsSync(join(folder, "package.json"))) return "none";
  // Some of the packages that hold a Node write it with a v.
  return readManifest(folder).version.replace(/^v/, "");
}

/** The packages of this kind of machine, with the versions that they are pinned to. */
function pinned(): readonly (readonly [name: string, version: string])[] {
  const { dependencies = {}, optionalDependencies = {} } = readManifest(RUNTIMES);
  const forThisMachine = Object.entries(optionalDependencies).filter(([name]) => name.endsWith(`-${MACHINE}`));
  return [...Object.entries(dependencies), ...forThisMachine].map(([name, range]) => [
    name,
    range.slice(range.lastIndexOf("@") + 1),
  ]);
}

const MACHINE = `${process.platform}-${process.arch}`;

/**
 * Installs what is missing. No install script is run: the binaries are in packages of their own.
 *
 * @throws Unreachable - when the registry is.
 * @throws Error - when npm fails for another reason.
 */
export function installRuntimes(): void {
  const isInstalled = pinned().every(([name, version]) => versionOf(name) === version);
  if (isInstalled && existsSync(join(MODULES, "@oven")) && existsSync(join(MODULES, "@deno"))) return;
  console.log("Installing the runtimes …");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", "--fetch-retries", "1"];
  const { status, stderr, error } = spawnSync("npm", ["ci", "--prefix", RUNTIMES, ...options], {
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
  });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim();
  if (
    /\b(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/.test(said)
  ) {
    throw new Unreachable(said);
  }
  throw new Error(`npm could not install the runtimes: ${said}`);
}

/** Where Bun is: in the one package for this machine that npm chose. */
export function findBun(): string {
  return join(MODULES, "@oven", onlyFolderIn("@oven"), "bin/bun");
}

/** Where Deno is; see {@link findBun}. */
export function findDeno(): string {
  return join(MODULES, "@deno", onlyFolderIn("@deno"), "deno");
}

function onlyFolderIn(scope: string): string {
  const [folder] = readdirSync(join(MODULES, scope));
  if (folder === undefined) throw new Error(`There is no package in ${join(MODULES, scope)}.`);
  return folder;
}

/** The Nodes that are pinned for this kind of machine, or else the one that runs this. */
export function findNodes(): readonly { readonly version: string; readonly path: string }[] {
  const nodes = pinned()
    .filter(([name]) => name.startsWith("node-"))
    .map(([name, version]) => ({ version, path: join(MODULES, name, "bin/node") }));
  return nodes.length > 0 ? nodes : [{ version: process.versions.node, path: process.execPath }];
}
