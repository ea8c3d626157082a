import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
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
  /** `problem` says what of it is missing. */
  | {
      readonly kind: "spill";
      readonly id: string;
      readonly batches: readonly StoredBatch[];
      readonly problem?: string;
    };

/** Without its end; an editor may have put a mark in front. */
const HEADER = /^\uFEFF?mparticle-events spill (\d+)(?: ([\da-f-]{36}) (\d+) ([\da-f]{16})$)?/;
/** More than any first line of ours has. */
const HEADER_BYTES = 128;
const LINE_END = 0x0a;
/** How the name of a file of ours ends; 0.1.0 wrote to the bare path as well, where anything may lie. */
const OWN_NAME = /\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(\.tmp)?$/;

/**
 * Reads what can be read of a file, whatever has become of it: no damage of one record takes others with it.
 *
 * @param input - fingerprint of the input that it should be meant for.
 * @param isWanted - by the id of the spill.
 */
export function readSpill(file: string, input: string, isWanted: (id: string) => boolean): ReadSpill {
  let bytes: Buffer | undefined;
  try {
    bytes = withFile(file, (descriptor) => (fstatSync(descriptor).isFile() ? readFileSync(descriptor) : undefined));
  } catch (error) {
    const code = codeOf(error);
    // Another process was faster, and has it now.
    if (code === "ENOENT") return { kind: "none" };
    return { kind: "not ours", why: code === "ELOOP" ? "is a link" : `cannot be read (${String(code)})` };
  }
  if (bytes === undefined) return { kind: "not ours", why: "is no regular file" };
  if (bytes.length === 0 && !OWN_NAME.test(file)) return { kind: "none" };
  // So a power cut leaves a file that was not on the disk yet.
  if (bytes.every((byte) => byte === 0)) return { kind: "unreadable", why: "is empty, or holds nothing but zeros" };
  const lines = linesOf(bytes);
  const header = HEADER.exec(lines[0]?.toString("utf8").trimEnd() ?? "");
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
  return isWanted(id) ? { kind: "spill", id, ...readBatches(lines.slice(1), Number(count)) } : { kind: "none" };
}

/** The id in the first line of a spill file; undefined where there is none. */
export function readSpillId(file: string): string | undefined {
  try {
    return withFile(file, (descriptor) => {
      const bytes = Buffer.alloc(HEADER_BYTES);
      const [line = ""] = bytes.toString("utf8", 0, readSync(descriptor, bytes)).split("\n", 1);
      return HEADER.exec(line.trimEnd())?.[2];
    });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function readBatches(
  lines: readonly Buffer[],
  count: number,
): { readonly batches: readonly StoredBatch[]; readonly problem?: string } {
  const batches: StoredBatch[] = [];
  for (const line of lines) {
    // One that was cut off may have lost events without a trace.
    if (line.at(-1) !== LINE_END) continue;
    // A character that is damaged would be replaced, and go out as another.
    const batch = isUtf8(line) ? readLine(line.toString("utf8", 0, line.length - 1)) : undefined;
    if (batch !== undefined && problemOfRecord(batch) === undefined) batches.push(batch);
  }
  const missing = Math.max(count, lines.length) - batches.length;
  return missing === 0
    ? { batches }
    : { batches, problem: `${String(missing)} of ${String(missing + batches.length)} batches cannot be read` };
}

/** With their ends, and without the empty ones. */
function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LINE_END, start);
    const end = found === -1 ? bytes.length : found + 1;
    if (found !== start) lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

/** Opens a file to read it; neither follows a link nor waits for the other end of a pipe. */
function withFile<Result>(file: string, read: (descriptor: number) => Result): Result {
  // Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  const descriptor = openSync(file, (O_RDONLY ?? 0) | O_NOFOLLOW | O_NONBLOCK);
  try {
    return read(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
