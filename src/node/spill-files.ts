import { createHash, randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { StoredBatch } from "../delivery/outbox.ts";
import { formatLine, readLines } from "./batch-lines.ts";

/** A file that this process has read or written. */
export interface Spill {
  readonly file: string;
  /** In its first line; no two files have the same. */
  readonly id: string;
}

/** What lay at a path. */
export interface Found {
  readonly spills: readonly Spill[];
  /** Those of all of them, the oldest file first. */
  readonly batches: readonly StoredBatch[];
  /** Files that were damaged, under the names they have now. */
  readonly setAside: readonly string[];
  /** Files with what is meant for another input: they are left alone. */
  readonly foreign: readonly string[];
}

const FORMAT = 1;
const HEADER = /^mparticle-events spill (\d+)(?: ([\da-f-]{36}) (\d+) ([\da-f]{16})$)?/;
/** More than any first line of ours has. */
const HEADER_BYTES = 128;
/** So much is encoded at a time; no line has to be cut for it. */
const PIECE_BYTES = 32 * 1024;
/** Where it is encoded. Filled, for to write to memory for the first time takes longer than to write to the disk. */
const MEMORY = Buffer.alloc(2 * PIECE_BYTES, " ");
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

interface Header {
  readonly id: string;
  /** How many there are, unless even that is damaged. */
  readonly batches: number;
  /** Fingerprint of the input that they are meant for. */
  readonly input: string;
}

/**
 * Files of batches as lines of text, written when a process ends: at the path it was given or, when there is something
 * already, at that path with an id behind it. What a file holds never changes, nothing is ever overwritten, and only
 * what this process has read or written is removed: so processes that share a path, such as one that starts before its
 * predecessor has ended, take nothing from each other.
 */
export class SpillFiles {
  readonly path: string;
  readonly #input: string;

  /**
   * @param apiKey - names the input that the batches are meant for.
   * @throws Error - when the path lies in a folder that cannot be written to.
   */
  constructor(path: string, apiKey: string) {
    this.path = path;
    this.#input = createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
    try {
      accessSync(dirname(path), constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw unusable(path, "its folder is not there, or cannot be written to. Make it, or choose another", cause);
    }
  }

  /**
   * What earlier processes have left for this input; it stays where it is. A file that is damaged is set aside.
   *
   * @param isWanted - by `id` of a spill.
   * @throws Error - when there is something that no process of this kind has written: it is left alone.
   */
  read(isWanted: (id: string) => boolean = () => true): Found {
    const spills: Spill[] = [];
    const batches: StoredBatch[] = [];
    const setAside: string[] = [];
    const foreign: string[] = [];
    for (const file of this.#files()) {
      try {
        const header = this.#headerOf(file);
        if (header === undefined || !isWanted(header.id)) continue;
        if (header.id !== "" && header.input !== this.#input) {
          foreign.push(file);
          continue;
        }
        const read = readBatches(file, header);
        if (read === undefined) {
          const aside = `${file}.damaged-${String(Date.now())}`;
          renameSync(file, aside);
          setAside.push(aside);
        } else {
          spills.push({ file, id: header.id });
          for (const batch of read) batches.push(batch);
        }
      } catch (error) {
        // Another process was faster, and has it now.
        if (!isMissing(error)) throw error;
      }
    }
    return { spills, batches, setAside, foreign };
  }

  /**
   * Writes a file. Those of `old` still have to be removed: at any moment the next start finds all of them or the new one.
   *
   * @param old - makes way, should it be at the path itself.
   * @throws Error - when that fails; nothing of it is left then.
   */
  write(batches: readonly StoredBatch[], old: readonly Spill[]): Spill {
    const id = randomUUID();
    const own = `${this.path}.${id}`;
    const unfinished = `${own}.tmp`;
    try {
      writeFile(unfinished, { id, batches: batches.length, input: this.#input }, batches);
      for (const spill of old) this.#moveAside(spill);
      return { id, file: this.#publish(unfinished, own) };
    } catch (error) {
      removeIfThere(unfinished);
      throw error;
    }
  }

  /** Removes files that this process has read or written, and nothing that has come to their place. */
  remove(spills: readonly Spill[]): void {
    for (const spill of spills) {
      const file = this.#moveAside(spill);
      if (idOf(file) === spill.id) removeIfThere(file);
    }
  }

  /** Gives the finished file its name: the path itself, unless there is something, even if only since a moment ago. */
  #publish(unfinished: string, own: string): string {
    try {
      linkSync(unfinished, this.path);
    } catch {
      // Also where the file system has no links.
      renameSync(unfinished, own);
      return own;
    }
    unlinkSync(unfinished);
    return this.path;
  }

  /** Makes the path itself free of a file of ours, which gets a name that no other file has; returns where it is. */
  #moveAside({ file, id }: Spill): string {
    const aside = `${this.path}.${id}`;
    try {
      if (file === this.path && idOf(file) === id) renameSync(file, aside);
    } catch {
      // It stays where it is, as in a folder of somebody else: then the new one goes beside it.
      return file;
    }
    return aside;
  }

  /** The path, and what was written beside it because it was taken, oldest first. */
  #files(): readonly string[] {
    const folder = dirname(this.path);
    const prefix = `${basename(this.path)}.`;
    const beside = readdirSync(folder).filter((name) => name.startsWith(prefix) && ID.test(name.slice(prefix.length)));
    return [this.path, ...beside.map((name) => join(folder, name))]
      .flatMap((file) => {
        const stats = statSync(file, { throwIfNoEntry: false });
        if (stats === undefined) return [];
        if (stats.isFile()) return [{ file, mtimeMs: stats.mtimeMs }];
        throw unusable(
          file,
          `it is ${stats.isDirectory() ? "a folder" : "no regular file"}. Choose the path of a file`,
        );
      })
      .sort((one, other) => one.mtimeMs - other.mtimeMs)
      .map(({ file }) => file);
  }

  /** @returns undefined for an empty file, and for one that is gone: there is nothing in it to be lost. */
  #headerOf(file: string): Header | undefined {
    let line: string | undefined;
    try {
      line = firstLineOf(file);
    } catch (cause) {
      throw unusable(file, "it cannot be read. Let this process read and write it, or choose another", cause);
    }
    if (line === undefined || line === "") return undefined;
    const [, format, id = "", batches, input = ""] = HEADER.exec(line) ?? [];
    if (format === undefined) {
      throw unusable(file, "it is there already, and no spill file; it was not changed. Choose another path");
    }
    if (Number(format) === FORMAT) return { id, batches: Number(batches), input };
    const expected = `it has format ${format}, expected ${String(FORMAT)}; it was not changed`;
    throw unusable(file, `${expected}. Let the version of this package that wrote it send it, or choose another path`);
  }
}

/** @returns undefined when the file is damaged. */
function readBatches(file: string, header: Header): readonly StoredBatch[] | undefined {
  const text = readFileSync(file, "utf8");
  try {
    const batches = readLines(text.slice(text.indexOf("\n") + 1));
    for (const { context, events } of batches) for (const one of [context, ...events]) JSON.parse(one);
    return batches.length === header.batches ? batches : undefined;
  } catch {
    return undefined;
  }
}

function idOf(file: string): string | undefined {
  return HEADER.exec(firstLineOf(file) ?? "")?.[2];
}

/** @returns undefined when there is no file. */
function firstLineOf(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const text = bytes.toString("utf8", 0, readSync(descriptor, bytes));
    return text.split("\n", 1)[0];
  } finally {
    closeSync(descriptor);
  }
}

/** A new file; it holds personal data. */
function writeFile(file: string, header: Header, batches: readonly StoredBatch[]): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    let piece = `mparticle-events spill ${String(FORMAT)} ${header.id} ${String(header.batches)} ${header.input}\n`;
    for (const batch of batches) {
      piece += formatLine(batch);
      if (piece.length < PIECE_BYTES) continue;
      write(descriptor, piece);
      piece = "";
    }
    write(descriptor, piece);
  } finally {
    closeSync(descriptor);
  }
}

function write(descriptor: number, text: string): void {
  const length = Buffer.byteLength(text);
  const bytes = length > MEMORY.length ? Buffer.from(text) : MEMORY;
  if (bytes === MEMORY) bytes.write(text);
  for (let at = 0; at < length;) at += writeSync(descriptor, bytes, at, length - at);
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function unusable(path: string, why: string, cause?: unknown): Error {
  return new Error(`\`spillPath\` cannot be ${path}: ${why}.`, { cause });
}
