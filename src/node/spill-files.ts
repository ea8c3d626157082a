import { randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fsync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import type { StoredBatch } from "../delivery/outbox.ts";
import { formatLine } from "./batch-lines.ts";
import { inputFingerprint } from "./input-fingerprint.ts";
import { readSpill, readSpillId, SPILL_FORMAT, type ReadPart } from "./spill-reader.ts";
import { syncFolder } from "./sync-folder.ts";
import { codeOf } from "./system-error.ts";

/** A file that this process has read or written. */
export interface Spill {
  readonly file: string;
  /** In its first line; no two files have the same. */
  readonly id: string;
  /** Something in it could not be read: it is kept under another name when the rest of it is delivered. */
  readonly isDamaged: boolean;
}

/** What is found of what earlier processes have left, in the order in which it is read: the oldest file first. */
export type FoundPart =
  | ReadPart
  /** All batches of this file have come, as far as they can be read. */
  | { readonly kind: "spill"; readonly spill: Spill }
  /** Something could not be read, or is meant for another input: a sentence. */
  | { readonly kind: "problem"; readonly problem: string };

const sync = promisify(fsync);

/** So much is encoded at a time; no line has to be cut for it. */
const PIECE_BYTES = 32 * 1024;
/** Where it is encoded. Filled, because the first write to memory takes longer than the write to the disk. */
const MEMORY = Buffer.alloc(2 * PIECE_BYTES, " ");
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Ends the name of a file that is being written. */
const UNFINISHED = ".tmp";
/** No process takes so long to write one: whoever began it has died. */
const ABANDONED_AFTER_MS = 60_000;
/** Of files in a folder that was given as the path. */
const NAME_IN_FOLDER = "mparticle-events.spill";

/**
 * Files of batches as lines of text, written when a process ends. Each has a name of its own: the path and an id. So
 * nothing is ever overwritten, and processes that share a path, such as one that starts before its predecessor has ended,
 * take nothing from each other.
 */
export class SpillFiles {
  /** The folder in which they lie, and how their names begin. */
  readonly #folder: string;
  readonly #prefix: string;
  /** Where version 0.1.0 wrote its first one; undefined for a folder. */
  readonly #legacyFile: string | undefined;
  readonly #input: string;

  /**
   * @param path - a folder, or how the paths of the files begin.
   * @param apiKey - names the input that the batches are meant for.
   * @throws Error - when the folder is not there, or cannot be written to.
   */
  constructor(path: string, apiKey: string) {
    // Windows takes both kinds of slash.
    const isFolder =
      path.endsWith("/") || path.endsWith(sep) || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    this.#folder = isFolder ? path : dirname(path);
    this.#prefix = `${isFolder ? NAME_IN_FOLDER : basename(path)}.`;
    this.#legacyFile = isFolder ? undefined : path;
    this.#input = inputFingerprint(apiKey);
    try {
      accessSync(this.#folder, constants.W_OK | constants.X_OK);
    } catch (cause) {
      const why = "its folder is not there, or cannot be written to. Make it, or choose another";
      throw new Error(`\`spillPath\` cannot be ${path}: ${why}.`, { cause });
    }
  }

  /**
   * Reads what earlier processes have left for this input, piece by piece. It stays where it is.
   *
   * @param isWanted - by `id` of a spill, before its first batch.
   */
  *read(isWanted: (id: string) => boolean = () => true): Generator<FoundPart, void> {
    for (const file of this.#files()) {
      const found = yield* readSpill(file, this.#input, isWanted);
      switch (found.kind) {
        case "none":
          break;
        case "not ours":
          yield { kind: "problem", problem: `${file} ${found.why}; it was left alone.` };
          break;
        case "unreadable": {
          const problem = `The spill file ${file} ${found.why}; nothing of it is sent. ${this.#keepAside(file)}`;
          yield { kind: "problem", problem };
          break;
        }
        case "spill": {
          const { id, batches, problem } = found;
          if (problem !== undefined) {
            const rest = `the other ${String(batches)} are sent, and the file is kept beside its place then`;
            yield { kind: "problem", problem: `In the spill file ${file}, ${problem}; ${rest}.` };
          }
          yield { kind: "spill", spill: { file, id, isDamaged: problem !== undefined } };
        }
      }
    }
  }

  /**
   * Writes a file at once, down to the disk: it survives a power cut.
   *
   * @throws Error - when that fails; nothing of it is left then.
   */
  write(batches: readonly StoredBatch[]): Spill {
    const { spill, unfinished } = this.#name();
    try {
      for (const descriptor of this.#writeFile(unfinished, spill.id, batches)) {
        if (descriptor !== undefined) fsyncSync(descriptor);
      }
      this.#publish(unfinished, spill);
    } catch (error) {
      removeIfThere(unfinished);
      throw error;
    }
    return spill;
  }

  /**
   * As {@link write}; others get their turn between two pieces, and while it waits for the disk.
   *
   * @throws Error - when that fails; nothing of it is left then.
   */
  async writeInTurns(batches: readonly StoredBatch[]): Promise<Spill> {
    const { spill, unfinished } = this.#name();
    try {
      for (const descriptor of this.#writeFile(unfinished, spill.id, batches)) {
        await (descriptor === undefined ? nextTurn() : sync(descriptor));
      }
      this.#publish(unfinished, spill);
    } catch (error) {
      removeIfThere(unfinished);
      throw error;
    }
    return spill;
  }

  #name(): { readonly spill: Spill; readonly unfinished: string } {
    const id = randomUUID();
    const file = join(this.#folder, this.#prefix + id);
    return { spill: { file, id, isDamaged: false }, unfinished: file + UNFINISHED };
  }

  #publish(unfinished: string, { file }: Spill): void {
    renameSync(unfinished, file);
    syncFolder(this.#folder);
  }

  /** Runs on a file of its own what {@link write} runs: half of the time of a first write is spent on compiling it. */
  rehearse(): void {
    const id = randomUUID();
    const file = join(this.#folder, `${this.#prefix}rehearsal-${id}`);
    try {
      const pieces = this.#writeFile(file, id, [{ requestId: "", context: "{}", events: ["{}"] }]);
      while (pieces.next().done !== true);
    } catch {
      // A disk that is full now may have room when it matters.
    }
    removeIfThere(file);
  }

  /** Removes files that this process has read or written, and nothing that has come to their place. */
  remove(spills: readonly Spill[]): void {
    for (const { file, id, isDamaged } of spills) {
      if (readSpillId(file) !== id) continue;
      if (isDamaged) this.#keepAside(file);
      else removeIfThere(file);
    }
  }

  /** Gives a damaged file a name by which nobody reads it again, and says which. */
  #keepAside(file: string): string {
    const aside = `${file}.damaged-${randomUUID()}`;
    try {
      renameSync(file, aside);
      return `It was kept as ${aside}.`;
    } catch {
      return "It could not be renamed, and stays where it is.";
    }
  }

  /**
   * A new file, which only its owner can read: it holds personal data. Stops after each piece, and at the end with the
   * descriptor, to be synced.
   */
  *#writeFile(file: string, id: string, batches: readonly StoredBatch[]): Generator<number | undefined, void> {
    // "wx" fails when there is something at that name, a link included.
    const descriptor = openSync(file, "wx", 0o600);
    try {
      let piece = `mparticle-events spill ${String(SPILL_FORMAT)} ${id} ${String(batches.length)} ${this.#input}\n`;
      for (const batch of batches) {
        piece += formatLine(batch);
        if (piece.length < PIECE_BYTES) continue;
        writeText(descriptor, piece);
        piece = "";
        yield undefined;
      }
      writeText(descriptor, piece);
      yield descriptor;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Oldest first. */
  #files(): readonly string[] {
    const named = readdirSync(this.#folder)
      .filter(
        (name) => name.startsWith(this.#prefix) && ID.test(name.slice(this.#prefix.length).replace(UNFINISHED, "")),
      )
      .map((name) => join(this.#folder, name));
    return [...(this.#legacyFile === undefined ? [] : [this.#legacyFile]), ...named]
      .flatMap((file) => {
        const stats = lstatSync(file, { throwIfNoEntry: false });
        if (stats === undefined) return [];
        const { mtimeMs } = stats;
        const isWritten = !file.endsWith(UNFINISHED) || Math.abs(Date.now() - mtimeMs) > ABANDONED_AFTER_MS;
        return isWritten || file === this.#legacyFile ? [{ file, mtimeMs }] : [];
      })
      .sort((one, other) => one.mtimeMs - other.mtimeMs)
      .map(({ file }) => file);
  }
}

function writeText(descriptor: number, text: string): void {
  const length = Buffer.byteLength(text);
  const bytes = length > MEMORY.length ? Buffer.from(text) : MEMORY;
  if (bytes === MEMORY) bytes.write(text);
  for (let at = 0; at < length;) at += writeSync(descriptor, bytes, at, length - at);
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
