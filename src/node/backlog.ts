import { parse } from "../delivery/stored-record.ts";
import type { LogRows } from "./log-rows.ts";
import { inTransaction, type Database, type Statement } from "./sqlite.ts";

/** So many row numbers are looked at in one piece. */
const NUMBERS_PER_SLICE = 2_000;

/**
 * Where the batches go on that an earlier owner left, and which of them are settled. There may be more of that than memory,
 * so it is kept in a temporary database on the disk.
 */
export class Backlog {
  /** The last row of the earlier owner; 0 when there is none. */
  readonly last: number;
  readonly #database: Database;
  #selectRows: Statement | undefined;
  #selectSettled: Statement | undefined;
  #insertSettled: Statement | undefined;

  constructor(database: Database) {
    this.#database = database;
    const [row] = database.prepare("SELECT max(seq) AS last FROM log").all();
    this.last = Number(row?.["last"] ?? 0);
  }

  /** Finds out, in pieces: between them others get their turn. Has to end before anything else is asked. */
  *index(rows: LogRows): Generator<void, void> {
    if (this.last === 0) return;
    const database = this.#database;
    database.exec("PRAGMA temp_store = FILE");
    try {
      makeTables(database);
    } catch {
      // No folder for temporary files can be written to.
      database.exec("PRAGMA temp_store = MEMORY");
      makeTables(database);
    }
    const insertPart = database.prepare("INSERT INTO temp.parts VALUES (?, ?)");
    this.#insertSettled = database.prepare("INSERT OR REPLACE INTO temp.gone VALUES (?, ?)");
    this.#selectRows = database.prepare("SELECT seq FROM temp.parts WHERE request_id = ? ORDER BY seq");
    this.#selectSettled = database.prepare("SELECT up_to FROM temp.gone WHERE request_id = ?");
    const settled = database.prepare("SELECT seq, up_to, request_ids FROM settled WHERE seq > ? ORDER BY seq LIMIT 1");
    for (let [row] = settled.all(0); row !== undefined; [row] = settled.all(Number(row["seq"]))) {
      const { up_to: upTo, request_ids: ids } = row;
      inTransaction(database, () => {
        for (const id of readIds(ids)) this.#insertSettled?.run(id, Number(upTo));
      });
      yield;
    }
    const continued = database.prepare(
      "SELECT seq, continued FROM log WHERE seq >= ? AND seq < ? AND continued IS NOT '' ORDER BY seq",
    );
    for (let start = rows.next(0); start !== undefined; start = rows.next(start + NUMBERS_PER_SLICE - 1)) {
      for (const row of continued.all(start, start + NUMBERS_PER_SLICE)) {
        const seq = Number(row["seq"]);
        // Version 0.1.0 did not say.
        const ids = row["continued"] === null ? rows.read(seq).batches.keys() : readIds(row["continued"]);
        inTransaction(database, () => {
          for (const id of ids) insertPart.run(id, seq);
        });
        yield;
      }
      yield;
    }
  }

  /** Rows in which a batch goes on that began in `first`. */
  rowsAfter(requestId: string, first: number): readonly number[] {
    const rows = this.#selectRows?.all(requestId) ?? [];
    return rows.map((row) => Number(row["seq"])).filter((seq) => seq > first);
  }

  isSettled(requestId: string, seq: number): boolean {
    const [row] = this.#selectSettled?.all(requestId) ?? [];
    return row !== undefined && Number(row["up_to"]) >= seq;
  }

  settle(requestId: string, upTo: number): void {
    this.#insertSettled?.run(requestId, upTo);
  }
}

function makeTables(database: Database): void {
  database.exec(`
    CREATE TEMP TABLE parts (request_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (request_id, seq)) WITHOUT ROWID;
    CREATE TEMP TABLE gone (request_id TEXT PRIMARY KEY, up_to INTEGER NOT NULL) WITHOUT ROWID;
  `);
}

/** What is damaged says nothing: a batch is sent once more then, with its id. */
function readIds(text: unknown): readonly string[] {
  const ids = typeof text === "string" ? parse(text) : undefined;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}
