import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of this repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What `npm publish` would upload. */
export interface Packed {
  /** The tarball. */
  readonly file: string;
  /** Paths in it. */
  readonly paths: readonly string[];
}

/** Packs the build, which `npm test` has just made. */
function pack(into: string): Packed {
  if (!existsSync(join(ROOT, "dist/index.js"))) throw new Error("There is no build; `npm run build` makes it.");
  const report = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", into], {
      cwd: ROOT,
      encoding: "utf8",
    }),
  ) as readonly { readonly filename: string; readonly files: readonly { readonly path: string }[] }[]; // as npm documents
  const [packed] = report;
  if (packed === undefined) throw new Error("npm pack reported nothing.");
  return { file: join(into, packed.filename), paths: packed.files.map(({ path }) => path) };
}

/** A project that has the tarball installed as npm would, without asking a registry. */
export function makeProject(): { readonly folder: string; readonly packed: Packed } {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-"));
  const packed = pack(folder);
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "mparticle-events"), { recursive: true });
  execFileSync("tar", ["-xzf", packed.file, "-C", join(modules, "mparticle-events"), "--strip-components=1"]);
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
  return { folder, packed };
}
