import { UsageError } from "../usage-error.ts";
import { ContractFields } from "./contract-fields.ts";
import { mapRows, type RowMapping } from "./csv-mapping.ts";
import { findDelimiter, RowReader, type Row } from "./csv-rows.ts";
import type { CsvSettings } from "./csv-settings.ts";
import type { Entry } from "./entry.ts";
import { splitLines, type Line } from "./split-lines.ts";

/** Of the vendor's own import: rows of 80,000 bytes. Longer ones are read, within reason. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** How a file of CSV is read. */
export interface CsvReading {
  readonly settings: CsvSettings;
  /** Told once of each file whose columns are not all used. */
  readonly onIgnored: (file: string, columns: readonly string[]) => void;
}

/**
 * Reads a file of CSV (RFC 4180, in UTF-8): the vendor's own columns, those of a manifest, or any by `--map`.
 *
 * @throws UsageError - when its columns cannot be mapped.
 */
export async function* readCsvEntries(
  file: string,
  chunks: AsyncIterable<Buffer>,
  { settings, onIgnored }: CsvReading,
): AsyncGenerator<readonly Entry[]> {
  let reader: RowReader | undefined;
  let mapping: RowMapping | undefined;

  const toEntries = (rows: readonly Row[]): readonly Entry[] => {
    let start = 0;
    const [first] = rows;
    if (mapping === undefined && first !== undefined) {
      const header = headerOf(file, first, settings);
      mapping = mapRows(file, header.names, settings, ContractFields.load());
      if (mapping.ignored.length > 0) onIgnored(file, mapping.ignored);
      start = header.isRow ? 1 : 0;
    }
    const used = mapping;
    return used === undefined ? [] : rows.slice(start).map((row) => toEntry(file, row, used));
  };

  for await (const lines of splitLines(chunks, MAX_LINE_BYTES)) {
    const first = lines.find(({ text }) => text !== undefined && text !== "");
    reader ??= first?.text === undefined ? undefined : new RowReader(findDelimiter(first.text));
    const faults = lines.flatMap((line) => (line.text === undefined ? [unreadable(file, line)] : []));
    const entries = [...toEntries(reader?.push(lines) ?? []), ...faults];
    if (entries.length > 0) yield faults.length === 0 ? entries : entries.sort((one, other) => one.line - other.line);
  }
  yield toEntries(reader?.end() ?? []);
}

function headerOf(
  file: string,
  { fields, fault }: Row,
  { manifest }: CsvSettings,
): { readonly names: readonly string[]; readonly isRow: boolean } {
  if (manifest?.hasHeaderRow === false) {
    return {
      names: manifest.columns.map(({ column }, index) => column ?? `column ${String(index + 1)}`),
      isRow: false,
    };
  }
  if (fields !== undefined) return { names: fields.map((name) => name.trim()), isRow: true };
  throw new UsageError(`${file}: the header cannot be read: ${fault?.message ?? ""}`, "Mend its quotes.");
}

function toEntry(file: string, { line, text, fields, fault }: Row, mapping: RowMapping): Entry {
  const { columns } = mapping;
  if (fields === undefined) {
    const { column = 1, message = "" } = fault ?? {};
    const hint = "Mend the quotes of this row; the other rows are read.";
    return { kind: "broken", file, line, column, code: "broken-csv", message, hint, text };
  }
  if (fields.length !== columns.length) {
    const message = `it has ${countOf(fields.length, "field")}; the header has ${countOf(columns.length, "column")}.`;
    const hint = "Quote fields that hold the delimiter or a line break.";
    return { kind: "broken", file, line, code: "wrong-field-count", message, hint, text };
  }
  return {
    kind: "record",
    file,
    line,
    value: mapping.toBatch(fields),
    text,
    row: { names: columns, fields },
  };
}

function countOf(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? "" : "s"}`;
}

function unreadable(file: string, { number, fault }: Line): Entry {
  const isTooLong = fault === "too-long";
  return {
    kind: "broken",
    file,
    line: number,
    code: isTooLong ? "record-too-long" : "not-utf8",
    message: isTooLong ? `it is longer than ${String(MAX_LINE_BYTES)} bytes.` : "it is not UTF-8.",
    hint: isTooLong
      ? "Is there a line break at the end of each row?"
      : "Convert the file, such as by `iconv -f WINDOWS-1252 -t UTF-8`.",
  };
}
