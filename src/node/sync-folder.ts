import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes the new name of a file survive a power cut. */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows opens no folders; its file system keeps names in order by itself.
  }
}
