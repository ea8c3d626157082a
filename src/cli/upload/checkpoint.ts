import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "../../node/sync-folder.ts";
import { codeOf, messageOf, UsageError } from "../usage-error.ts";

/** How far a run is: everything up to a record is settled, accepted or rejected. */
export interface Progress {
  /** Records that are settled, from the first on. */
  readonly records: number;
  /** Of the text of these records, one after the other: it tells whether the files are still the same. */
  readonly crc: number;
  /** For people: where the last of them stands. */
  readonly at: string;
}

/** What a checkpoint file holds. */
export interface Checkpoint extends Progress {
  readonly version: 1;
  /** What has to be the same for a run to go on. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** As they were when the run began. */
  readonly files: readonly { readonly name: string; readonly bytes: number | undefined }[];
  /** Where the rejected batches of the run are, and where in the file they begin. */
  readonly rejected: { readonly name: string; readonly start: number };
  /** Everything was settled: there is nothing to go on with. */
  readonly finished: boolean;
}

/**
 * @returns `undefined` when there is none.
 * @throws UsageError - when it cannot be read.
 */
export function readCheckpoint(name: string, path: string): Checkpoint | undefined {
  const foreign = new UsageError(`${name}: it is no checkpoint of this command.`, "Name another file by --checkpoint.");
  try {
    // A device may have no end, and a large file is no checkpoint.
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) throw foreign;
    const checkpoint: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isCheckpoint(checkpoint)) return checkpoint;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError || error === foreign)) {
      throw new UsageError(`${name}: it cannot be read: ${messageOf(error)}.`, "Check --checkpoint.");
    }
  }
  throw foreign;
}

/** Far more than the names of the files of a run take. */
const MAX_BYTES = 16 * 1024 * 1024;

function isCheckpoint(value: unknown): value is Checkpoint {
  return (
    typeof value === "object" &&
    value !== null &&
    "version" in value &&
    value.version === 1 &&
    "records" in value &&
    typeof value.records === "number" &&
    "rejected" in value &&
    "settings" in value
  );
}

/**
 * Replaces the file in one step: whoever reads it, and whenever the power goes, it is the old one or the new one.
 *
 * @throws UsageError - when it cannot be written.
 */
export function writeCheckpoint(name: string, path: string, checkpoint: Checkpoint): void {
  const draft = `${path}.new`;
  try {
    const descriptor = openSync(draft, "w");
    try {
      writeSync(descriptor, `${JSON.stringify(checkpoint, undefined, 2)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, path);
    syncFolder(dirname(path));
  } catch (cause) {
    throw new UsageError(
      `${name}: the checkpoint cannot be written: ${messageOf(cause)}.`,
      "Name another file by --checkpoint.",
      {
        cause,
      },
    );
  }
}
