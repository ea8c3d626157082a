import { crc32 } from "node:zlib";
import type { Batch, Finding } from "../../index.ts";
import type { Entry, Place } from "../input/entry.ts";
import { fillEnvironment } from "../input/fill-environment.ts";
import { UsageError } from "../usage-error.ts";
import type { EnvironmentGuard } from "./environment-guard.ts";
import { identifyBy } from "./identify.ts";
import type { Progress } from "./checkpoint.ts";
import type { Rejection } from "./rejected-file.ts";

/** Where a batch that was handed over comes from. */
export interface Origin extends Place {
  /** Position in the whole input, 1 for the first. */
  readonly record: number;
  /** Of the text of all records up to it. */
  readonly crc: number;
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
  /** Records above that mark which it rejected, and wrote down. */
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

  /** Records that were read. */
  records = 0;
  /** Of them, those that an earlier run had settled. */
  skipped = 0;
  /** Of them, those that could not be read, or got no id. */
  unreadable = 0;
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
    const value = fillEnvironment(entry.value, guard.filling);
    const identified = this.#identify(value, entry, position);
    if (identified.kind === "unnamed") {
      const hint = "Name a column that all rows have, or several.";
      this.#refuse(
        entry,
        { severity: "error", code: "no-id", path: "", message: identified.message, hint },
        { batch: value },
      );
      return undefined;
    }
    const { batch } = identified;
    if (sends) guard.requireSaid(batch, entry);
    const { file, line, column } = entry;
    this.#origins.push({ file, line, column, record, crc: this.#crc });
    this.batches++;
    this.events += eventsOf(batch);
    return batch;
  }

  /** Called for the record that was read last. */
  #refuse({ file, line, column }: Place, finding: Finding, rest: Partial<Rejection>): void {
    this.unreadable++;
    this.#settings.onRejected({
      record: this.records,
      place: { file, line, column },
      by: "reading",
      findings: [finding],
      ...rest,
    });
    this.stoppedByStrict = this.#settings.strict;
  }
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
