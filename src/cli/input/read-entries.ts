import type { Terminal } from "../terminal.ts";
import type { CsvSettings } from "./csv-settings.ts";
import type { BrokenEntry, Entry, RecordEntry } from "./entry.ts";
import type { InputFile } from "./find-inputs.ts";
import { DamagedFileError, readBytes } from "./read-bytes.ts";
import { readCsvEntries } from "./read-csv-entries.ts";
import { readJsonEntries } from "./read-json-entries.ts";

/** How files are read. */
export interface Reading {
  readonly csv: CsvSettings;
  /** What the input is, where its name does not say it: `json` has all its layouts. */
  readonly format: "json" | "csv" | undefined;
  /** Told of the bytes that were read, as they lie on the disk. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Told once of each file of CSV whose columns are not all used. */
  readonly onIgnoredColumns?: ((file: string, columns: readonly string[]) => void) | undefined;
}

/**
 * Reads the records of all files, one file after the other, in constant memory. What cannot be read is an entry of its
 * own, and costs nothing else.
 *
 * @returns as many at once as a chunk of the file completes.
 * @throws UsageError - when a file cannot be opened, or its columns cannot be mapped.
 */
export async function* readEntries(
  files: readonly InputFile[],
  terminal: Pick<Terminal, "stdin">,
  reading: Reading,
): AsyncGenerator<readonly Entry[]> {
  for (const file of files) yield* readFile(file, terminal, reading);
}

async function* readFile(
  file: InputFile,
  terminal: Pick<Terminal, "stdin">,
  reading: Reading,
): AsyncGenerator<readonly Entry[]> {
  let line = 0;
  try {
    const bytes = readBytes(file, terminal.stdin, reading.onBytes);
    for await (const entries of readerOf(file, bytes, reading)) {
      line = entries[entries.length - 1]?.line ?? line;
      yield entries;
    }
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    const hint = "Copy the file again; what stands before the damage was read.";
    yield [{ kind: "broken", file: file.name, line: line + 1, code: "damaged-file", message: error.message, hint }];
  }
}

function readerOf(file: InputFile, bytes: AsyncIterable<Buffer>, reading: Reading): AsyncIterable<readonly Entry[]> {
  if (isCsv(file, reading)) {
    const onIgnored = reading.onIgnoredColumns ?? (() => undefined);
    return readCsvEntries(file.name, bytes, { settings: reading.csv, onIgnored });
  }
  return unwrapped(readJsonEntries(file.name, bytes));
}

function isCsv({ name }: InputFile, { format, csv }: Reading): boolean {
  if (format !== undefined) return format === "csv";
  if (/\.csv(\.gz)?$/i.test(name)) return true;
  if (/\.(ndjson|jsonl|json)(\.gz)?$/i.test(name)) return false;
  // What the name leaves open, the settings tell: they make no sense for anything else.
  return csv.manifest !== undefined || csv.map.size > 0 || csv.eventType !== undefined;
}

async function* unwrapped(all: AsyncIterable<readonly Entry[]>): AsyncGenerator<readonly Entry[]> {
  for await (const entries of all) {
    yield entries.some(isWrapped) ? entries.map((entry) => (isWrapped(entry) ? unwrap(entry) : entry)) : entries;
  }
}

/** A line of a file of rejected batches, which `upload` writes and takes again. */
function isWrapped(entry: Entry): entry is RecordEntry {
  if (entry.kind !== "record") return false;
  const { value } = entry;
  return typeof value === "object" && value !== null && "rejected" in value && ("batch" in value || "text" in value);
}

function unwrap(entry: RecordEntry): Entry {
  const wrapper = entry.value as { readonly batch?: unknown; readonly text?: unknown }; // isWrapped looked
  if (wrapper.batch !== undefined) return { ...entry, value: wrapper.batch };
  const { file, line } = entry;
  const broken: BrokenEntry = {
    kind: "broken",
    file,
    line,
    code: "not-mended",
    message: "it holds a text that could not be read, and no batch.",
    hint: "Put the batch that was meant into `batch`, or mend it where it came from.",
    text: typeof wrapper.text === "string" ? wrapper.text : undefined,
  };
  return broken;
}
