import { statSync } from "node:fs";
import { inputFingerprint } from "./input-fingerprint.ts";
import { outboxError } from "./outbox-error.ts";
import { damaged, inTransaction, problemOf, type Database, type Statement } from "./sqlite.ts";

/** Marks a file as one of ours: "mpEx". */
const APPLICATION_ID = 0x6d_70_45_78;
/** Files of 0.1.0 have the same: what they lack is added when they are opened, and 0.1.0 reads what came of that. */
const FORMAT = 1;
const MARKS = `PRAGMA application_id = ${String(APPLICATION_ID)}; PRAGMA user_version = ${String(FORMAT)};`;

/**
 * `log` has a row for each commit, not for each batch: rows are what costs. `continued` has the ids of those batches in it
 * that began in an earlier row, and stands in front, where it is read without the rest; in rows of 0.1.0 it is NULL.
 */
const LOG = "CREATE TABLE log (seq INTEGER PRIMARY KEY, continued TEXT, batches TEXT NOT NULL);";

/**
 * `settled` has the ids that need not be sent any more although the rows they are in, up to `up_to`, are still needed by
 * others.
 */
export const SCHEMA = `
  ${LOG}
  CREATE TABLE settled (seq INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, request_ids TEXT NOT NULL);
  CREATE TABLE rejected (
    request_id TEXT PRIMARY KEY, context TEXT NOT NULL, events TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL
  );
`;

/** One row: the fingerprint of the input whose events are in the file. */
const INPUT = "CREATE TABLE IF NOT EXISTS input (fingerprint TEXT NOT NULL);";

/** A file up to this size is checked as a whole in about 25 ms. In a larger one damage shows when it is read. */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

/** @throws MParticleError - unless the file is new, or whole and known. */
export function requireOurs(database: Database, path: string): void {
  if (statSync(path).size <= MAX_CHECKED_BYTES) {
    const [{ quick_check: health } = {}] = database.prepare("PRAGMA quick_check(1)").all();
    if (health !== "ok") throw damaged(path, String(health));
  }
  if (isEmpty(database)) return;
  if (count(database.prepare("PRAGMA application_id")) !== APPLICATION_ID) {
    throw outboxError(`${path} is a database of something else; it was not changed. Choose another path.`);
  }
  const format = count(database.prepare("PRAGMA user_version"));
  if (format !== FORMAT) {
    throw outboxError(
      `${path} has format ${String(format)}, expected ${String(FORMAT)}; it was not changed. ` +
        "Empty it with the version of this package that wrote it, or choose another path.",
    );
  }
}

/**
 * Makes the tables that are not there, and ties the file to an input.
 *
 * @param apiKey - names the input; undefined when nothing is sent to any.
 * @throws MParticleError - when the file holds events of another input.
 */
export function prepareTables(database: Database, path: string, apiKey: string | undefined): void {
  // Without it the file would never become smaller.
  if (isEmpty(database)) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
  // A disk that is full takes no change: only what has to be written is.
  if (isEmpty(database)) {
    inTransaction(database, () => {
      database.exec(SCHEMA + INPUT + MARKS);
    });
  } else {
    addToOlderFile(database);
  }
  if (apiKey !== undefined) tieToInput(database, path, inputFingerprint(apiKey));
}

function addToOlderFile(database: Database): void {
  const hasContinued = hasRows(database, "SELECT 1 FROM pragma_table_info('log') WHERE name = 'continued'");
  const hasInput = hasRows(database, "SELECT 1 FROM sqlite_master WHERE name = 'input'");
  if (hasContinued && hasInput) return;
  inTransaction(database, () => {
    if (!hasContinued) {
      // A new column goes behind the others, where it costs more to read; an empty table can be made anew.
      const isUsed = hasRows(database, "SELECT 1 FROM log LIMIT 1");
      database.exec(isUsed ? "ALTER TABLE log ADD COLUMN continued TEXT" : `DROP TABLE log; ${LOG}`);
    }
    database.exec(INPUT);
  });
}

function tieToInput(database: Database, path: string, input: string): void {
  const [row] = database.prepare("SELECT fingerprint FROM input").all();
  if (row?.["fingerprint"] === input) return;
  const isUsed = hasRows(database, "SELECT 1 FROM log UNION ALL SELECT 1 FROM rejected LIMIT 1");
  if (row !== undefined && isUsed) {
    throw outboxError(
      `${path} holds events of another input, by its \`apiKey\`: they stay, none of them is sent, and nothing was added. ` +
        "Give each input an outbox of its own; a queue of that input, and `discard` for dead letters, empties this one.",
    );
  }
  try {
    inTransaction(database, () => {
      database.exec("DELETE FROM input");
      database.prepare("INSERT INTO input VALUES (?)").run(input);
    });
  } catch (error) {
    // What is stored is sent all the same, and the next owner can do this.
    if (row !== undefined || problemOf(error) !== "full") throw error;
  }
}

function isEmpty(database: Database): boolean {
  return !hasRows(database, "SELECT 1 FROM sqlite_master LIMIT 1");
}

function hasRows(database: Database, sql: string): boolean {
  return database.prepare(sql).all().length > 0;
}

/** What a statement says that has one number to say. */
export function count(statement: Statement): number {
  return Number(Object.values(statement.all()[0] ?? {})[0]);
}
