import { createReadStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf, UsageError } from "../usage-error.ts";
import type { InputFile } from "./find-inputs.ts";
import { isTooShortToTell, requireText } from "./require-text.ts";

/** The file ends, or breaks, before what is in it does. */
export class DamagedFileError extends Error {
  override name = "DamagedFileError" as const;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of a file, unpacked where they are gzipped, whatever the file is called; members of a gzip file that follow
 * each other are one text. A byte order mark at the beginning is left out.
 *
 * @param onBytes - told of each chunk that was read, before it is unpacked.
 * @throws UsageError - when it cannot be opened, or is no text in UTF-8, such as a file in UTF-16 or an archive.
 * @throws DamagedFileError - when it breaks in the middle.
 */
export async function* readBytes(
  file: InputFile,
  stdin: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const raw = countingRaw(file, stdin, onBytes);
  const first = await raw.next();
  if (first.done === true) return;
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const rest = startingWith(first.value, raw);
  const bytes = isGzip ? gunzip(file, rest) : rest;
  let beginning: Buffer | undefined = Buffer.alloc(0);
  try {
    for await (const chunk of bytes) {
      if (beginning === undefined) {
        yield chunk;
        continue;
      }
      beginning = beginning.length === 0 ? chunk : Buffer.concat([beginning, chunk]);
      if (isTooShortToTell(beginning)) continue;
      yield requireText(file.name, beginning);
      beginning = undefined;
    }
    if (beginning !== undefined && beginning.length > 0) yield requireText(file.name, beginning);
  } finally {
    await raw.return(undefined);
  }
}

async function* countingRaw(
  file: InputFile,
  stdin: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer, undefined> {
  const source: AsyncIterable<Uint8Array> =
    file.path === undefined ? stdin : createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  try {
    let pending: Buffer | undefined;
    for await (const chunk of source) {
      onBytes(chunk.length);
      const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      // Two bytes tell whether a file is gzipped: a pipe may bring one at a time.
      const joined = pending === undefined ? buffer : Buffer.concat([pending, buffer]);
      pending = joined.length < 2 ? joined : undefined;
      if (pending === undefined) yield joined;
    }
    if (pending !== undefined) yield pending;
  } catch (cause) {
    throw new UsageError(
      `${file.name}: it cannot be read: ${messageOf(cause)}.`,
      "Check that it exists and that you may read it.",
      { cause },
    );
  }
  return undefined;
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* gunzip(file: InputFile, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(packed);
  const unpacker: Transform = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error of the source ends the unpacker too; its own is told by the loop below.
  source.on("error", (error) => unpacker.destroy(error));
  source.pipe(unpacker);
  try {
    for await (const chunk of unpacker) yield chunk as Buffer; // a stream of bytes
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new DamagedFileError(`${file.name}: the gzip data is damaged: ${messageOf(cause)}.`, { cause });
  } finally {
    source.destroy();
  }
}
