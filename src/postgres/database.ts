import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/** What is used of a `Pool` of `pg`, and of a client of it. */
export interface Queryable {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
}

/** What is used of a `PoolClient` of `pg`. */
export interface PostgresClient extends Queryable {
  on(event: "notification" | "error", listener: (payload: never) => void): unknown;
  release(destroy?: boolean | Error): void;
}

/** What is used of a `Pool` of `pg`: pass one. */
export interface PostgresPool extends Queryable {
  connect(): Promise<PostgresClient>;
  /** `max` is the number of its connections. */
  readonly options?: { readonly max?: number | undefined } | undefined;
}

/** @throws TypeError - for what has no `query`. */
export function requireQueryable(name: string, value: unknown): void {
  if (isObject(value) && typeof value["query"] === "function") return;
  throw new TypeError(`\`${name}\` is ${show(value)}; expected a client or a pool of \`pg\`.`);
}
