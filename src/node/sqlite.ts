import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { MParticleError } from "../errors.ts";
import { show } from "../rules/show.ts";
import { outboxError } from "./outbox-error.ts";

/** What `node:sqlite` and `libsql` have in common, as far as an outbox needs it. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export interface Statement {
  run(...parameters: readonly SqlValue[]): { readonly changes: number | bigint };
  all(...parameters: readonly SqlValue[]): readonly Row[];
}

type SqlValue = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

/** @throws Error - when SQLite cannot open the file. */
export type OpenDatabase = (path: string) => Database;

/**
 * Finds the SQLite that Node has, or else the optional peer `libsql`.
 *
 * @throws Error - when there is neither.
 */
export function loadSqlite(): OpenDatabase {
  return builtIn() ?? peer();
}

function builtIn(): OpenDatabase | undefined {
  // The first Node without it behind a flag is 22.13; asked for in this way, older ones just say that there is none.
  const sqlite: unknown = process.getBuiltinModule("node:sqlite" as "node:fs"); // its types are newer than ours
  if (sqlite === undefined) return undefined;
  const { DatabaseSync } = sqlite as { readonly DatabaseSync: new (path: string) => Database }; // as documented by Node
  return (path) => checked(new DatabaseSync(path));
}

function peer(): OpenDatabase {
  // A package manager that links packages together may show the peer to the application alone.
  for (const base of [import.meta.url, pathToFileURL(`${process.cwd()}/`)]) {
    try {
      const Libsql = createRequire(base)("libsql") as new (path: string) => Database; // as its types have it
      return (path) => checked(new Libsql(path));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) throw error;
    }
  }
  throw new Error(
    `sqliteOutbox() needs SQLite: Node 22.13 or later has it (this is ${process.version}), for others run \`npm install libsql@^0.5.29\`.`,
  );
}

/** Refuses what SQLite has no type for: `libsql` ends the process with it, or takes the members of an array for values. */
function checked(database: Database): Database {
  return {
    exec: (sql) => {
      database.exec(sql);
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => {
          requireValues(values);
          return statement.run(...values);
        },
        all: (...values) => {
          requireValues(values);
          return statement.all(...values);
        },
      };
    },
    close: () => {
      database.close();
    },
  };
}

function requireValues(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === "string" || value === null || Number.isFinite(value)) continue;
    throw new TypeError(`${show(value)} is no value for SQLite; expected text, a finite number or null.`);
  }
}

/** Runs `work` as a whole or not at all. */
export function inTransaction(database: Database, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends a transaction that failed. Some failures have ended it already. */
function rollBack(database: Database): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    return;
  }
}

/** What went wrong, in the terms of SQLite's primary result codes. */
export type SqliteProblem = "busy" | "readonly" | "io" | "corrupt" | "full" | "cannot-open" | "not-a-database";

const PROBLEMS: Readonly<Record<number, SqliteProblem>> = {
  5: "busy",
  6: "busy",
  8: "readonly",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "cannot-open",
  26: "not-a-database",
};

/** Of the file system, before SQLite has its turn. */
const SYSTEM_PROBLEMS: Readonly<Record<string, SqliteProblem>> = {
  EACCES: "readonly",
  EPERM: "readonly",
  EROFS: "readonly",
  EISDIR: "cannot-open",
  ENOSPC: "full",
  EDQUOT: "full",
  EEXIST: "cannot-open",
};

/** The problem behind an error of either library, or of the file system; undefined when it is something else. */
export function problemOf(error: unknown): SqliteProblem | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const result = "errcode" in error ? error.errcode : "rawCode" in error ? error.rawCode : undefined; // node:sqlite, libsql
  // The lowest byte of an extended result code is the primary one.
  if (typeof result === "number") return PROBLEMS[result & 0xff];
  // libsql, of a file that it cannot open: `ConnectionFailed("Unable to open connection to local database …: 14")`.
  const [, opening] = error instanceof Error ? (/^ConnectionFailed\(.*: (\d+)"\)$/s.exec(error.message) ?? []) : [];
  if (opening !== undefined) return PROBLEMS[Number(opening) & 0xff];
  return "code" in error && typeof error.code === "string" ? SYSTEM_PROBLEMS[error.code] : undefined;
}

/** What happened to the outbox at `path`, and what to do about it. */
export function explain(error: unknown, path: string): MParticleError {
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

export function noSpaceLeft(path: string, cause?: unknown): MParticleError {
  return outboxError(
    `There is no space left on the disk of ${path}; nothing was added. Make room on it: what is stored stays and is sent, ` +
      "and adding works again as soon as there is some. A lower `maxBytes` keeps the outbox from filling the disk.",
    cause,
  );
}

export function damaged(path: string, said: string, cause?: unknown): MParticleError {
  return outboxError(
    `${path} is damaged, or no SQLite database (${said.replace(/\s+/g, " ")}); it was not changed. ` +
      "Move it away to start anew; `sqlite3` may recover what it holds.",
    cause,
  );
}
