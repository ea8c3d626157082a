import type { Line } from "./split-lines.ts";

/** A row of CSV, or what should have been one. */
export interface Row {
  /** Of its first line. */
  readonly line: number;
  /** As it stands in the file. */
  readonly text: string;
  /** `undefined` when it is broken: see `fault`. */
  readonly fields: readonly string[] | undefined;
  readonly fault?: { readonly column: number; readonly message: string } | undefined;
}

/** A text in quotes may go on over lines; one that goes on for longer was never closed. */
const MAX_LINES = 200;
const MAX_CHARACTERS = 256 * 1024;

/** What one reading of a row came to. */
type Reading =
  | { readonly kind: "row"; readonly fields: readonly string[] }
  | { readonly kind: "open"; readonly column: number }
  | { readonly kind: "fault"; readonly column: number; readonly message: string };

/**
 * Puts the rows of CSV (RFC 4180) together from lines. A quote that is never closed costs its line, and not the rest of
 * the file.
 */
export class RowReader {
  readonly #delimiter: string;
  /** Lines of a row whose quotes are still open. */
  #open: (Line & { readonly text: string })[] = [];

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** Gives the rows that these lines complete. Lines without a text are left to the caller. */
  push(lines: readonly Line[]): readonly Row[] {
    const rows: Row[] = [];
    for (const line of lines) this.#take(line, rows);
    return rows;
  }

  /** There are no more lines. */
  end(): readonly Row[] {
    const rows: Row[] = [];
    while (this.#open.length > 0) this.#giveUp(rows);
    return rows;
  }

  #take(line: Line, rows: Row[]): void {
    const { text, number } = line;
    if (text === undefined) {
      while (this.#open.length > 0) this.#giveUp(rows);
      return;
    }
    if (this.#open.length === 0) {
      if (text === "") return;
      // Nearly all rows of nearly all files: nothing to look at twice.
      if (!text.includes('"')) {
        rows.push({ line: number, text, fields: text.split(this.#delimiter) });
        return;
      }
    }
    this.#open.push({ number, text });
    this.#read(rows);
  }

  #read(rows: Row[]): void {
    const [first] = this.#open;
    if (first === undefined) return;
    // A line that opens no quote and closes none changes nothing.
    const last = this.#open[this.#open.length - 1];
    const isSame = this.#open.length > 1 && last?.text.includes('"') === false;
    const text = isSame ? "" : this.#open.map((line) => line.text).join("\n");
    const reading: Reading = isSame ? { kind: "open", column: 1 } : parseRow(text, this.#delimiter);
    if (reading.kind === "open") {
      const characters = this.#open.reduce((sum, line) => sum + line.text.length, 0);
      if (this.#open.length > MAX_LINES || characters > MAX_CHARACTERS) this.#giveUp(rows);
      return;
    }
    // A fault behind a line break was found only because a quote of the first line was taken for an opening one.
    if (reading.kind === "fault" && this.#open.length > 1) {
      this.#giveUp(rows);
      return;
    }
    this.#open = [];
    const { number: line } = first;
    if (reading.kind === "row") rows.push({ line, text, fields: reading.fields });
    else rows.push({ line, text, fields: undefined, fault: reading });
  }

  /** The first open line is broken; the ones after it are rows of their own. */
  #giveUp(rows: Row[]): void {
    const [first, ...rest] = this.#open;
    this.#open = [];
    if (first === undefined) return;
    const reading = parseRow(first.text, this.#delimiter);
    const column = reading.kind === "row" ? 1 : reading.column;
    rows.push({
      line: first.number,
      text: first.text,
      fields: undefined,
      fault: { column, message: "the quote that opens here is not closed." },
    });
    for (const line of rest) this.#take(line, rows);
  }
}

/** Reads the fields of one row. */
export function parseRow(text: string, delimiter: string): Reading {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = "";
      let from = at + 1;
      for (;;) {
        const quote = text.indexOf('"', from);
        if (quote === -1) return { kind: "open", column: at + 1 };
        field += text.slice(from, quote);
        if (text[quote + 1] !== '"') {
          from = quote + 1;
          break;
        }
        field += '"';
        from = quote + 2;
      }
      if (from < text.length && text[from] !== delimiter) {
        return {
          kind: "fault",
          column: from + 1,
          message: "something stands between a closing quote and the end of its field.",
        };
      }
      fields.push(field);
      at = from;
    } else {
      const end = text.indexOf(delimiter, at);
      const field = text.slice(at, end === -1 ? text.length : end);
      const quote = field.indexOf('"');
      if (quote !== -1) {
        const message = "a quote stands within a field that is not quoted; quote the field, and double the quote.";
        return { kind: "fault", column: at + quote + 1, message };
      }
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return { kind: "row", fields };
    at++; // the delimiter
    if (at === text.length) {
      fields.push("");
      return { kind: "row", fields };
    }
  }
}

/** What separates the fields: a comma as a rule, and what spreadsheets write where the comma is taken for decimals. */
export function findDelimiter(header: string): string {
  const bare = header.replace(/"[^"]*"/g, "");
  const counts = [",", ";", "\t", "|"].map((delimiter) => ({ delimiter, count: bare.split(delimiter).length }));
  return counts.reduce((most, one) => (one.count > most.count ? one : most)).delimiter;
}
