import { closeSync, existsSync, lstatSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { OutboxOwner } from "../delivery/outbox.ts";
import { DiskRoom } from "./disk-room.ts";
import { outboxError } from "./outbox-error.ts";
import { count, prepareTables, requireOurs } from "./outbox-format.ts";
import type { OwnerWatch } from "./outbox-lease.ts";
import { OutboxLog } from "./outbox-log.ts";
import { Ownership } from "./outbox-ownership.ts";
import { explain, loadSqlite, noSpaceLeft, problemOf, type Database, type Statement } from "./sqlite.ts";

const PAGE_BYTES = 4096;
/** SQLite's own log is written to the file when it has so many pages: its default. */
const LOG_PAGES = 1000;
/** So much of the file may be empty; what is more goes back to the disk, so much at a time, after so many removals. */
const MAX_EMPTY_PAGES = 2048;
const PAGES_GIVEN_BACK = 512;
const REMOVALS_BETWEEN = 4;
/** What lies beside the file under its name. */
const COMPANIONS = ["-wal", "-shm", "-journal", "-owner"];

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
  readonly #ownership: Ownership;
  readonly #room: DiskRoom;
  readonly #pageCount: Statement;
  readonly #emptyPageCount: Statement;
  #removals = 0;

  /**
   * @param watch - of whoever tries to open it, the same each time.
   * @param owner - the queue that asks for it, if one does.
   * @throws MParticleError - saying what is wrong with the file, and what to do.
   * @returns undefined while another owner has it.
   */
  static tryToOpen(
    settings: OutboxFileSettings,
    watch: OwnerWatch,
    owner: OutboxOwner | undefined,
  ): OutboxFile | undefined {
    let ownership: Ownership | undefined;
    let locked: Database | undefined;
    try {
      requireFile(settings.path);
      // Whoever comes by another link has to meet the same lease.
      const path = realPathOf(settings.path);
      for (const companion of COMPANIONS) refuseLink(path + companion);
      ownership = Ownership.take(path, watch, owner, () => {
        if (existsSync(path)) locked ??= openLocked(path);
        return true;
      });
      if (ownership !== undefined) return new OutboxFile({ ...settings, path }, ownership, owner, locked);
      // Its owner had lost its lock, and woke up at this very moment.
      if (locked !== undefined) ABANDONED.add(locked);
      return undefined;
    } catch (error) {
      ownership?.release();
      if (problemOf(error) === "busy") return undefined;
      throw explain(error, settings.path);
    }
  }

  private constructor(
    settings: OutboxFileSettings,
    ownership: Ownership,
    owner: OutboxOwner | undefined,
    locked: Database | undefined,
  ) {
    const { path } = settings;
    this.#settings = settings;
    this.#ownership = ownership;
    this.#room = new DiskRoom(path);
    this.#database = locked ?? openFile(path);
    try {
      takeOver(this.#database, settings, owner?.apiKey, this.#room.logPages);
      ownership.watchFile();
      this.#pageCount = this.#database.prepare("PRAGMA page_count");
      this.#emptyPageCount = this.#database.prepare("PRAGMA freelist_count");
      this.log = new OutboxLog(this.#database, (work) => {
        ownership.change(work);
      });
    } catch (error) {
      unlock(this.#database);
      this.#database.close();
      throw error;
    }
  }

  /** @throws MParticleError - for whatever `work` throws: what happened, and what to do about it. */
  guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.#settings.path);
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

  /** Leaves one file, free for the next owner. Where the disk is full SQLite's log stays beside it, and the next one reads both. */
  close(): void {
    if (this.#ownership.isTakenOver) {
      ABANDONED.add(this.#database);
      this.#ownership.release();
      return;
    }
    tryTo(() => {
      this.#database.exec("PRAGMA journal_mode = DELETE");
    });
    unlock(this.#database);
    try {
      this.guard(() => {
        this.#database.close();
      });
    } finally {
      this.#ownership.release();
    }
  }

  #add(addedBytes: number, work: (log: OutboxLog) => void): void {
    this.#ownership.require();
    if (!this.#room.hasRoomFor(addedBytes)) {
      // What is empty in the file may be enough.
      this.#giveBack(Math.ceil(addedBytes / PAGE_BYTES));
      this.#shortenLog();
      if (!this.#room.hasRoomFor(addedBytes)) throw noSpaceLeft(this.#settings.path);
    }
    try {
      this.#transact(work);
    } catch (error) {
      throw problemOf(error) === "full" && this.#isAtLimit ? this.#limitReached(error) : error;
    }
  }

  #free(work: (log: OutboxLog) => void): void {
    if (this.#ownership.isTakenOver) this.#ownership.require();
    try {
      this.#transact(work);
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== "full" && problem !== "io") throw error;
      this.#shortenLog();
      this.#transact(work);
    }
    // Whatever becomes of this, the work is done. The file follows what is in it, a little behind.
    if (++this.#removals % REMOVALS_BETWEEN > 0) return;
    tryTo(() => {
      if (count(this.#emptyPageCount) > MAX_EMPTY_PAGES) this.#giveBack(PAGES_GIVEN_BACK);
    });
  }

  #transact(work: (log: OutboxLog) => void): void {
    this.log.transaction(() => {
      work(this.log);
    });
  }

  /** SQLite says the same of a full disk and of a full file; the one that is nearer was reached. */
  get #isAtLimit(): boolean {
    return this.#settings.maxBytes - count(this.#pageCount) * PAGE_BYTES < this.#room.freeBytes;
  }

  #limitReached(cause: unknown): Error {
    const { path, maxBytes } = this.#settings;
    return outboxError(
      `${path} has reached its \`maxBytes\` of ${String(maxBytes)}; nothing was added. ` +
        "It empties as the service accepts; dead letters stay until they are restored or discarded.",
      cause,
    );
  }

  /** Gives empty pages back to the disk; if that fails, they are there for what is added next. */
  #giveBack(pages: number): void {
    tryTo(() => {
      this.#ownership.change(() => {
        this.#database.exec(`PRAGMA incremental_vacuum(${String(pages)})`);
      });
    });
  }

  /** Writes SQLite's log to the file and starts it anew. What that cannot do for now, a later one can. */
  #shortenLog(): void {
    tryTo(() => {
      this.#ownership.change(() => {
        this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      });
    });
  }
}

/**
 * Databases that have another owner, held for ever: one that is closed, or collected, writes what it has in its log over what
 * the other has written.
 */
const ABANDONED = new Set<Database>();

/** @throws MParticleError - for a path at which there is, or can be, no file. SQLite has a number for it, or waits for ever. */
function requireFile(path: string): void {
  const folder = dirname(path);
  const around = statSync(folder, { throwIfNoEntry: false });
  if (around === undefined) throw outboxError(`${folder} does not exist; make the folder of the outbox first.`);
  if (!around.isDirectory()) throw outboxError(`${folder} is no folder, so there is no room in it for an outbox.`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile()) return;
  throw outboxError(
    there.isDirectory()
      ? `${path} is a folder; expected the path of a file, such as ${join(path, "mparticle.db")}.`
      : `${path} is no regular file; choose another path for the outbox.`,
  );
}

/** Where a path leads in the end; the file need not be there yet. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  refuseLink(path);
  return join(realpathSync(dirname(path)), basename(path));
}

/** @throws MParticleError - for a link, through which a file somewhere else would be written. */
function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw outboxError(`${path} is a link, and is not followed; remove it, or choose another path for the outbox.`);
}

/** @throws MParticleError, Error - when the file is not ours, or cannot be written. */
function takeOver(
  database: Database,
  { path, durability, maxBytes }: OutboxFileSettings,
  apiKey: string | undefined,
  logPages: number,
): void {
  lock(database);
  // Looked at before it is changed, so that what is not ours is left as it was.
  requireOurs(database, path);
  prepareTables(database, path, apiKey);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}`);
  database.exec(`PRAGMA wal_autocheckpoint = ${String(Math.min(LOG_PAGES, logPages))}`);
  database.exec("PRAGMA journal_size_limit = 4194304");
  database.exec(`PRAGMA max_page_count = ${String(Math.max(1, Math.floor(maxBytes / PAGE_BYTES)))}`);
}

function openFile(path: string): Database {
  // It holds personal data. SQLite gives its log the same permissions. One that is there is left alone: closing it
  // would take away every lock that this process holds on it.
  if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  return loadSqlite()(path);
}

/** @throws Error - while another has it. */
function lock(database: Database): void {
  // Kept until the connection is closed or its process has died. It needs no shared memory on the disk, which may be full.
  // Should it fail, there is no statement yet for which `libsql` would keep the file to itself.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; SELECT 1 FROM sqlite_master");
}

/** @throws Error - while another has it: then nothing was changed. */
function openLocked(path: string): Database {
  const database = openFile(path);
  try {
    lock(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Closing is not enough: `libsql` keeps its lock for as long as a statement waits to be collected. */
function unlock(database: Database): void {
  tryTo(() => {
    database.exec("PRAGMA locking_mode = NORMAL");
    database.exec("SELECT 1 FROM sqlite_master"); // the lock goes with the next access
  });
}

/** For what may fail, and does no harm then. */
function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}
