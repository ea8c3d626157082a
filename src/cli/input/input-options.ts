import { Option, type Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { readEventType, readManifest, readPairs } from "./csv-settings.ts";
import type { InputFile } from "./find-inputs.ts";
import type { Reading } from "./read-entries.ts";
import { oneLine } from "../printable.ts";

/** What the command line says about its input, for all commands that read files. */
export interface InputFlags {
  readonly input?: "json" | "csv" | undefined;
  readonly map?: readonly string[] | undefined;
  readonly set?: readonly string[] | undefined;
  readonly manifest?: string | undefined;
  readonly eventType?: string | undefined;
  readonly strict?: boolean | undefined;
}

/** Of a flag that may be given again. */
export function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds the flags of {@link InputFlags}. */
export function addInputOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--input <format>", "what the input is, where its name does not say it").choices(["json", "csv"]),
    )
    .option(
      "--map <column=field>",
      'where a column of CSV goes, such as "Email=user_identities.email"; nothing behind the sign leaves it out; may be given again',
      repeated,
    )
    .option("--set <field=value>", "a value that all rows of CSV have; a column wins; may be given again", repeated)
    .option("--manifest <file>", "describes columns that are called otherwise, as the vendor's own import has it")
    .option("--event-type <type>", "the type of the events of a CSV whose name does not say it")
    .option("--strict", "stop at the first line that cannot be read");
}

/**
 * What the flags come to.
 *
 * @param idFrom - columns of CSV that need no field, because ids are made of them.
 * @throws UsageError - for what cannot be.
 */
export async function readInputFlags(
  flags: InputFlags,
  terminal: Terminal,
  files: readonly InputFile[],
  idFrom: readonly string[] = [],
): Promise<Reading & { readonly progress: () => ReadProgress }> {
  const csv = {
    map: readPairs("--map", flags.map ?? [], '--map "Email=user_identities.email"'),
    set: readPairs("--set", flags.set ?? [], "--set events.data.event_name=Signup"),
    manifest: flags.manifest === undefined ? undefined : await readManifest(flags.manifest, terminal.cwd),
    eventType: readEventType(flags.eventType),
    idFrom,
  };
  const known = files.every(({ bytes }) => bytes !== undefined);
  const totalBytes = known ? files.reduce((sum, { bytes = 0 }) => sum + bytes, 0) : undefined;
  let bytes = 0;
  return {
    csv,
    format: flags.input,
    onBytes: (more) => {
      bytes += more;
    },
    onIgnoredColumns: (file, columns) => {
      const unused = columns.filter((name) => !idFrom.includes(name));
      if (unused.length === 0) return;
      void terminal.stderr.write(
        `${oneLine(`${file}: left out, because no field is named for them: ${unused.join(", ")}.`)}\n`,
      );
    },
    progress: () => ({ bytes, totalBytes }),
  };
}

/** How much was read, in bytes as they lie on the disk. */
export interface ReadProgress {
  readonly bytes: number;
  /** `undefined` where nobody knows, as of a pipe. */
  readonly totalBytes: number | undefined;
}
