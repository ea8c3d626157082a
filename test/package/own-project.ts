import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packedBeside } from "./packed.ts";

/** A project for the programs of one test file; the package in it is the one that all of them share. */
export function makeOwnProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-"));
  symlinkSync(join(packedBeside().folder, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-project", private: true, type: "module" }));
  return folder;
}
