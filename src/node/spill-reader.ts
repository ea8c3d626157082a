import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { StoredBatch } from "../delivery/outbox.ts";
import { problemOfRecord } from "../delivery/stored-record.ts";
import { readLine } from "./batch-lines.ts";
import { codeOf } from "./system-error.ts";

export const SPILL_FORMAT = 1;

/** What lies at the path of a spill file. */
export type ReadSpill =
  /** There is nothing in it that could be lost, or another queue of this process has it. */
  | { readonly kind: "none" }
  /** No process has written it as a spill for this input. */
  | { readonly kind: "not ours"; readonly why: string }
  /** A spill of which nothing can be read. */
  | { readonly kind: "unreadable"; readonly why: string }
  /** `problem` says what of it is missing, beside the `batches` that were read. */
  | { readonly kind: "spill"; readonly id: string; readonly batches: number; readonly problem?: string };

/** What is read of a file, as it is read. */
export type ReadPart =
  | { readonly kind: "batch"; readonly batch: StoredBatch }
  /** So much was looked at: a good place to let others have their turn. */
  | Progress;

interface Progress {
  readonly kind: "progress";
  readonly bytes: number;
}

/** Without its end; an editor may have put a mark in front. */
const HEADER = /^\uFEFF?mparticle-events spill (\d+)(?: ([\da-f-]{36}) (\d+) ([\da-f]{16})$)?/;
/** More than any first line of ours has. */
const HEADER_BYTES = 128;
const LINE_END = 0x0a;
/** So much is read at a time; whoever reads decides when others get their turn. */
const PIECE_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE_BYTES);
/** More than any line of ours has: a batch has less than 128,000 bytes. */
const MAX_LINE_BYTES = 1024 * 1024;
/** How the name of a file of ours ends; 0.1.0 wrote to the bare path as well, where anything may lie. */
const OWN_NAME = /\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(\.tmp)?$/;

/**
 * Reads what can be read of a file, piece by piece, whatever has become of it: no damage of one record takes others with it.
 *
 * @param input - fingerprint of the input that it should be meant for.
 * @param isWanted - by the id of the spill.
 */
export function* readSpill(
  file: string,
  input: string,
  isWanted: (id: string) => boolean,
): Generator<ReadPart, ReadSpill> {
  let descriptor: number;
  try {
    descriptor = openToRead(file);
  } catch (error) {
    return whyUnread(error);
  }
  try {
    const spill = yield* readHeader(file, descriptor, input);
    if (spill.kind !== "header") return spill;
    const { id, count, bytes } = spill;
    return isWanted(id) ? { kind: "spill", id, ...(yield* readBatches(descriptor, bytes, count)) } : { kind: "none" };
  } catch (error) {
    return whyUnread(error);
  } finally {
    closeSync(descriptor);
  }
}

function whyUnread(error: unknown): ReadSpill {
  const code = codeOf(error);
  // Another process was faster, and has it now.
  if (code === "ENOENT") return { kind: "none" };
  return { kind: "not ours", why: code === "ELOOP" ? "is a link" : `cannot be read (${String(code)})` };
}

interface Header {
  readonly kind: "header";
  readonly id: string;
  /** Of the batches that were written. */
  readonly count: number;
  /** Of the first line, with its end. */
  readonly bytes: number;
}

function* readHeader(file: string, descriptor: number, input: string): Generator<Progress, Header | ReadSpill> {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) return { kind: "not ours", why: "is no regular file" };
  if (stats.size === 0 && !OWN_NAME.test(file)) return { kind: "none" };
  // So a power cut leaves a file that was not on the disk yet.
  if (yield* isNothingButZeros(descriptor)) {
    return { kind: "unreadable", why: "is empty, or holds nothing but zeros" };
  }
  const line = readFirstLine(descriptor);
  const header = HEADER.exec(line.trimEnd());
  if (header === null) return { kind: "not ours", why: "does not begin as a spill file" };
  const [, format, id, count, spillInput] = header;
  if (Number(format) !== SPILL_FORMAT) {
    return {
      kind: "not ours",
      why: `has format ${String(format)}, and this version of the package reads ${String(SPILL_FORMAT)}`,
    };
  }
  if (id === undefined) return { kind: "unreadable", why: "has lost its first line, which says for which input it is" };
  if (spillInput !== input) {
    return {
      kind: "not ours",
      why: "holds events of another input, by its `apiKey`, and waits for a queue of that one",
    };
  }
  return { kind: "header", id, count: Number(count), bytes: Buffer.byteLength(line) + 1 };
}

function* isNothingButZeros(descriptor: number): Generator<Progress, boolean> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; ;) {
    const read = readSync(descriptor, piece, 0, at === 0 ? HEADER_BYTES : PIECE_BYTES, at);
    if (read === 0) return true;
    if (!piece.subarray(0, read).equals(ZEROS.subarray(0, read))) return false;
    at += read;
    yield { kind: "progress", bytes: read };
  }
}

/** Without its end. */
function readFirstLine(descriptor: number): string {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const [line = ""] = bytes.toString("utf8", 0, readSync(descriptor, bytes, 0, HEADER_BYTES, 0)).split("\n", 1);
  return line;
}

/** The id in the first line of a spill file; undefined where there is none. */
export function readSpillId(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openToRead(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return HEADER.exec(readFirstLine(descriptor).trimEnd())?.[2];
  } finally {
    closeSync(descriptor);
  }
}

function* readBatches(
  descriptor: number,
  start: number,
  count: number,
): Generator<ReadPart, { readonly batches: number; readonly problem?: string }> {
  let batches = 0;
  let lines = 0;
  let trouble = "";
  try {
    for (const line of linesOf(descriptor, start)) {
      if (line !== undefined && "kind" in line) {
        yield line;
        continue;
      }
      lines++;
      const batch = line === undefined ? undefined : batchIn(line);
      if (batch === undefined) continue;
      batches++;
      yield { kind: "batch", batch };
    }
  } catch (error) {
    trouble = ` (${String(codeOf(error))})`;
  }
  const missing = Math.max(count, lines) - batches;
  if (missing === 0 && trouble === "") return { batches };
  return { batches, problem: `${String(missing)} of ${String(missing + batches)} batches cannot be read${trouble}` };
}

function batchIn(line: Buffer): StoredBatch | undefined {
  // A character that is damaged would be replaced, and go out as another.
  const batch = isUtf8(line) ? readLine(line.toString("utf8")) : undefined;
  return batch !== undefined && problemOfRecord(batch) === undefined ? batch : undefined;
}

/**
 * Lines without their ends, and without the empty ones; undefined for one that is too long, and for one that was cut off,
 * which may have lost events without a trace. In between, how many bytes were read. A line has to be used at once.
 */
function* linesOf(descriptor: number, start: number): Generator<Buffer | undefined | Progress, void> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  // What came of a line that goes on in the next piece.
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for (let at = start; ;) {
    const read = readSync(descriptor, piece, 0, PIECE_BYTES, at);
    if (read === 0) break;
    at += read;
    let from = 0;
    for (;;) {
      const end = piece.subarray(0, read).indexOf(LINE_END, from);
      const part = piece.subarray(from, end === -1 ? read : end);
      if (end === -1) {
        begunBytes += part.length;
        if (begunBytes <= MAX_LINE_BYTES) begun.push(Buffer.from(part));
        else begun = [];
        break;
      }
      if (begunBytes + part.length > MAX_LINE_BYTES) yield undefined;
      else if (begunBytes + part.length > 0) yield begunBytes === 0 ? part : Buffer.concat([...begun, part]);
      begun = [];
      begunBytes = 0;
      from = end + 1;
    }
    yield { kind: "progress", bytes: read };
  }
  if (begunBytes > 0) yield undefined;
}

/** Neither follows a link nor waits for the other end of a pipe. */
function openToRead(file: string): number {
  // Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  return openSync(file, (O_RDONLY ?? 0) | O_NOFOLLOW | O_NONBLOCK);
}
