import { statfsSync } from "node:fs";
import { dirname } from "node:path";

const MARGIN_BYTES = 8 * 1024 * 1024;
/** Of a small disk it may take this part. */
const PART_OF_DISK = 1 / 4;
/** What is added is written twice, to SQLite's log and to the file, and pages are not full. */
const WRITTEN_TIMES = 3;
const PAGE_BYTES = 4096;

/**
 * Keeps part of a disk free for making room: what is removed from a database is first written to its log. An outbox that
 * has filled its disk could never empty itself otherwise.
 */
export class DiskRoom {
  readonly #folder: string;
  readonly #marginBytes: number;

  /** @param path - of a file on the disk; its folder has to exist. */
  constructor(path: string) {
    this.#folder = dirname(path);
    const { blocks, bsize } = statfsSync(this.#folder);
    // Some file systems do not know.
    this.#marginBytes = blocks === 0 ? MARGIN_BYTES : Math.min(MARGIN_BYTES, blocks * bsize * PART_OF_DISK);
  }

  /** How many pages SQLite's log may have before it is written to the file: both have to fit into what is kept free. */
  get logPages(): number {
    return Math.max(1, Math.floor(this.#marginBytes / 2 / PAGE_BYTES));
  }

  get freeBytes(): number {
    const { blocks, bavail, bsize } = statfsSync(this.#folder);
    return blocks === 0 ? Infinity : bavail * bsize;
  }

  /** Whether so much can be added, and removed again. */
  hasRoomFor(bytes: number): boolean {
    return this.freeBytes >= this.#marginBytes + WRITTEN_TIMES * bytes;
  }
}
