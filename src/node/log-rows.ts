import type { OutboxEntry, StoredBatch } from "../delivery/outbox.ts";
import { formatLines, readLine } from "./batch-lines.ts";
import { problemOf, type Database, type Statement } from "./sqlite.ts";

/** What one row of the log holds. */
export interface LogRow {
  readonly seq: number;
  /** By `requestId`. */
  readonly batches: ReadonlyMap<string, StoredBatch>;
  /** Lines of which not even the id can be read. */
  readonly unreadable: readonly string[];
  readonly characters: number;
}

/** Rows are held to be read again, up to so much: a batch is in rows of about the same time. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024;

/** The rows of an outbox's table `log`. */
export class LogRows {
  readonly #insert: Statement;
  readonly #select: Statement;
  readonly #selectNext: Statement;
  readonly #delete: Statement;
  readonly #cache = new Map<number, LogRow>();
  #cachedCharacters = 0;

  constructor(database: Database) {
    this.#insert = database.prepare("INSERT INTO log (seq, continued, batches) VALUES (?, ?, ?)");
    this.#select = database.prepare("SELECT batches FROM log WHERE seq = ?");
    this.#selectNext = database.prepare("SELECT seq FROM log WHERE seq > ? ORDER BY seq LIMIT 1");
    this.#delete = database.prepare("DELETE FROM log WHERE seq = ?");
  }

  /** @param continued - ids of the entries whose batch began in an earlier row. */
  insert(seq: number, entries: readonly OutboxEntry[], continued: readonly string[]): void {
    this.#insert.run(seq, continued.length === 0 ? "" : JSON.stringify(continued), formatLines(entries));
  }

  delete(seq: number): void {
    this.#delete.run(seq);
    this.#forget(seq);
  }

  /** The number of the row after `seq`. */
  next(seq: number): number | undefined {
    const [row] = this.#selectNext.all(seq);
    return row === undefined ? undefined : Number(row["seq"]);
  }

  /**
   * The number of a row after `seq` that can be found: where pages of the file are damaged, those behind are looked for.
   *
   * @param last - of all rows.
   */
  nextBehindDamage(seq: number, last: number): number | undefined {
    for (let step = 1; seq + step <= last; step *= 2) {
      try {
        return this.next(seq + step);
      } catch (error) {
        if (problemOf(error) !== "corrupt") throw error;
      }
    }
    return undefined;
  }

  read(seq: number): LogRow {
    const known = this.#cache.get(seq);
    if (known !== undefined) return known;
    const [stored] = this.#select.all(seq);
    const row = parseRow(seq, textOf(stored?.["batches"]));
    this.#cache.set(seq, row);
    this.#cachedCharacters += row.characters;
    for (const oldest of this.#cache.keys()) {
      if (this.#cachedCharacters <= MAX_CACHED_CHARACTERS || oldest === seq) break;
      this.#forget(oldest);
    }
    return row;
  }

  #forget(seq: number): void {
    this.#cachedCharacters -= this.#cache.get(seq)?.characters ?? 0;
    this.#cache.delete(seq);
  }
}

/** Damage may have made bytes of it. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : "";
}

function parseRow(seq: number, text: string): LogRow {
  const batches = new Map<string, StoredBatch>();
  const unreadable: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const batch = readLine(line);
    if (batch === undefined) unreadable.push(line);
    else batches.set(batch.requestId, batch);
  }
  return { seq, batches, unreadable, characters: text.length };
}
