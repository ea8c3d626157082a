import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, UsageError } from "../usage-error.ts";

/**
 * Looks before anything is sent whether a file can be written: at the first rejected batch, hours later, it is too late.
 *
 * @throws UsageError - when it cannot.
 */
export function requireWritable(flag: string, name: string, path: string): void {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) accessSync(dirname(path), constants.W_OK);
    else if (stats.isFile()) accessSync(path, constants.W_OK);
    else throw new Error("it is no file");
  } catch (cause) {
    throw new UsageError(`${name}: it cannot be written: ${messageOf(cause)}.`, `Name another file by ${flag}.`, {
      cause,
    });
  }
}
