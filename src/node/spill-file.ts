import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { StoredBatch } from "../delivery/outbox.ts";
import { formatLines, readLines } from "./batch-lines.ts";

/** A file of batches as lines of text, written when the process ends. */
export class SpillFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * What the file holds, oldest first; none when there is no file.
   *
   * @throws Error - when it is no spill file.
   */
  read(): readonly StoredBatch[] {
    if (!existsSync(this.path)) return [];
    const batches = readLines(readFileSync(this.path, "utf8"));
    for (const { context, events } of batches) for (const text of [context, ...events]) JSON.parse(text);
    return batches;
  }

  /** Replaces the file as a whole: whoever reads it finds all of the old one or all of the new. */
  write(batches: readonly StoredBatch[]): void {
    const unfinished = `${this.path}.${String(process.pid)}.tmp`;
    // It holds personal data.
    writeFileSync(unfinished, `${formatLines(batches)}\n`, { mode: 0o600 });
    renameSync(unfinished, this.path);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  /** Keeps a file that cannot be read, out of the way of the next one. */
  setAside(): string {
    const aside = `${this.path}.unreadable-${String(Date.now())}`;
    renameSync(this.path, aside);
    return aside;
  }
}
