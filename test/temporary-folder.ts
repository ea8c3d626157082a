import { accessSync, constants, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FULL } from "./full.ts";

/** A file system in memory, which most Linux has. */
const IN_MEMORY = "/dev/shm";
/** Far more than all tests write at a time; in a container there may be less. */
const NEEDED_BYTES = 1024 ** 3;

function hasMemory(): boolean {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= NEEDED_BYTES;
  } catch {
    return false;
  }
}

const PLACE = !FULL && hasMemory() ? IN_MEMORY : tmpdir();

/**
 * Makes a folder for what writes and waits until that is on the disk. No test cuts the power, so by default it lies in
 * memory where there is some for that: to wait for a disk that others use as well takes longer than all else in those tests.
 *
 * @param prefix - how its name begins.
 */
export function makeTemporaryFolder(prefix: string): string {
  return mkdtempSync(join(PLACE, prefix));
}
