import { closeSync, existsSync, openSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MParticleError } from "../errors.ts";
import { OutboxLog, SCHEMA } from "./outbox-log.ts";
import { openDatabase, problemOf, rollBack, type Database } from "./sqlite.ts";

/** Marks a file as one of ours: "mpEx". */
const APPLICATION_ID = 0x6d_70_45_78;
const FORMAT = 1;
const MARKS = `PRAGMA application_id = ${String(APPLICATION_ID)}; PRAGMA user_version = ${String(FORMAT)};`;

const PAGE_BYTES = 4096;

/** A file that this process owns, or why it does not. */
export interface OutboxFileSettings {
  readonly path: string;
  readonly durability: "process" | "power";
  readonly maxBytes: number;
}

/** An outbox's file while it is open: it has one owner, and nothing is written to what is not known to be ours. */
export class OutboxFile {
  readonly log: OutboxLog;
  readonly #database: Database;
  readonly #settings: OutboxFileSettings;

  /**
   * @throws MParticleError - saying what is wrong with the file, and what to do.
   * @returns undefined while another owner has it.
   */
  static tryToOpen(settings: OutboxFileSettings): OutboxFile | undefined {
    const { path } = settings;
    if (!existsSync(dirname(path))) {
      throw outboxError(`${dirname(path)} does not exist; make the folder of the outbox first.`);
    }
    let database: Database | undefined;
    try {
      // It holds personal data. SQLite gives its log the same permissions.
      closeSync(openSync(path, "a", 0o600));
      database = openDatabase(path);
      // Looked at before any lock is kept, so that what is not ours is left as it was.
      requireOurs(database, path);
      takeOver(database, settings);
      return new OutboxFile(database, settings);
    } catch (error) {
      database?.close();
      if (problemOf(error) === "busy") return undefined;
      throw explain(error, settings);
    }
  }

  private constructor(database: Database, settings: OutboxFileSettings) {
    this.#database = database;
    this.#settings = settings;
    this.log = new OutboxLog(database);
  }

  /** @throws MParticleError - for whatever `work` throws: what happened, and what to do about it. */
  guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.#settings);
    }
  }

  /** Makes room where SQLite's own log has taken it. What that cannot do for now, a later one can. */
  compact(): void {
    tryTo(() => {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  }

  /**
   * Leaves one file, free for the next owner: `libsql` keeps its lock for as long as a statement waits to be collected.
   * Where the disk has no room for that, SQLite's log stays beside the file, and the next owner reads both.
   */
  close(): void {
    const database = this.#database;
    tryTo(() => {
      database.exec("PRAGMA journal_mode = DELETE");
      database.exec("PRAGMA locking_mode = NORMAL");
      isEmpty(database); // the lock goes with the next access
    });
    this.guard(() => {
      database.close();
    });
  }
}

function takeOver(database: Database, { durability, maxBytes }: OutboxFileSettings): void {
  // Kept until the connection is closed or its process has died: that is what makes it the only owner.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("BEGIN EXCLUSIVE");
  try {
    if (isEmpty(database)) database.exec(SCHEMA + MARKS);
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}`);
  database.exec("PRAGMA journal_size_limit = 4194304");
  database.exec(`PRAGMA max_page_count = ${String(Math.max(1, Math.floor(maxBytes / PAGE_BYTES)))}`);
}

/** @throws MParticleError - unless the file is new, or whole and known. */
function requireOurs(database: Database, path: string): void {
  const [{ quick_check: health } = {}] = database.prepare("PRAGMA quick_check(1)").all();
  if (health !== "ok") throw damaged(path, String(health));
  if (isEmpty(database)) return;
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    throw outboxError(`${path} is a database of something else; it was not changed. Choose another path.`);
  }
  const format = pragma(database, "user_version");
  if (format !== FORMAT) {
    throw outboxError(
      `${path} has format ${String(format)}, expected ${String(FORMAT)}; it was not changed. ` +
        "Empty it with the version of this package that wrote it, or choose another path.",
    );
  }
}

function isEmpty(database: Database): boolean {
  return database.prepare("SELECT 1 FROM sqlite_master LIMIT 1").all().length === 0;
}

function pragma(database: Database, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).all()[0]?.[name]);
}

/** What happened, and what to do about it. */
function explain(error: unknown, settings: OutboxFileSettings): MParticleError {
  if (error instanceof MParticleError) return error;
  const { path, maxBytes } = settings;
  const said = error instanceof Error ? error.message : String(error);
  switch (problemOf(error)) {
    case "busy":
      return outboxError(`${path} is in use by another process.`, error);
    case "readonly":
    case "cannot-open":
      return outboxError(`${path} cannot be written to: it, its folder or its disk is read-only, or forbidden.`, error);
    case "corrupt":
    case "not-a-database":
      return damaged(path, said, error);
    case "full":
      return isLimitNearerThanDisk(settings)
        ? outboxError(
            `${path} has reached its \`maxBytes\` of ${String(maxBytes)}; nothing was added. ` +
              "It empties as the service accepts; dead letters stay until they are restored or discarded.",
            error,
          )
        : outboxError(`There is no space left on the disk of ${path}; nothing was added.`, error);
    case "io":
      return outboxError(`${path} could not be read or written (${said}): the disk is full or broken.`, error);
    case undefined:
      return outboxError(`${path}: ${said}`, error);
  }
}

/** SQLite says the same of both; the one that is nearer was reached. */
function isLimitNearerThanDisk({ path, maxBytes }: OutboxFileSettings): boolean {
  const { bavail, bsize } = statfsSync(dirname(path));
  return maxBytes - statSync(path).size < bavail * bsize;
}

function damaged(path: string, said: string, cause?: unknown): MParticleError {
  return outboxError(
    `${path} is damaged, or no SQLite database (${said.replace(/\s+/g, " ")}); it was not changed. ` +
      "Move it away to start anew; `sqlite3` may recover what it holds.",
    cause,
  );
}

export function outboxError(message: string, cause?: unknown): MParticleError {
  return new MParticleError("OUTBOX", `The outbox failed: ${message}`, { cause });
}

/** For what may fail, and does no harm then. */
function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}
