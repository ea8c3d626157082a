import { isUtf8 } from "node:buffer";

/** A line of a file, without its end. */
export interface Line {
  /** 1 for the first. */
  readonly number: number;
  /** `undefined` when there is none to be had: see `fault`. */
  readonly text: string | undefined;
  readonly fault?: "too-long" | "not-utf8" | undefined;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Cuts bytes into lines at each line feed, and takes a carriage return before it away. Gives all lines that a chunk
 * completes at once, because one at a time would cost more than everything that is done with a line.
 *
 * @param maxBytes - a longer line is not kept, only counted: one that never ends costs no memory.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<readonly Line[]> {
  let number = 0;
  /** The beginning of a line whose end is still to come. */
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  const lineOf = (last: Buffer): Line => {
    number++;
    const isTooLong = pendingBytes + last.length > maxBytes;
    const bytes = isTooLong || pending.length === 0 ? last : Buffer.concat([...pending, last]);
    if (pending.length > 0) pending = [];
    pendingBytes = 0;
    if (isTooLong) return { number, text: undefined, fault: "too-long" };
    const end = bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    if (!isUtf8(bytes)) return { number, text: undefined, fault: "not-utf8" };
    return { number, text: bytes.toString("utf8", 0, end) };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(lineOf(chunk.subarray(start, end)));
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    pendingBytes += rest.length;
    if (pendingBytes > maxBytes) pending = [];
    else if (rest.length > 0) pending.push(rest);
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) yield [lineOf(Buffer.alloc(0))];
}
