import type { BrokenEntry, Entry } from "./entry.ts";
import { findJsonFault } from "./json-fault.ts";
import { readJson } from "./read-json.ts";
import { conversion } from "./require-text.ts";
import { JsonSplitter, type JsonPart } from "./split-json.ts";
import { splitLines, type Line } from "./split-lines.ts";

/** A longer record is no batch: the service takes 128,000 bytes, and a longer batch is cut by its events. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Reads a file of JSON: one value a line (NDJSON), the members of an array, or a batch over many lines. Which of them
 * it is, the first lines tell. Gives what each chunk of the file completes at once.
 */
export async function* readJsonEntries(
  file: string,
  chunks: AsyncIterable<Buffer>,
  maxBytes: number = MAX_RECORD_BYTES,
): AsyncGenerator<readonly Entry[]> {
  const iterator = chunks[Symbol.asyncIterator]();
  const beginning: Buffer[] = [];
  const layout = await readLayout(iterator, beginning, maxBytes);
  const all = allOf(beginning, iterator);
  if (layout === "lines") {
    for await (const lines of splitLines(all, maxBytes))
      yield lines.flatMap((line) => entriesOfLine(file, line, maxBytes));
    return;
  }
  const splitter = new JsonSplitter(maxBytes);
  for await (const chunk of all) {
    const parts = splitter.push(chunk);
    if (parts.length > 0) yield parts.map((part) => entryOfPart(file, part, maxBytes));
  }
  yield splitter.end().map((part) => entryOfPart(file, part, maxBytes));
}

async function* allOf(beginning: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* beginning;
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Reads on until it is clear; what was read is in `beginning` then. */
async function readLayout(
  chunks: AsyncIterator<Buffer>,
  beginning: Buffer[],
  maxBytes: number,
): Promise<"lines" | "structure"> {
  let text = "";
  let bytes = 0;
  for (;;) {
    const next = await chunks.next();
    if (next.done !== true) {
      beginning.push(next.value);
      bytes += next.value.length;
      text += next.value.toString("latin1"); // structure is ASCII, and nothing else is looked at
    }
    const start = text.trimStart();
    if (start.startsWith("[")) return "structure";
    if (start !== "" && !start.startsWith("{")) return "lines";
    const begun = start.split("\n", 3);
    const [first, second] = begun.map((line) => line.replace(/\r$/, ""));
    if (endsInReturns(first ?? "")) return "structure";
    // A first line that is a whole value says it alone; the second one may be long, or never end.
    if (begun.length === 2 && findJsonFault(first ?? "") === undefined) return "lines";
    const isSecondWhole = begun.length === 3;
    if (next.done === true || bytes > maxBytes || isSecondWhole) return layoutOf(first ?? "", second);
  }
}

/** Lines that end in a carriage return alone, as those of old Macs: for JSON it is a space between two values. */
function endsInReturns(first: string): boolean {
  const [line, next] = first.split("\r", 2);
  return next !== undefined && findJsonFault(line ?? "") === undefined;
}

/** What begins as an object: a line of NDJSON, or the first line of a batch that goes on on the next. */
function layoutOf(first: string, second: string | undefined): "lines" | "structure" {
  if (second === undefined || findJsonFault(first)?.endsEarly !== true) return "lines";
  // A first line that is cut off, before one that is whole, is a broken line of NDJSON.
  if (second.startsWith("{") && findJsonFault(second) === undefined) return "lines";
  const both = findJsonFault(`${first}\n${second}`);
  return both === undefined || both.endsEarly ? "structure" : "lines";
}

function entriesOfLine(file: string, { number, text, fault }: Line, maxBytes: number): readonly Entry[] {
  const place = { file, line: number };
  if (text === undefined) return [unreadable(place, fault, maxBytes)];
  // Files that were put together have a mark in their middle, too.
  const json = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (json.trim() === "") return [];
  const read = readJson(json);
  if (read.kind === "value") return [{ kind: "record", ...place, value: read.value, text: json }];
  return [broken({ ...place, column: read.offset + 1 }, read.message, json)];
}

function entryOfPart(file: string, { line, column, text, fault }: JsonPart, maxBytes: number): Entry {
  if (text === undefined) return unreadable({ file, line, column }, fault, maxBytes);
  const read = readJson(text);
  if (read.kind === "value") return { kind: "record", file, line, value: read.value, text };
  const before = text.slice(0, read.offset).split("\n");
  const last = before[before.length - 1] ?? "";
  const at =
    before.length === 1
      ? { file, line, column: column + last.length }
      : { file, line: line + before.length - 1, column: last.length + 1 };
  return broken(at, read.message, text);
}

function broken(place: { file: string; line: number; column: number }, message: string, text: string): BrokenEntry {
  return {
    kind: "broken",
    ...place,
    code: "broken-json",
    message,
    hint: "Mend the JSON; the other records are read.",
    text,
  };
}

function unreadable(
  place: { file: string; line: number; column?: number },
  fault: Line["fault"] | JsonPart["fault"],
  maxBytes: number,
): BrokenEntry {
  if (fault === "array-without-end") {
    return {
      kind: "broken",
      ...place,
      code: "array-without-end",
      message: "the array that begins here has no end: the file may have been cut off.",
      hint: "Make the file again, or close the array with ].",
    };
  }
  if (fault === "not-utf8") {
    return {
      kind: "broken",
      ...place,
      code: "not-utf8",
      message: "it is not UTF-8.",
      hint: `Convert the file from the encoding that it has, such as by ${conversion(place.file)}.`,
    };
  }
  return {
    kind: "broken",
    ...place,
    code: "record-too-long",
    message: `it is longer than ${String(maxBytes)} bytes.`,
    hint: "Put one batch into each line; a batch may have 128,000 bytes.",
  };
}
