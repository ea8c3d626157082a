import type { DeadLetter, OutboxEntry, StoredBatch } from "../delivery/outbox.ts";
import { problemOfRecord } from "../delivery/stored-record.ts";
import { Backlog } from "./backlog.ts";
import { DeadLetters, UNREADABLE } from "./dead-letters.ts";
import { LogRows, type LogRow } from "./log-rows.ts";
import { inTransaction, problemOf, type Database, type Statement } from "./sqlite.ts";

/** Read from the log so far. */
export interface Progress {
  readonly characters: number;
}

/**
 * What an outbox keeps, in the tables of an open database. Every change is made in {@link OutboxLog.transaction}.
 *
 * In memory are the batches that this owner knows of: those it has added, and those it has been told of by
 * {@link OutboxLog.pending}. What lies behind that in the rows of an earlier owner is not, because there may be more of it
 * than memory.
 */
export class OutboxLog {
  readonly letters: DeadLetters;
  readonly #database: Database;
  readonly #change: (work: () => void) => void;
  readonly #backlog: Backlog;
  readonly #rows: LogRows;
  readonly #insertSettled: Statement;
  readonly #deleteSettled: Statement;
  /** Rows of each pending batch that is known, oldest first. */
  readonly #batches = new Map<string, readonly number[]>();
  /** Known rows of the earlier owner and of this one, oldest first, and how many pending batches each has. */
  readonly #oldCounts = new Map<number, number>();
  readonly #ownCounts = new Map<number, number>();
  /** Rows of the earlier owner up to this one are known. */
  #frontier = 0;
  /** Rows in which nothing is pending: they leave with the next transaction. */
  #emptyRows: number[] = [];
  #nextSeq: number;
  /** `up_to` of the oldest row of `settled`, as far as that is known. */
  #oldestSettled: number;
  #undo: (() => void)[] = [];

  /** @param change - does work that may change the size of the file. */
  constructor(
    database: Database,
    change = (work: () => void): void => {
      work();
    },
  ) {
    this.#database = database;
    this.#change = change;
    this.letters = new DeadLetters(database);
    this.#backlog = new Backlog(database);
    this.#rows = new LogRows(database);
    this.#insertSettled = database.prepare("INSERT INTO settled (up_to, request_ids) VALUES (?, ?)");
    this.#deleteSettled = database.prepare("DELETE FROM settled WHERE up_to < ?");
    const [row] = database.prepare("SELECT min(up_to) AS first, max(up_to) AS last FROM settled").all();
    this.#oldestSettled = Number(row?.["first"] ?? Infinity);
    this.#nextSeq = 1 + Math.max(this.#backlog.last, Number(row?.["last"] ?? 0));
  }

  /** Finds out what an earlier owner left, in pieces. Has to end before anything else is asked. */
  index(): Generator<void, void> {
    return this.#backlog.index(this.#rows);
  }

  /** Does all of `work` or nothing of it, on disk and in memory. */
  transaction(work: () => void): void {
    const emptyRows = this.#emptyRows;
    try {
      this.#change(() => {
        inTransaction(this.#database, () => {
          work();
          for (const seq of this.#emptyRows) this.#rows.delete(seq);
          this.#forgetSettled();
        });
      });
      for (const seq of this.#emptyRows) this.#countsOf(seq).delete(seq);
      this.#emptyRows = [];
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      this.#emptyRows = emptyRows;
      throw error;
    } finally {
      this.#undo = [];
    }
  }

  /**
   * Adds events to batches, as one row.
   *
   * @param entries - one for each batch.
   * @throws Error - when there is no context for a batch that is not pending.
   */
  append(entries: readonly OutboxEntry[]): void {
    if (entries.length === 0) return;
    const seq = this.#nextSeq++;
    const continued: string[] = [];
    const written = entries.map(({ requestId, context, events }): OutboxEntry => {
      if (this.#batches.has(requestId)) return this.#continue(requestId, events, seq, continued);
      if (context === undefined) {
        this.#knowAll();
        if (this.#batches.has(requestId)) return this.#continue(requestId, events, seq, continued);
        throw new Error(`events of batch ${requestId} came without its context, which is not stored.`);
      }
      this.#link(requestId, seq);
      return { requestId, context, events };
    });
    this.#ownCounts.set(seq, entries.length);
    this.#undo.push(() => this.#ownCounts.delete(seq));
    this.#rows.insert(seq, written, continued);
  }

  /** An entry has a context where its batch begins, and nowhere else: that is how it is found again. */
  #continue(requestId: string, events: readonly string[], seq: number, continued: string[]): OutboxEntry {
    continued.push(requestId);
    this.#link(requestId, seq);
    return { requestId, events };
  }

  /** Forgets batches. */
  remove(requestIds: readonly string[]): void {
    const upTo = this.#nextSeq - 1;
    const remembered = requestIds.filter((requestId) => this.#unlink(requestId));
    if (remembered.length === 0) return;
    this.#insertSettled.run(upTo, JSON.stringify(remembered));
    for (const requestId of remembered) this.#backlog.settle(requestId, upTo);
    this.#oldestSettled = Math.min(this.#oldestSettled, upTo);
  }

  /** Moves batches to where those are kept that cannot be sent. */
  setAside(letters: readonly DeadLetter[]): void {
    for (const { requestId, reason } of letters) {
      if (!this.#batches.has(requestId)) this.#knowAll();
      const stored = this.#find(requestId);
      if (stored === undefined) continue;
      this.letters.add(stored, reason);
      this.remove([requestId]);
    }
  }

  /**
   * Makes pending again what was set aside, unless it cannot be read.
   *
   * @returns how many characters it has; undefined when nothing was done.
   */
  restore(requestId: string): number | undefined {
    const stored = this.letters.read(requestId)?.stored;
    if (stored === undefined || problemOfRecord(stored) !== undefined) return undefined;
    this.append([stored]);
    this.letters.remove(requestId);
    return stored.events.reduce((sum, { length }) => sum + length, stored.context.length);
  }

  /**
   * What is pending, oldest first; read as it is taken. In between, it is told how much has been read without finding any.
   *
   * @param report - told what had to be set aside, or passed over, and why.
   */
  *pending(report: (problem: string) => void): Generator<StoredBatch | Progress, void> {
    const last = this.#nextSeq - 1;
    for (let seq = this.#next(0, last, report); seq !== undefined && seq <= last; seq = this.#next(seq, last, report)) {
      const row = this.#readUnlessDamaged(seq, report);
      if (row === undefined) continue;
      if (this.#know(row) && row.unreadable.length > 0) {
        report(`Row ${String(seq)} has lines that are no batches; they were set aside.`);
        this.transaction(() => {
          this.#setLinesAside(row);
        });
      }
      for (const requestId of row.batches.keys()) {
        // It was told of with its first row, or is settled.
        if (this.#batches.get(requestId)?.[0] !== seq) continue;
        const stored = this.#find(requestId);
        const problem = stored && problemOfRecord(stored);
        if (problem !== undefined) this.#setUnreadableAside(requestId, problem, report);
        else if (stored !== undefined) yield stored;
      }
      yield { characters: row.characters };
    }
  }

  #readUnlessDamaged(seq: number, report: (problem: string) => void): LogRow | undefined {
    try {
      return this.#rows.read(seq);
    } catch (error) {
      if (problemOf(error) !== "corrupt") throw error;
      report(`Pages of it are damaged: what is in row ${String(seq)} is not sent.`);
      if (!this.#isKnown(seq)) this.#frontier = seq;
      return undefined;
    }
  }

  #next(seq: number, last: number, report: (problem: string) => void): number | undefined {
    try {
      return this.#rows.next(seq);
    } catch (error) {
      if (problemOf(error) !== "corrupt") throw error;
      const next = this.#rows.nextBehindDamage(seq, last);
      report(
        `Pages of it are damaged: what is in rows ${String(seq + 1)} to ${String((next ?? last + 1) - 1)} is not sent.`,
      );
      return next;
    }
  }

  #setUnreadableAside(requestId: string, problem: string, report: (problem: string) => void): void {
    report(`Batch ${requestId} cannot be read, and was set aside: ${problem}`);
    this.transaction(() => {
      this.setAside([
        { requestId, reason: { code: UNREADABLE, message: `It cannot be read: ${problem}`, atMs: Date.now() } },
      ]);
    });
  }

  /** Learns of the batches in a row of the earlier owner; tells whether they were unknown. */
  #know(row: LogRow): boolean {
    const { seq } = row;
    if (this.#isKnown(seq)) return false;
    this.#frontier = seq;
    let pending = 0;
    for (const [requestId, { context }] of row.batches) {
      const rows = this.#batches.get(requestId);
      if (rows === undefined) {
        // It goes on here and is not pending: it is settled. So may be one that begins here.
        if (context === "" || this.#backlog.isSettled(requestId, seq)) continue;
        this.#batches.set(requestId, [seq, ...this.#backlog.rowsAfter(requestId, seq)]);
      } else if (!rows.includes(seq)) {
        this.#batches.set(
          requestId,
          [...rows, seq].sort((one, other) => one - other),
        );
      }
      pending++;
    }
    this.#oldCounts.set(seq, pending);
    if (pending === 0) this.#emptyRows.push(seq);
    return true;
  }

  /** Keeps what is no line of batches at all under a name of its own. */
  #setLinesAside({ seq, unreadable }: LogRow): void {
    for (const [index, line] of unreadable.entries()) {
      const requestId = `unreadable-${String(seq)}-${String(index)}`;
      const message = `A line of row ${String(seq)} is no batch.`;
      this.letters.add({ requestId, context: line, events: [] }, { code: UNREADABLE, message, atMs: Date.now() });
    }
  }

  /** For who asks of a batch that {@link pending} has not come to. */
  #knowAll(): void {
    for (let seq = this.#rows.next(this.#frontier); seq !== undefined && seq <= this.#backlog.last;) {
      const row = this.#rows.read(seq);
      if (this.#know(row)) this.#setLinesAside(row);
      seq = this.#rows.next(seq);
    }
    this.#frontier = this.#backlog.last;
  }

  #countsOf(seq: number): Map<number, number> {
    return seq > this.#backlog.last ? this.#ownCounts : this.#oldCounts;
  }

  #isKnown(seq: number): boolean {
    return seq <= this.#frontier || seq > this.#backlog.last;
  }

  #link(requestId: string, seq: number): void {
    const rows = this.#batches.get(requestId);
    this.#batches.set(requestId, rows === undefined ? [seq] : [...rows, seq]);
    this.#undo.push(() => {
      if (rows === undefined) this.#batches.delete(requestId);
      else this.#batches.set(requestId, rows);
    });
  }

  /** Forgets a batch; true when it has to be remembered as settled, because rows that it is in stay for others. */
  #unlink(requestId: string): boolean {
    const rows = this.#batches.get(requestId);
    // One that nobody has come to yet may be in any of the rows that are not known.
    if (rows === undefined) return this.#frontier < this.#backlog.last;
    this.#batches.delete(requestId);
    this.#undo.push(() => this.#batches.set(requestId, rows));
    let remains = false;
    for (const seq of rows) {
      const counts = this.#countsOf(seq);
      const count = counts.get(seq);
      if (count === undefined) {
        // Not known yet.
        remains = true;
        continue;
      }
      counts.set(seq, count - 1);
      this.#undo.push(() => counts.set(seq, count));
      if (count > 1) remains = true;
      else this.#emptyRows = [...this.#emptyRows, seq];
    }
    return remains;
  }

  /** Rows that are gone need nobody to say what of them is settled. */
  #forgetSettled(): void {
    const oldest = this.#oldestRow;
    if (this.#oldestSettled >= oldest) return;
    this.#deleteSettled.run(oldest);
    const known = this.#oldestSettled;
    this.#oldestSettled = oldest;
    this.#undo.push(() => (this.#oldestSettled = known));
  }

  get #oldestRow(): number {
    const old = firstWithBatches(this.#oldCounts);
    if (old !== undefined) return old;
    if (this.#frontier < this.#backlog.last) return this.#frontier + 1;
    return firstWithBatches(this.#ownCounts) ?? this.#nextSeq;
  }

  #find(requestId: string): StoredBatch | undefined {
    const rows = this.#batches.get(requestId);
    if (rows === undefined) return undefined;
    const parts = rows.flatMap((seq) => this.#rows.read(seq).batches.get(requestId) ?? []);
    return {
      requestId,
      context: parts.find(({ context }) => context !== "")?.context ?? "",
      events: parts.flatMap(({ events }) => events),
    };
  }
}

function firstWithBatches(counts: ReadonlyMap<number, number>): number | undefined {
  for (const [seq, count] of counts) if (count > 0) return seq;
  return undefined;
}
