import { closeSync, existsSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MParticleError } from "../errors.ts";
import { DiskReserve, freeBytes } from "./disk-reserve.ts";
import { OutboxLog, SCHEMA } from "./outbox-log.ts";
import { loadSqlite, problemOf, rollBack, type Database, type Statement } from "./sqlite.ts";

/** Marks a file as one of ours: "mpEx". */
const APPLICATION_ID = 0x6d_70_45_78;
const FORMAT = 1;
const MARKS = `PRAGMA application_id = ${String(APPLICATION_ID)}; PRAGMA user_version = ${String(FORMAT)};`;

const PAGE_BYTES = 4096;
/** SQLite's own log is written to the file when it has so many pages: its default. */
const LOG_PAGES = 1000;
/** So much of the file may be empty; what is more goes back to the disk, so much at a time, after so many removals. */
const MAX_EMPTY_PAGES = 2048;
const PAGES_GIVEN_BACK = 512;
const REMOVALS_BETWEEN = 4;
/** How often to look for room before there is none. */
const MAX_ATTEMPTS = 5;

/** A file that this process owns, or why it does not. */
export interface OutboxFileSettings {
  readonly path: string;
  readonly durability: "process" | "power";
  readonly maxBytes: number;
}

/**
 * An outbox's file while it is open: it has one owner, and nothing is written to what is not known to be ours.
 *
 * Adding stops while there is still room for all that makes room: what is removed is first written to SQLite's log, and
 * the log is of use again when the file has grown by what is new in it. So a reserve lies beside the file, without which
 * nothing is added, and the log never has more for the file than it can hold.
 */
export class OutboxFile {
  readonly log: OutboxLog;
  readonly #database: Database;
  readonly #settings: OutboxFileSettings;
  readonly #reserve: DiskReserve;
  readonly #pageCount: Statement;
  readonly #emptyPageCount: Statement;
  /** Added to the log since it was last compared with the file; what an earlier owner left there is unknown. */
  #bytesSinceMeasured = Infinity;
  #removals = 0;

  /**
   * @throws MParticleError - saying what is wrong with the file, and what to do.
   * @returns undefined while another owner has it.
   */
  static tryToOpen(settings: OutboxFileSettings): OutboxFile | undefined {
    const { path, maxBytes } = settings;
    if (!existsSync(dirname(path))) {
      throw outboxError(`${dirname(path)} does not exist; make the folder of the outbox first.`);
    }
    const reserve = new DiskReserve(`${path}-reserve`, maxBytes);
    try {
      return OutboxFile.#open(settings, reserve);
    } catch (error) {
      if (mayBeFull(error)) return OutboxFile.#openOnFullDisk(settings, reserve, error);
      if (problemOf(error) === "busy") return undefined;
      throw explain(error, settings);
    }
  }

  static #openOnFullDisk(settings: OutboxFileSettings, reserve: DiskReserve, cause: unknown): OutboxFile {
    try {
      // The last owner was killed before it had to.
      reserve.release();
      return OutboxFile.#open(settings, reserve, "EXCLUSIVE");
    } catch (error) {
      // Nobody else has it: `libsql` has not let go of the first attempt.
      throw explain(problemOf(error) === "busy" ? cause : error, settings);
    }
  }

  /** @param locking - a database that is locked from the start needs no shared memory on the disk. */
  static #open(
    settings: OutboxFileSettings,
    reserve: DiskReserve,
    locking: "NORMAL" | "EXCLUSIVE" = "NORMAL",
  ): OutboxFile {
    const { path } = settings;
    const openDatabase = loadSqlite();
    // It holds personal data. SQLite gives its log the same permissions. One that is there is left alone: closing it
    // would take away every lock that this process holds on it.
    if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
    const database = openDatabase(path);
    try {
      // Should that fail, there is no statement yet for which `libsql` would keep the file to itself.
      database.exec(`PRAGMA locking_mode = ${locking}; SELECT 1 FROM sqlite_master`);
      // Looked at before it is taken over, so that what is not ours is left as it was.
      requireOurs(database, path);
      takeOver(database, settings, reserve);
      return new OutboxFile(database, settings, reserve);
    } catch (error) {
      unlock(database);
      database.close();
      throw error;
    }
  }

  private constructor(database: Database, settings: OutboxFileSettings, reserve: DiskReserve) {
    this.#database = database;
    this.#settings = settings;
    this.#reserve = reserve;
    this.#pageCount = database.prepare("PRAGMA page_count");
    this.#emptyPageCount = database.prepare("PRAGMA freelist_count");
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

  /**
   * Does all of `work` or nothing of it.
   *
   * @param addedBytes - about how much it adds; 0 for what makes room.
   * @throws MParticleError - what happened, and what to do about it.
   */
  write(addedBytes: number, work: (log: OutboxLog) => void): void {
    this.guard(() => {
      if (addedBytes > 0) this.#add(addedBytes, work);
      else this.#free(work);
    });
  }

  /**
   * Leaves one file, free for the next owner. Where even with the reserve the disk has no room for that, SQLite's log
   * stays beside the file, and the next owner reads both.
   */
  close(): void {
    const database = this.#database;
    tryTo(() => {
      this.#reserve.release();
    });
    tryTo(() => {
      database.exec("PRAGMA journal_mode = DELETE");
    });
    unlock(database);
    this.guard(() => {
      database.close();
    });
  }

  #add(addedBytes: number, work: (log: OutboxLog) => void): void {
    if (!this.#makeRoomFor(addedBytes)) throw noSpaceLeft(this.#settings.path);
    // At most: characters that are several bytes, pages that are not full.
    this.#bytesSinceMeasured += addedBytes * 2 + PAGE_BYTES;
    try {
      this.#transact(work);
    } catch (error) {
      throw problemOf(error) === "full" && this.#isAtLimit ? limitReached(this.#settings, error) : error;
    }
  }

  #free(work: (log: OutboxLog) => void): void {
    try {
      this.#transact(work);
    } catch (error) {
      if (!mayBeFull(error)) throw error;
      tryTo(() => {
        this.#reserve.release();
      });
      this.#shortenLog();
      this.#transact(work);
    }
    // Whatever becomes of this, the work is done.
    tryTo(() => {
      // The sooner it is held again, the less others can take of it.
      if (!this.#reserve.isHeld) this.#makeRoomFor(0);
      // The file follows what is in it, a little behind.
      if (++this.#removals % REMOVALS_BETWEEN > 0) return;
      if (count(this.#emptyPageCount) > MAX_EMPTY_PAGES) this.#shrinkFile(PAGES_GIVEN_BACK);
    });
  }

  #transact(work: (log: OutboxLog) => void): void {
    this.log.transaction(() => {
      work(this.log);
    });
  }

  /** Gives what is empty back to the disk until what is added leaves room for its removal; tells whether it does. */
  #makeRoomFor(addedBytes: number): boolean {
    for (let attempt = 1; !this.#hasRoom(addedBytes); attempt++) {
      if (attempt === MAX_ATTEMPTS) return false;
      this.#shrinkFile(Math.ceil(Math.max(addedBytes, this.#reserve.bytes / 2) / PAGE_BYTES));
      this.#shortenLog();
    }
    return true;
  }

  #hasRoom(addedBytes: number): boolean {
    if (!this.#reserve.take()) return false;
    const { path } = this.#settings;
    const { bytes } = this.#reserve;
    // What the log has for the file has to fit into the reserve, with room for removals. Asking costs as much as adding.
    if (this.#bytesSinceMeasured > bytes / 8) {
      if (this.#fileBytes - statSync(path).size > bytes / 4 && !this.#growFile()) return false;
      this.#bytesSinceMeasured = 0;
    }
    // What the reserve is too small for is written twice, to the log and to the file.
    return addedBytes <= bytes / 4 || addedBytes * 3 <= freeBytes(path);
  }

  /** Of the file when all of the log has been written to it. */
  get #fileBytes(): number {
    return count(this.#pageCount) * PAGE_BYTES;
  }

  /** SQLite says the same of a full disk and of a full file; the one that is nearer was reached. */
  get #isAtLimit(): boolean {
    const { path, maxBytes } = this.#settings;
    return maxBytes - this.#fileBytes < freeBytes(path);
  }

  /** Gives empty pages back to the disk; if that fails, they are there for what is added next. */
  #shrinkFile(pages: number): void {
    tryTo(() => {
      this.#database.exec(`PRAGMA incremental_vacuum(${String(pages)})`);
    });
  }

  /** Writes what is in the log to the file, which has to grow for it; tells whether that was possible. */
  #growFile(): boolean {
    return tryTo(() => {
      this.#database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    });
  }

  /** Writes the log to the file and starts it anew. What that cannot do for now, a later one can. */
  #shortenLog(): void {
    tryTo(() => {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  }
}

function takeOver(database: Database, { durability, maxBytes }: OutboxFileSettings, reserve: DiskReserve): void {
  // Kept until the connection is closed or its process has died: that is what makes it the only owner.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  // Without it the file would never become smaller.
  if (isEmpty(database)) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
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
  // On a small disk the log must not take what the file needs.
  const logPages = Math.min(LOG_PAGES, reserve.bytes / PAGE_BYTES);
  database.exec(`PRAGMA wal_autocheckpoint = ${String(logPages)}`);
  database.exec("PRAGMA journal_size_limit = 4194304");
  database.exec(`PRAGMA max_page_count = ${String(Math.max(1, Math.floor(maxBytes / PAGE_BYTES)))}`);
}

/** Closing is not enough: `libsql` keeps its lock for as long as a statement waits to be collected. */
function unlock(database: Database): void {
  tryTo(() => {
    database.exec("PRAGMA locking_mode = NORMAL");
    database.exec("SELECT 1 FROM sqlite_master"); // the lock goes with the next access
  });
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
  return count(database.prepare(`PRAGMA ${name}`));
}

/** What a statement says that has one number to say. */
function count(statement: Statement): number {
  return Number(Object.values(statement.all()[0] ?? {})[0]);
}

/** What happened, and what to do about it. */
function explain(error: unknown, { path }: OutboxFileSettings): MParticleError {
  if (error instanceof MParticleError) return error;
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
      return noSpaceLeft(path, error);
    case "io":
      return outboxError(`${path} could not be read or written (${said}): the disk is full or broken.`, error);
    case undefined:
      return outboxError(`${path}: ${said}`, error);
  }
}

function mayBeFull(error: unknown): boolean {
  const problem = problemOf(error);
  return problem === "full" || problem === "io";
}

function limitReached({ path, maxBytes }: OutboxFileSettings, cause: unknown): MParticleError {
  return outboxError(
    `${path} has reached its \`maxBytes\` of ${String(maxBytes)}; nothing was added. ` +
      "It empties as the service accepts; dead letters stay until they are restored or discarded.",
    cause,
  );
}

function noSpaceLeft(path: string, cause?: unknown): MParticleError {
  return outboxError(
    `There is no space left on the disk of ${path}; nothing was added. Make room on it: what is stored stays and is sent, ` +
      "and adding works again as soon as there is some. A lower `maxBytes` keeps the outbox from filling the disk.",
    cause,
  );
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

/** For what may fail, and does no harm then; tells whether it did not. */
function tryTo(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
