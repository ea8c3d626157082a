import { closeSync, createReadStream, fsyncSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import type { Finding } from "../../errors.ts";
import { formatPlace, type Place } from "../input/entry.ts";
import { splitLines } from "../input/split-lines.ts";
import { messageOf, UsageError } from "../usage-error.ts";

/** One batch that was rejected, or one line that could not be read. */
export interface Rejection {
  /** Position in the whole input, 1 for the first. */
  readonly record: number;
  readonly place: Place;
  /** Who refused it. */
  readonly by: "reading" | "check" | "service";
  readonly status?: number | undefined;
  readonly findings: readonly Finding[];
  /** `undefined` for what could not be read. */
  readonly batch?: unknown;
  readonly text?: string | undefined;
}

const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Rejected batches as lines of JSON, each with what is wrong with it: `{"rejected": {…}, "batch": {…}}`. Once the batch
 * is mended, `upload` takes the same file. Made when there is something to write.
 */
export class RejectedFile {
  readonly path: string;
  readonly name: string;
  #descriptor: number | undefined;
  #isDirty = false;
  /** Where the lines of this run and of those it resumes begin. */
  readonly start: number;

  /** @param start - where the lines of the run begin, if it is resumed. `@default the end of the file` */
  constructor(name: string, path: string, start?: number) {
    this.name = name;
    this.path = path;
    this.start = start ?? sizeOf(path);
  }

  /**
   * The records that an earlier run, which is resumed, has written already. A last line without an end is taken away: the
   * power went while it was written, and its record comes again.
   */
  async writtenRecords(): Promise<Set<number>> {
    const records = new Set<number>();
    const size = sizeOf(this.path);
    if (size <= this.start) return records;
    const { start } = this;
    let lastEnd = start;
    const chunks = createReadStream(this.path, { start }) as AsyncIterable<Buffer>;
    const watched = (async function* () {
      let at = start;
      for await (const chunk of chunks) {
        const end = chunk.lastIndexOf(0x0a);
        if (end !== -1) lastEnd = at + end + 1;
        at += chunk.length;
        yield chunk;
      }
    })();
    for await (const lines of splitLines(watched, MAX_LINE_BYTES)) {
      for (const { text } of lines) {
        const record = recordOf(text);
        if (record !== undefined) records.add(record);
      }
    }
    if (lastEnd < size) truncateSync(this.path, lastEnd);
    return records;
  }

  /** @throws UsageError - when the file cannot be written. */
  write({ record, place, by, status, findings, batch, text }: Rejection): void {
    const rejected = { record, from: formatPlace(place), by, ...(status !== undefined && { status }), findings };
    const line = lineOf(rejected, batch === undefined ? { text } : { batch });
    try {
      this.#descriptor ??= openSync(this.path, "a");
      writeSync(this.#descriptor, `${line}\n`);
      this.#isDirty = true;
    } catch (cause) {
      const remedy = "Make room, or name another file by --rejected.";
      throw new UsageError(`${this.name}: rejected batches cannot be written: ${messageOf(cause)}.`, remedy, { cause });
    }
  }

  /** What was written survives a power cut. */
  sync(): void {
    if (this.#descriptor !== undefined && this.#isDirty) fsyncSync(this.#descriptor);
    this.#isDirty = false;
  }

  close(): void {
    this.sync();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** What is nested too deeply to be written stays where it is: `from` says where. */
function lineOf(rejected: object, rest: object): string {
  try {
    return JSON.stringify({ rejected, ...rest }, digitsOf);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return JSON.stringify({ rejected, text: "nested too deeply to be written" });
  }
}

/** Ids may be bigints, which JSON does not know; digits are as good. */
function digitsOf(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function recordOf(line: string | undefined): number | undefined {
  try {
    const { rejected } = JSON.parse(line ?? "") as { rejected?: { record?: unknown } };
    return typeof rejected?.record === "number" ? rejected.record : undefined;
  } catch {
    return undefined; // somebody is mending the file, or it was cut off
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
