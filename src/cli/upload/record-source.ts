import { crc32 } from "node:zlib";
import type { Batch, Finding } from "../../index.ts";
import type { Entry, Place } from "../input/entry.ts";
import { fillEnvironment } from "../input/fill-environment.ts";
import { UsageError } from "../usage-error.ts";
import type { EnvironmentGuard } from "./environment-guard.ts";
import { contentOf, idOf, repetition, SeenIds } from "../input/seen-ids.ts";
import { identifyBy, nameBatch, type Identified } from "./identify.ts";
import type { Progress } from "./checkpoint.ts";
import type { Rejection } from "./rejected-file.ts";

/** Where a batch that was handed over comes from. */
export interface Origin extends Place {
  /** Position in the whole input, 1 for the first. */
  readonly record: number;
  /** Of the text of all records up to it. */
  readonly crc: number;
  /** A row of CSV. */
  readonly isRow: boolean;
}

/** What is needed to make batches of records. */
export interface SourceSettings {
  readonly guard: EnvironmentGuard;
  readonly idFrom: readonly string[];
  readonly strict: boolean;
  /** Production without `--environment` ends the run; where nothing is sent it only counts. */
  readonly sends: boolean;
  /** What an earlier run has settled; its records are read again, and compared. */
  readonly resumed: Progress | undefined;
  /** Records that it rejected, and wrote down. */
  readonly rejectedBefore: ReadonlySet<number>;
  readonly onRejected: (rejection: Rejection) => void;
}

/**
 * The batches of an upload, made of what is read, and the books about them: which came from where, and what was settled
 * before.
 */
export class RecordSource {
  readonly #entries: AsyncIterable<readonly Entry[]>;
  readonly #settings: SourceSettings;
  readonly #identify: ReturnType<typeof identifyBy>;
  /** Of the batches that are not settled, by their index from `#firstIndex` on. */
  #origins: Origin[] = [];
  #firstIndex = 0;
  #crc = 0;
  #inFile = { name: "", records: 0 };
  #settled: Progress;
  /** The ids of all batches that were not rejected. */
  readonly seenIds = new SeenIds();

  /** Records that were read. */
  records = 0;
  /** Of them, those that an earlier run had settled. */
  skipped = 0;
  /** Of them, those that could not be read, or got no id. */
  unreadable = 0;
  /** Of them, those whose id another record has, which says something else. */
  repeated = 0;
  /** Of them, those that an earlier run had rejected, beyond its checkpoint. */
  rejectedBefore = 0;
  /** The batches made of them. */
  batches = 0;
  events = 0;
  /** A line could not be read, and `--strict` said that this ends the run. */
  stoppedByStrict = false;

  constructor(entries: AsyncIterable<readonly Entry[]>, settings: SourceSettings) {
    this.#entries = entries;
    this.#settings = settings;
    this.#identify = identifyBy(settings.idFrom);
    this.#settled = settings.resumed ?? { records: 0, crc: 0, at: "the beginning" };
  }

  /** Everything up to here is settled. */
  get settled(): Progress {
    return this.#settled;
  }

  /** The place of a batch, by its index, until it is settled. */
  originOf(index: number): Origin {
    const origin = this.#origins[index - this.#firstIndex];
    if (origin === undefined) throw new Error(`batch ${String(index)} is not in the books`);
    return origin;
  }

  /** All batches below that index are settled: their places are forgotten. */
  settleThrough(index: number): void {
    const count = index - this.#firstIndex;
    if (count <= 0) return;
    const last = this.#origins[count - 1];
    if (last !== undefined)
      this.#settled = { records: last.record, crc: last.crc, at: `${last.file}:${String(last.line)}` };
    // Seldom enough: settling comes in runs of a hundred, and this copies what is in flight.
    this.#origins = this.#origins.slice(count);
    this.#firstIndex = index;
  }

  /** Everything that was read is settled. */
  settleAll(): void {
    this.settleThrough(this.#firstIndex + this.#origins.length);
    if (this.records > this.#settled.records)
      this.#settled = { ...this.#settled, records: this.records, crc: this.#crc };
  }

  /** @throws UsageError - when the files are not those of the checkpoint, or a batch is for production by mistake. */
  async *read(): AsyncGenerator<Batch> {
    for await (const entries of this.#entries) {
      for (const entry of entries) {
        const batch = this.#toBatch(entry);
        // What is none is rejected by the check, as it is for everybody else.
        if (batch !== undefined) yield batch as Batch;
        if (this.stoppedByStrict) return;
      }
    }
    const { resumed } = this.#settings;
    if (resumed !== undefined && this.records < resumed.records) throw changed(`it ends before ${resumed.at}`);
  }

  /** The batch was rejected, so that its id is free for another one. */
  freeId(batch: unknown): void {
    const id = idOf(batch);
    if (id !== undefined) this.seenIds.forget(id);
  }

  #toBatch(entry: Entry): unknown {
    const { guard, sends, resumed, rejectedBefore } = this.#settings;
    const record = ++this.records;
    if (this.#inFile.name !== entry.file) this.#inFile = { name: entry.file, records: 0 };
    const position = { record: ++this.#inFile.records, crc: crc32(entry.text ?? entry.kind) };
    // One after the other: two records that change places are another input.
    this.#crc = (Math.imul(this.#crc, 0x01000193) ^ position.crc) >>> 0;
    if (resumed !== undefined && record <= resumed.records) {
      this.skipped++;
      if (record === resumed.records && this.#crc !== resumed.crc)
        throw changed(`something before ${resumed.at} is not as it was`);
      // What was accepted has its id; what was rejected has none.
      if (entry.kind === "record" && !rejectedBefore.has(record)) {
        const value = fillEnvironment(entry.value, guard.filling);
        this.#noteId(value, this.#identify(value, entry, position), entry);
      }
      return undefined;
    }
    if (rejectedBefore.has(record)) {
      this.rejectedBefore++;
      return undefined;
    }
    if (entry.kind === "broken") {
      const { code, message, hint, text } = entry;
      this.#refuse(entry, { severity: "error", code, path: "", message, hint }, { text });
      return undefined;
    }
    const batch = fillEnvironment(entry.value, guard.filling);
    const identified = this.#identify(batch, entry, position);
    if (identified.kind === "unnamed") {
      const hint = "Name a column that all rows have, or several.";
      this.#refuse(entry, { severity: "error", code: "no-id", path: "", message: identified.message, hint }, { batch });
      return undefined;
    }
    const earlier = this.#noteId(batch, identified, entry);
    if (earlier !== undefined) {
      // Without the id that was made for it: uploaded as it is, it would be dropped without a word.
      this.repeated++;
      this.#reject(entry, repeats(earlier, identified), { by: "check", batch });
      return undefined;
    }
    nameBatch(batch, identified.id);
    if (sends) guard.requireSaid(batch, entry);
    const { file, line, column } = entry;
    this.#origins.push({ file, line, column, record, crc: this.#crc, isRow: entry.row !== undefined });
    this.batches++;
    this.events += eventsOf(batch);
    return batch;
  }

  /** Where the record stands that has the same id and says something else. */
  #noteId(batch: unknown, identified: Identified, place: Place): Place | undefined {
    // A place in the input has one record.
    if (identified.kind === "unnamed" || identified.id === undefined || identified.of === "place") return undefined;
    return this.seenIds.note(identified.id, contentOf(batch), place);
  }

  #refuse(place: Place, finding: Finding, rest: Partial<Rejection>): void {
    this.unreadable++;
    this.#reject(place, finding, rest);
    this.stoppedByStrict = this.#settings.strict;
  }

  /** Called for the record that was read last. */
  #reject({ file, line, column }: Place, finding: Finding, rest: Partial<Rejection>): void {
    this.#settings.onRejected({
      record: this.records,
      place: { file, line, column },
      by: "reading",
      findings: [finding],
      ...rest,
    });
  }
}

function repeats(earlier: Place, { of }: Identified & { readonly kind: "identified" }): Finding {
  const finding = repetition(earlier);
  if (of !== "fields") return finding;
  return { ...finding, hint: "Name by --id-from what tells the two apart, such as --id-from user_id date." };
}

/** As many as a batch has, whatever it is. */
export function eventsOf(batch: unknown): number {
  const events = typeof batch === "object" && batch !== null && "events" in batch ? batch.events : undefined;
  return Array.isArray(events) ? events.length : 0;
}

function changed(what: string): UsageError {
  return new UsageError(
    `The input has changed since the checkpoint was written: ${what}.`,
    "Put the files back as they were; or begin anew with another --checkpoint, which is safe with --id-from: what was accepted is recognised.",
  );
}
