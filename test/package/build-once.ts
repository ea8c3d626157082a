import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBeside } from "./packed.ts";

/** Builds and packs the package while the tests of the source run: those of the package come last. */
export default function setup(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-"));
  const built = buildBeside(folder);
  return async () => {
    await built;
    rmSync(folder, { recursive: true });
  };
}
