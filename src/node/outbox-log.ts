import type { DeadLetter, OutboxEntry, StoredBatch } from "../delivery/outbox.ts";
import { formatLines, readLines } from "./batch-lines.ts";
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

/** Rows read at a time. */
const PAGE_ROWS = 100;

/** A batch that was set aside, with the reason. */
export interface StoredDeadLetter extends StoredBatch, DeadLetter {}

/** What an outbox keeps, in the tables of an open database. Every change is made in {@link OutboxLog.transaction}. */
export class OutboxLog {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** Batches that are pending, and the rows they are in. */
  readonly #batches = new Map<string, readonly number[]>();
  /** Rows, oldest first, and how many pending batches each has. */
  #rows = new Map<number, number>();
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
    for (const { seq, batches } of this.#readLog()) {
      const pending = batches.filter(({ requestId }) => seq > (settled.get(requestId) ?? 0));
      this.#rows.set(seq, 0);
      for (const { requestId } of pending) this.#link(requestId, seq);
      this.#nextSeq = seq + 1;
    }
    this.#nextSeq = Math.max(this.#nextSeq, 1 + Math.max(0, ...settled.values()));
    this.#undo = [];
  }

  /** Does all of `work` or nothing of it, on disk and in memory. */
  transaction(work: () => void): void {
    try {
      inTransaction(this.#database, work);
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      this.#rows = new Map([...this.#rows].sort(([one], [other]) => one - other));
      throw error;
    } finally {
      this.#undo = [];
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
      const settledUpTo = this.#settledUpTo;
      this.#settledUpTo = [...settledUpTo, upTo];
      this.#undo.push(() => (this.#settledUpTo = settledUpTo));
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

  /** What is pending, oldest first. */
  pending(): readonly StoredBatch[] {
    const found = new Map<string, { requestId: string; context: string; events: string[] }>();
    for (const { seq, batches } of this.#readLog()) {
      for (const { requestId, context, events } of batches) {
        if (this.#batches.get(requestId)?.includes(seq) !== true) continue;
        const stored = found.get(requestId) ?? { requestId, context: "", events: [] };
        if (stored.context === "") stored.context = context;
        for (const event of events) stored.events.push(event);
        found.set(requestId, stored);
      }
    }
    return [...found.values()];
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
    const rows = this.#batches.get(requestId);
    this.#batches.set(requestId, rows === undefined ? [seq] : [...rows, seq]);
    this.#rows.set(seq, (this.#rows.get(seq) ?? 0) + 1);
    this.#undo.push(() => {
      if (rows === undefined) this.#batches.delete(requestId);
      else this.#batches.set(requestId, rows);
    });
  }

  /** Forgets a batch and the rows that only it needed; true when others of its rows remain. */
  #unlink(requestId: string): boolean {
    const rows = this.#batches.get(requestId);
    if (rows === undefined) return false;
    this.#batches.delete(requestId);
    this.#undo.push(() => this.#batches.set(requestId, rows));
    let remains = false;
    for (const seq of rows) {
      const count = this.#rows.get(seq) ?? 1;
      this.#undo.push(() => this.#rows.set(seq, count));
      if (count > 1) {
        this.#rows.set(seq, count - 1);
        remains = true;
      } else {
        this.#rows.delete(seq);
        this.#statements.deleteLog.run(seq);
      }
    }
    return remains;
  }

  /** Rows that are gone need nobody to say what of them is settled. */
  #forgetSettled(): void {
    const [oldest = this.#nextSeq] = this.#rows.keys();
    const first = this.#settledUpTo[0];
    if (first === undefined || first >= oldest) return;
    const settledUpTo = this.#settledUpTo;
    this.#statements.deleteSettled.run(oldest);
    this.#settledUpTo = settledUpTo.filter((upTo) => upTo >= oldest);
    this.#undo.push(() => (this.#settledUpTo = settledUpTo));
  }

  #find(requestId: string): StoredBatch | undefined {
    const rows = this.#batches.get(requestId);
    if (rows === undefined) return undefined;
    const parts = rows.flatMap((seq) =>
      this.#statements.selectRow
        .all(seq)
        .flatMap((row) => readLines(text(row, "batches")).filter((batch) => batch.requestId === requestId)),
    );
    return {
      requestId,
      context: parts.find(({ context }) => context !== "")?.context ?? "",
      events: parts.flatMap(({ events }) => events),
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

  *#readLog(): Generator<{ readonly seq: number; readonly batches: readonly StoredBatch[] }> {
    for (let after = 0; ;) {
      const rows = this.#statements.selectLog.all(after, PAGE_ROWS);
      if (rows.length === 0) return;
      for (const row of rows) {
        after = Number(row["seq"]);
        yield { seq: after, batches: readLines(text(row, "batches")) };
      }
    }
  }
}

function prepareStatements(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    insertLog: prepare("INSERT INTO log (seq, batches) VALUES (?, ?)"),
    selectLog: prepare("SELECT seq, batches FROM log WHERE seq > ? ORDER BY seq LIMIT ?"),
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
