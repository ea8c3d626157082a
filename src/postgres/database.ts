import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/** What is used of a `Pool` of `pg`, and of a client of it. */
export interface Queryable {
  /** Runs one statement, with `$1`, `$2` and so on for the values. */
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
}

/** What is used of a `PoolClient` of `pg`. */
export interface PostgresClient extends Queryable {
  /** Hears of notifications, and of the loss of the connection. */
  on(event: "notification" | "error", listener: (payload: never) => void): unknown;
  /** Gives the connection back; with `true` or an error it is closed instead. */
  release(destroy?: boolean | Error): void;
}

/** What is used of a `Pool` of `pg`: pass one. */
export interface PostgresPool extends Queryable {
  /** Takes a connection out of the pool, until it is released. */
  connect(): Promise<PostgresClient>;
  /** `max` is the number of its connections. */
  readonly options?: { readonly max?: number | undefined } | undefined;
}

/** @throws TypeError - for what has no `query`. */
export function requireQueryable(name: string, value: unknown): void {
  if (isObject(value) && typeof value["query"] === "function") return;
  throw new TypeError(`\`${name}\` is ${show(value)}; expected a client or a pool of \`pg\`.`);
}
