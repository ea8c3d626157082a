import type { DeadLetter, OutboxEntry, StoredBatch } from "../delivery/outbox.ts";
import { formatLines, readLine } from "./batch-lines.ts";
import { inTransaction, type Database, type Row, type Statement } from "./sqlite.ts";

/**
 * `log` has a row for each commit, not for each batch: rows are what costs. `settled` has the ids that need not be sent
 * any more although the rows they are in, up to `up_to`, are still needed by others.
 */
export const SCHEMA = `
  CREATE TABLE log (seq INTEGER PRIMARY KEY, batches TEXT NOT NULL);
  CREATE TABLE settled (seq INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, request_ids TEXT NOT NULL);
  CREATE TABLE rejected (
    request_id TEXT PRIMARY KEY, context TEXT NOT NULL, events TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL
  );
`;

interface PendingBatch {
  /** Grows from batch to batch: a batch whose removal was taken back has its place all the same. */
  readonly index: number;
  /** Those it is in. */
  readonly rows: readonly number[];
}

/** A batch that was set aside, with the reason. */
export interface StoredDeadLetter extends StoredBatch, DeadLetter {}

/** What an outbox keeps, in the tables of an open database. Every change is made in {@link OutboxLog.transaction}. */
export class OutboxLog {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #batches = new Map<string, PendingBatch>();
  #batchCount = 0;
  /** Rows, oldest first, and how many pending batches each has; those that have none leave with the transaction. */
  readonly #rows = new Map<number, number>();
  #emptied: number[] = [];
  /** `up_to` of each row of `settled`, oldest first. */
  #settledUpTo: number[] = [];
  #nextSeq = 1;
  #undo: (() => void)[] = [];

  /** Finds out what is pending. */
  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    const settled = this.#readSettled();
    this.#settledUpTo = this.#statements.settled.all().map((row) => Number(row["up_to"]));
    for (const { seq, requestIds } of this.#readLog()) {
      this.#rows.set(seq, 0);
      for (const requestId of requestIds) if (seq > (settled.get(requestId) ?? 0)) this.#link(requestId, seq);
      this.#undo = [];
      this.#nextSeq = seq + 1;
    }
    this.#nextSeq = Math.max(this.#nextSeq, 1 + (this.#settledUpTo.at(-1) ?? 0));
  }

  /** Does all of `work` or nothing of it, on disk and in memory. */
  transaction(work: () => void): void {
    try {
      inTransaction(this.#database, work);
      for (const seq of this.#emptied) this.#rows.delete(seq);
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      throw error;
    } finally {
      this.#undo = [];
      this.#emptied = [];
    }
  }

  /**
   * Adds events to batches, as one row.
   *
   * @throws Error - when there is no context for a batch that is not pending.
   */
  append(entries: readonly OutboxEntry[]): void {
    if (entries.length === 0) return;
    const seq = this.#nextSeq++;
    this.#rows.set(seq, 0);
    this.#undo.push(() => this.#rows.delete(seq));
    for (const { requestId, context } of entries) {
      if (context === undefined && !this.#batches.has(requestId)) {
        throw new Error(`events of batch ${requestId} came without its context, which is not stored.`);
      }
      this.#link(requestId, seq);
    }
    this.#statements.insertLog.run(seq, formatLines(entries));
  }

  /** Forgets batches. */
  remove(requestIds: readonly string[]): void {
    const upTo = this.#nextSeq - 1;
    const remembered = requestIds.filter((requestId) => this.#unlink(requestId));
    if (remembered.length > 0) {
      this.#statements.insertSettled.run(upTo, JSON.stringify(remembered));
      this.#settledUpTo.push(upTo);
      this.#undo.push(() => this.#settledUpTo.pop());
    }
    this.#forgetSettled();
  }

  /** Moves batches to where those are kept that the service refused. */
  setAside(letters: readonly DeadLetter[]): void {
    for (const { requestId, reason } of letters) {
      const stored = this.#find(requestId);
      if (stored === undefined) continue;
      const { code, message, atMs } = reason;
      this.#statements.insertRejected.run(requestId, stored.context, stored.events.join("\n"), code, message, atMs);
      this.remove([requestId]);
    }
  }

  /** What is pending, oldest first; read as it is taken, for there may be more of it than memory. */
  *pending(): Generator<StoredBatch, void> {
    const rows = new RowCache((seq) => this.#readRow(seq));
    const batches = [...this.#batches].sort(([, one], [, other]) => one.index - other.index);
    for (const [requestId] of batches) {
      const stored = this.#find(requestId, (seq) => rows.read(seq));
      if (stored !== undefined) yield stored;
    }
  }

  /** What was set aside, oldest first. */
  rejected(): readonly StoredDeadLetter[] {
    return this.#statements.selectRejected.all().map((row) => ({
      requestId: text(row, "request_id"),
      context: text(row, "context"),
      events: text(row, "events")
        .split("\n")
        .filter((event) => event !== ""),
      reason: { code: text(row, "code"), message: text(row, "message"), atMs: Number(row["at_ms"]) },
    }));
  }

  /** Makes pending again what was set aside; returns how many batches that were. */
  restore(requestIds: readonly string[]): number {
    const wanted = new Set(requestIds);
    const letters = this.rejected().filter(({ requestId }) => wanted.has(requestId));
    this.append(letters.map(({ requestId, context, events }) => ({ requestId, context, events })));
    return this.discard(letters.map(({ requestId }) => requestId));
  }

  /** Forgets what was set aside; returns how many batches that were. */
  discard(requestIds: readonly string[]): number {
    const { deleteRejected } = this.#statements;
    return requestIds.reduce((sum, requestId) => sum + Number(deleteRejected.run(requestId).changes), 0);
  }

  #link(requestId: string, seq: number): void {
    const known = this.#batches.get(requestId);
    const { index, rows } = known ?? { index: this.#batchCount++, rows: [] };
    this.#batches.set(requestId, { index, rows: [...rows, seq] });
    this.#rows.set(seq, (this.#rows.get(seq) ?? 0) + 1);
    this.#undo.push(() => {
      if (known === undefined) this.#batches.delete(requestId);
      else this.#batches.set(requestId, known);
    });
  }

  /** Forgets a batch and the rows that only it needed; true when others of its rows remain. */
  #unlink(requestId: string): boolean {
    const batch = this.#batches.get(requestId);
    if (batch === undefined) return false;
    this.#batches.delete(requestId);
    this.#undo.push(() => this.#batches.set(requestId, batch));
    let remains = false;
    for (const seq of batch.rows) {
      const count = this.#rows.get(seq) ?? 1;
      this.#undo.push(() => this.#rows.set(seq, count));
      this.#rows.set(seq, count - 1);
      if (count > 1) {
        remains = true;
      } else {
        this.#emptied.push(seq);
        this.#statements.deleteLog.run(seq);
      }
    }
    return remains;
  }

  /** Rows that are gone need nobody to say what of them is settled. */
  #forgetSettled(): void {
    const oldest = this.#oldestRow;
    const first = this.#settledUpTo[0];
    if (first === undefined || first >= oldest) return;
    const settledUpTo = this.#settledUpTo;
    this.#statements.deleteSettled.run(oldest);
    this.#settledUpTo = settledUpTo.filter((upTo) => upTo >= oldest);
    this.#undo.push(() => (this.#settledUpTo = settledUpTo));
  }

  get #oldestRow(): number {
    for (const [seq, count] of this.#rows) if (count > 0) return seq;
    return this.#nextSeq;
  }

  #find(requestId: string, read = (seq: number) => this.#readRow(seq).batches): StoredBatch | undefined {
    const batch = this.#batches.get(requestId);
    if (batch === undefined) return undefined;
    const parts = batch.rows.flatMap((seq) => read(seq).get(requestId) ?? []);
    return {
      requestId,
      context: parts.find(({ context }) => context !== "")?.context ?? "",
      events: parts.flatMap(({ events }) => events),
    };
  }

  #readRow(seq: number): LogRow {
    const [row] = this.#statements.selectRow.all(seq);
    const batches = row === undefined ? "" : text(row, "batches");
    return {
      batches: new Map(readLines(batches).map((batch) => [batch.requestId, batch])),
      characters: batches.length,
    };
  }

  /** Up to which row each batch is settled, where that is remembered. */
  #readSettled(): ReadonlyMap<string, number> {
    const settled = new Map<string, number>();
    for (const row of this.#statements.settled.all()) {
      const requestIds = JSON.parse(text(row, "request_ids")) as readonly string[]; // as written above
      for (const requestId of requestIds) settled.set(requestId, Number(row["up_to"]));
    }
    return settled;
  }

  /** Row by row: one has what was added in a whole turn of the event loop, and many may be more than memory. */
  *#readLog(): Generator<{ readonly seq: number; readonly requestIds: readonly string[] }> {
    for (let seq = 0; ;) {
      const [row] = this.#statements.selectNext.all(seq);
      if (row === undefined) return;
      seq = Number(row["seq"]);
      yield { seq, requestIds: readIds(text(row, "batches")) };
    }
  }
}

/** What one commit wrote, by `requestId`. */
interface LogRow {
  readonly batches: ReadonlyMap<string, StoredBatch>;
  readonly characters: number;
}

const MAX_CACHED_CHARACTERS = 8 * 1024 * 1024;

/** Batches of the same time are in the same rows, so few rows have to be held to read each of them about once. */
class RowCache {
  readonly #read: (seq: number) => LogRow;
  readonly #rows = new Map<number, LogRow>();
  #characters = 0;

  constructor(read: (seq: number) => LogRow) {
    this.#read = read;
  }

  read(seq: number): LogRow["batches"] {
    const known = this.#rows.get(seq);
    if (known !== undefined) return known.batches;
    const row = this.#read(seq);
    this.#rows.set(seq, row);
    this.#characters += row.characters;
    for (const [oldest, { characters }] of this.#rows) {
      if (this.#characters <= MAX_CACHED_CHARACTERS || oldest === seq) break;
      this.#rows.delete(oldest);
      this.#characters -= characters;
    }
    return row.batches;
  }
}

function prepareStatements(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    insertLog: prepare("INSERT INTO log (seq, batches) VALUES (?, ?)"),
    selectNext: prepare("SELECT seq, batches FROM log WHERE seq > ? ORDER BY seq LIMIT 1"),
    selectRow: prepare("SELECT batches FROM log WHERE seq = ?"),
    deleteLog: prepare("DELETE FROM log WHERE seq = ?"),
    settled: prepare("SELECT up_to, request_ids FROM settled ORDER BY seq"),
    insertSettled: prepare("INSERT INTO settled (up_to, request_ids) VALUES (?, ?)"),
    deleteSettled: prepare("DELETE FROM settled WHERE up_to < ?"),
    insertRejected: prepare("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?)"),
    selectRejected: prepare("SELECT * FROM rejected ORDER BY at_ms, rowid"),
    deleteRejected: prepare("DELETE FROM rejected WHERE request_id = ?"),
  };
}

function text(row: Row, column: string): string {
  return String(row[column]);
}

function readLines(lines: string): readonly StoredBatch[] {
  return lines.split("\n").flatMap((line) => readLine(line) ?? []);
}

function readIds(lines: string): readonly string[] {
  return readLines(lines).map(({ requestId }) => requestId);
}
