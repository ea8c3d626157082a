import { execFileSync } from "node:child_process";
import { appendFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryFolder } from "../temporary-folder.ts";

/** A disk of one megabyte. */
export class SmallDisk {
  readonly folder: string;

  /** @throws Error - where this process may not mount one. */
  constructor() {
    this.folder = makeTemporaryFolder("mparticle-events-disk-");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", this.folder], { stdio: "pipe" });
    } catch (error) {
      rmdirSync(this.folder);
      throw error;
    }
  }

  /** Somebody else takes all that is free. */
  fill(): void {
    const page = Buffer.alloc(4096, 1);
    try {
      for (;;) appendFileSync(join(this.folder, "filling"), page);
    } catch {
      return;
    }
  }

  /** Gives it back. */
  clear(): void {
    rmSync(join(this.folder, "filling"), { force: true });
  }

  [Symbol.dispose](): void {
    // Lazily: `libsql` lets go of a file only when its statements are collected.
    execFileSync("umount", ["--lazy", this.folder]);
    rmdirSync(this.folder);
  }
}

/** Why this process can have no such disk; undefined when it can. */
export function whyNoSmallDisk(): string | undefined {
  try {
    new SmallDisk()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `needs the right to mount a tmpfs: ${String(error)}`;
  }
}
