import { isUtf8 } from "node:buffer";
import { UsageError } from "../usage-error.ts";

/** The magic number of a tar archive stands in its first 512 bytes. */
const KNOWING_BYTES = 512;

const UNPACK = "Unpack it, or export it as NDJSON or CSV.";

/** What begins so, in Latin-1, is no text, and would be read as thousands of broken lines. */
const KINDS: readonly (readonly [beginning: RegExp, kind: string])[] = [
  [/^PK(\x03\x04|\x05\x06|\x07\x08)/, "a ZIP archive, as .xlsx is one"],
  [/^\x1f\x8b/, "gzipped twice"],
  [/^BZh[1-9](1AY&SY|\x17rE8P\x90)/, "packed by bzip2"],
  [/^\xfd7zXZ\x00/, "packed by xz"],
  [/^\x28\xb5\x2f\xfd/, "packed by Zstandard"],
  [/^7z\xbc\xaf\x27\x1c/, "a 7z archive"],
  // The byte of zero belongs to it: the 257th letter of a text may be the `u` of "mustard".
  [/^[^]{257}ustar {0,2}\x00/, "a tar archive"],
  // No tab and no end of a line: a column may be called PAR1.
  [/^PAR1[\x00-\x08\x0b\x0c\x0e-\x1f]/, "a Parquet file"],
  [/^Obj\x01/, "an Avro file"],
  [/^SQLite format 3\x00/, "a database of SQLite"],
  [/^\xd0\xcf\x11\xe0/, "a file of Microsoft Office, as .xls is one"],
  [/^%PDF-\d\.\d/, "a PDF"],
];

/** Marks of encodings that are not UTF-8; behind them what an ASCII text without a mark looks like in them. */
const ENCODINGS: readonly (readonly [beginning: RegExp, kind: string, iconv: string])[] = [
  [/^(\xff\xfe\x00\x00|\x00\x00\xfe\xff)/, "UTF-32", "UTF-32"],
  [/^(\xff\xfe|\xfe\xff)/, "UTF-16", "UTF-16"],
  [/^[^\x00]\x00\x00\x00/, "UTF-32 without a byte order mark", "UTF-32LE"],
  [/^\x00\x00\x00[^\x00]/, "UTF-32 without a byte order mark", "UTF-32BE"],
  [/^[^\x00]\x00[^\x00]\x00/, "UTF-16 without a byte order mark", "UTF-16LE"],
  [/^\x00[^\x00]\x00[^\x00]/, "UTF-16 without a byte order mark", "UTF-16BE"],
];

const MARK = /^(\xef\xbb\xbf)+/;

/** Whether more of a file has to be there before {@link requireText} can tell what it is. */
export function isTooShortToTell(beginning: Buffer): boolean {
  if (beginning.length >= KNOWING_BYTES) return false;
  // As little as can be: what comes through a pipe line by line is read line by line.
  return beginning.length < 4 || beginning.includes(0);
}

/**
 * The beginning of a file without its byte order mark, or marks: tools put one before a text that has one.
 *
 * @throws UsageError - when the file is no text, or not in UTF-8 from its first bytes on; with what to do.
 */
export function requireText(name: string, beginning: Buffer): Buffer {
  const first = beginning.toString("latin1", 0, KNOWING_BYTES);
  const [, kind] = KINDS.find(([begins]) => begins.test(first)) ?? [];
  if (kind !== undefined) throw new UsageError(`${name}: it is ${kind}, and no text.`, UNPACK);
  const [, encoding, iconv] = ENCODINGS.find(([begins]) => begins.test(first)) ?? [];
  if (encoding !== undefined) {
    throw new UsageError(`${name}: it is ${encoding}.`, `Save it as UTF-8, such as by ${conversion(name, iconv)}.`);
  }
  const text = first.slice(MARK.exec(first)?.[0].length ?? 0);
  // A damaged line costs itself, as any other; but no file of JSON or CSV begins with a line that holds such a byte.
  if (/^[^{[\n]*\x00/.test(text)) throw new UsageError(`${name}: it is no text: it begins with bytes of zero.`, UNPACK);
  return beginning.subarray(first.length - text.length);
}

/**
 * A small file that is read as a whole, such as a manifest.
 *
 * @throws UsageError - when it is not UTF-8: names in it would match nothing.
 */
export function textOf(name: string, bytes: Buffer): string {
  const text = requireText(name, bytes);
  if (isUtf8(text)) return text.toString("utf8");
  throw new UsageError(
    `${name}: it is not UTF-8.`,
    `Convert it from the encoding that it has, such as by ${conversion(name)}.`,
  );
}

/** The command that makes UTF-8 of a file. */
export function conversion(name: string, encoding = "WINDOWS-1252"): string {
  return withCommand("iconv", `-f ${encoding} -t UTF-8`, name);
}

/** A command that reads a file and writes it anew, to be copied. */
export function withCommand(command: string, flags: string, name: string): string {
  // The standard input has no name, a gzipped file is no text, and quotes differ from shell to shell.
  const isPlain = /^[\w@%+=:,./-]+$/.test(name) && !/^-|\.gz$/i.test(name);
  const extension = /\.\w+$/.exec(name)?.[0] ?? "";
  return `\`${command} ${flags}${isPlain ? ` < ${name} > mended${extension}` : ""}\``;
}
