import { wholeNumber, checkOptions } from "../transport/option-checks.ts";
import { requireQueryable, type Queryable } from "./database.ts";
import { schemaSql } from "./schema.ts";

/** How the tables of the outbox are made. */
export interface MigrateOptions {
  /**
   * Lanes, of which a worker takes its share: at least as many as there will ever be workers. It counts when the tables
   * are made and cannot be changed afterwards. `@default 64`
   */
  readonly lanes?: number | undefined;
}

/**
 * Makes the tables and functions of the outbox, where they are missing. Safe to run at every start.
 *
 * @param pool - a pool or a client of `pg`; the tables are made in the first schema of its search path.
 * @param options - `{ lanes? }`.
 * @throws RangeError, TypeError - naming the argument, its value and what was expected; and what PostgreSQL says.
 */
export async function migrate(pool: Queryable, options: MigrateOptions = {}): Promise<void> {
  requireQueryable("pool", pool);
  checkOptions(options, { lanes: "any" });
  const lanes = wholeNumber("lanes", options.lanes ?? DEFAULT_LANES);
  // One string of several statements is one transaction; the lock is for services that start at the same time. With a
  // BEGIN of its own a statement that fails would leave the pool a connection whose transaction is aborted.
  await pool.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK}); ${schemaSql(lanes)}`);
}

/**
 * The same as plain SQL, for migrations that are reviewed and run by others.
 *
 * @param options - `{ lanes? }`, as for {@link migrate}.
 * @throws RangeError, TypeError - naming the option, its value and what was expected.
 */
export function migrationSql(options: MigrateOptions = {}): string {
  checkOptions(options, { lanes: "any" });
  return schemaSql(wholeNumber("lanes", options.lanes ?? DEFAULT_LANES));
}

const DEFAULT_LANES = 64;

/** Any number that nobody else locks. */
const MIGRATION_LOCK = "7302016110";
