import { UsageError } from "../usage-error.ts";
import { ContractFields } from "./contract-fields.ts";
import { mapRows, type RowMapping } from "./csv-mapping.ts";
import { findDelimiter, RowReader, type Row } from "./csv-rows.ts";
import type { CsvSettings } from "./csv-settings.ts";
import type { Entry } from "./entry.ts";
import { conversion, withCommand } from "./require-text.ts";
import { splitLines, type Line } from "./split-lines.ts";

/** Of the vendor's own import: rows of 80,000 bytes. Longer ones are read, within reason. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** Spreadsheets write and read it before the header; no column is called so. */
const DELIMITER_LINE = /^"?sep=(.)"?$/i;

/** How a file of CSV is read. */
export interface CsvReading {
  readonly settings: CsvSettings;
  /** Told once of each file whose columns are not all used. */
  readonly onIgnored: (file: string, columns: readonly string[]) => void;
}

/**
 * Reads a file of CSV (RFC 4180, in UTF-8): the vendor's own columns, those of a manifest, or any by `--map`.
 *
 * @throws UsageError - when its header cannot be read, or its columns cannot be mapped: the first row that can be read
 * must not be taken for a header.
 */
export async function* readCsvEntries(
  file: string,
  chunks: AsyncIterable<Buffer>,
  { settings, onIgnored }: CsvReading,
): AsyncGenerator<readonly Entry[]> {
  let reader: RowReader | undefined;
  let mapping: RowMapping | undefined;
  const hasHeader = settings.manifest?.hasHeaderRow !== false;

  const toEntries = (rows: readonly Row[]): readonly Entry[] => {
    let start = 0;
    const [first] = rows;
    if (mapping === undefined && first !== undefined) {
      requireLineEnds(file, first);
      const header = headerOf(file, first, settings);
      mapping = mapRows(file, header.names, settings, ContractFields.load());
      if (mapping.ignored.length > 0) onIgnored(file, mapping.ignored);
      start = header.isRow ? 1 : 0;
    }
    const used = mapping;
    return used === undefined ? [] : rows.slice(start).map((row) => toEntry(file, row, used, hasHeader));
  };

  for await (let lines of splitLines(chunks, MAX_LINE_BYTES)) {
    const first = lines.find(({ text }) => text !== undefined && text !== "");
    if (reader === undefined && first?.text !== undefined) {
      const said = DELIMITER_LINE.exec(first.text)?.[1];
      reader = new RowReader(said ?? findDelimiter(first.text));
      if (said !== undefined) lines = lines.filter((line) => line !== first);
    }
    const broken = lines.filter(({ text }) => text === undefined);
    const [firstBroken] = broken;
    let [whole, rest]: [readonly Entry[], readonly Line[]] = [[], lines];
    if (hasHeader && mapping === undefined && firstBroken !== undefined) {
      const at = lines.indexOf(firstBroken);
      // A header may go on over lines, as any row.
      const rows = reader?.push(lines.slice(0, at)) ?? [];
      if (rows.length === 0) throw headerError(file, firstBroken);
      [whole, rest] = [toEntries(rows), lines.slice(at)];
    }
    const faults = broken.map((line) => unreadable(file, line));
    const entries = [...whole, ...toEntries(reader?.push(rest) ?? []), ...faults];
    if (entries.length > 0) yield faults.length === 0 ? entries : entries.sort((one, other) => one.line - other.line);
  }
  yield toEntries(reader?.end() ?? []);
}

/** @throws UsageError - when what was read as one row are many, or each row would end in a carriage return. */
function requireLineEnds(file: string, { text }: Row): void {
  const bare = text.replace(/"[^"]*"/g, "");
  if (!bare.includes("\r")) return;
  const isDoubled = /^[^\r]*\r+$/.test(bare);
  throw new UsageError(
    isDoubled
      ? `${file}: its lines end in two carriage returns (CR CR LF).`
      : `${file}: its lines end in a carriage return alone (CR), as those of old Macs do.`,
    `Save it with line feeds, such as by ${withCommand("tr", isDoubled ? "-d '\\r'" : "'\\r' '\\n'", file)}.`,
  );
}

function headerError(file: string, { number, fault }: Line): UsageError {
  return fault === "too-long"
    ? new UsageError(
        `${file}:${String(number)}: the header is longer than ${String(MAX_LINE_BYTES)} bytes.`,
        "Is there a line feed at the end of each row? Lines that end in a carriage return alone (CR) are none.",
      )
    : new UsageError(
        `${file}:${String(number)}: the header is not UTF-8.`,
        `Convert the file from the encoding that it has, such as by ${conversion(file)}.`,
      );
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

function toEntry(file: string, { line, text, fields, fault }: Row, mapping: RowMapping, hasHeader: boolean): Entry {
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
  if (hasHeader && isHeader(fields, columns)) {
    const message = "it is the header again, and no data.";
    const hint = "Was the file put together of several? Take the row out, or name the files one by one.";
    return { kind: "broken", file, line, code: "repeated-header", message, hint, text };
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

/** Nearly all rows differ in their first field. */
function isHeader(fields: readonly string[], columns: readonly string[]): boolean {
  return fields.every((field, index) => field.replace(/^\uFEFF/, "").trim() === columns[index]);
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
      : `Convert the file from the encoding that it has, such as by ${conversion(file)}.`,
  };
}
