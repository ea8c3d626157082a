import type { StoredBatch } from "mparticle-events";
import type { Spill, SpillFiles } from "../../src/node/spill-files.ts";

export interface FoundSpills {
  readonly spills: readonly Spill[];
  readonly batches: readonly StoredBatch[];
  readonly problems: readonly string[];
}

/** All that a next start would find, read in one go. */
export function readSpills(files: SpillFiles): FoundSpills {
  const found = { spills: [] as Spill[], batches: [] as StoredBatch[], problems: [] as string[] };
  for (const part of files.read()) {
    if (part.kind === "batch") found.batches.push(part.batch);
    else if (part.kind === "spill") found.spills.push(part.spill);
    else if (part.kind === "problem") found.problems.push(part.problem);
  }
  return found;
}
