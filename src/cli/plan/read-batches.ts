import { findInputs } from "../input/find-inputs.ts";
import { readInputFlags, type InputFlags } from "../input/input-options.ts";
import { readEntries } from "../input/read-entries.ts";
import { formatPlace } from "../input/entry.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../printable.ts";

/**
 * Hands over every batch of the input, and tells of what cannot be read.
 *
 * @returns how many entries could not be read.
 */
export async function readBatches(
  inputs: readonly string[],
  flags: InputFlags,
  terminal: Terminal,
  take: (batch: unknown) => void,
): Promise<number> {
  const files = await findInputs(inputs, terminal.cwd);
  const reading = await readInputFlags(flags, terminal, files);
  let broken = 0;
  for await (const entries of readEntries(files, terminal, reading)) {
    for (const entry of entries) {
      if (entry.kind === "record") take(entry.value);
      else {
        broken++;
        await terminal.stderr.write(`${oneLine(`${formatPlace(entry)} ${entry.code} ${entry.message}`)}\n`);
        if (flags.strict === true) return broken;
      }
    }
  }
  return broken;
}
