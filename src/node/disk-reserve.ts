import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const MAX_BYTES = 4 * 1024 * 1024;
/** Of a small disk it may take this part. */
const PART_OF_DISK = 1 / 8;
/** There has to be so much more than the reserve: taken with the last free byte it would be given up again at once. */
const MARGIN = 1 / 4;
const PAGE_BYTES = 4096;
/** Less is tried only where the disk itself is smaller. */
const MIN_BYTES = 16 * PAGE_BYTES;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Space on a disk that is kept for the time when there is no other: a file that is removed then. Making room in a database
 * takes some room first.
 */
export class DiskReserve {
  readonly #path: string;
  readonly #wantedBytes: number;
  #bytes: number;
  #isHeld = false;

  /**
   * @param path - of the file; its folder has to exist.
   * @param atMostBytes - more than that is never needed.
   */
  constructor(path: string, atMostBytes: number) {
    this.#path = path;
    const { blocks, bsize } = statfsSync(dirname(path));
    // Some file systems do not know.
    const diskBytes = blocks === 0 ? Infinity : blocks * bsize;
    this.#wantedBytes = wholePages(Math.min(MAX_BYTES, atMostBytes, diskBytes * PART_OF_DISK));
    this.#bytes = this.#wantedBytes;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Its size, held or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the space unless it is held; returns whether it is held now. */
  take(): boolean {
    if (this.#isHeld || this.#isLeft()) return (this.#isHeld = true);
    if (freeBytes(this.#path) < this.#wantedBytes * (1 + MARGIN)) return false;
    // The disk has it, and yet it may not be had: there are quotas, and limits for the size of a file.
    let bytes = this.#wantedBytes;
    while (!this.#tryToTake(bytes) && bytes > MIN_BYTES) bytes = wholePages(bytes / 2);
    return this.#isHeld;
  }

  release(): void {
    this.#isHeld = false;
    rmSync(this.#path, { force: true });
  }

  /** Whether an owner that was killed has left it. */
  #isLeft(): boolean {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    return stats?.size === this.#bytes && stats.blocks * 512 >= this.#bytes;
  }

  #tryToTake(bytes: number): boolean {
    try {
      write(this.#path, bytes * (1 + MARGIN), bytes);
      this.#bytes = bytes;
      this.#isHeld = true;
    } catch {
      this.release();
    }
    return this.#isHeld;
  }
}

function wholePages(bytes: number): number {
  return Math.max(1, Math.floor(bytes / PAGE_BYTES)) * PAGE_BYTES;
}

/** What is free on the disk that `path` is on. */
export function freeBytes(path: string): number {
  const { blocks, bavail, bsize } = statfsSync(dirname(path));
  return blocks === 0 ? Infinity : bavail * bsize;
}

/** Writes more than is kept, to see that there is more. */
function write(path: string, bytes: number, keptBytes: number): void {
  // Some file systems write neither holes nor zeros, and compress what repeats itself soon.
  const chunk = randomBytes(Math.min(bytes, CHUNK_BYTES));
  const file = openSync(path, "w", 0o600);
  try {
    for (let left = bytes; left > 0;) left -= writeSync(file, chunk, 0, Math.min(left, chunk.length));
    ftruncateSync(file, keptBytes);
  } finally {
    closeSync(file);
  }
}
