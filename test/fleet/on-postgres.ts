import { customEvent, EventsClient } from "mparticle-events";
import { enqueue, FleetWorker, migrate, type FleetWorkerOptions, type PostgresPool } from "mparticle-events/postgres";
import { Pool, type PoolConfig } from "pg";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import { startRecordingService, type Answer, type RecordingService } from "./recording-service.ts";
import { startPostgres, type Server } from "./servers.ts";

/** One PostgreSQL for the tests of a file; what a test opens is closed at its end. */
export function onPostgres() {
  let postgres: Server;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await postgres.stop();
  });

  const open: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  const openPool = (config: PoolConfig): Pool => {
    const pool = new Pool({ host: "127.0.0.1", port: postgres.port, user: "postgres", ...config });
    // A connection of the pool that ends while nobody uses it is made again.
    pool.on("error", () => undefined);
    open.push(() => pool.end());
    return pool;
  };

  let count = 0;

  /** @returns the name of an empty database of the test's own. */
  async function createDatabase(): Promise<string> {
    const database = `outbox_${String(count++)}`;
    await openPool({ database: "postgres", max: 1 }).query(`CREATE DATABASE ${database}`);
    return database;
  }

  /** A database with the tables, and a service that accepts unless `answer` says otherwise. */
  async function setUp(answer?: (names: readonly string[]) => Answer | undefined) {
    const database = await createDatabase();
    const pool = openPool({ database });
    await migrate(pool);
    const service = await startRecordingService(answer);
    open.push(() => service.close());
    const warnings: string[] = [];
    const note = (message: string): void => {
      warnings.push(message);
    };
    const logger = { debug: () => undefined, info: () => undefined, warn: note, error: note };
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl: service.url, logger });
    const startWorker = (options: Partial<FleetWorkerOptions> = {}): FleetWorker => {
      const worker = new FleetWorker(client, { connection: openPool({ database }), rate: 100_000, ...options });
      open.push(() => worker.close({ timeoutMs: 0 }));
      return worker;
    };
    const countOf = async (table: "batch" | "dead"): Promise<number> => {
      const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::int FROM mparticle_events_${table}`);
      return rows[0]?.count ?? -1;
    };
    return { database, pool, service, client, startWorker, warnings, countOf };
  }

  return { setUp, openPool, createDatabase, open, server: () => postgres };
}

export const user = (customer_id: string) =>
  ({ environment: "development", user_identities: { customer_id }, mpid: "9007199254740993" }) as const;

/** Numbers of each user, one after the other, as a service would enqueue them. */
export async function enqueueNumbers(pool: PostgresPool, users: number, numbers: readonly number[]): Promise<void> {
  const names = Array.from({ length: users }, (_, index) => `u${String(index)}`);
  for (const number of numbers) {
    await Promise.all(
      names.map((name) => enqueue(pool, user(name), customEvent(`${name}:${String(number)}`, "other"))),
    );
  }
}

export const upTo = (end: number): number[] => Array.from({ length: end }, (_, number) => number);

/** How many lanes each worker has, the fewest first. */
export async function lanesOfWorkers(pool: Pool): Promise<readonly number[]> {
  const { rows } = await pool.query<{ lanes: number }>(
    "SELECT count(*)::int AS lanes FROM mparticle_events_lane WHERE lease_until > now() GROUP BY owner ORDER BY 1",
  );
  return rows.map(({ lanes }) => lanes);
}

export const eventually = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(check, { timeout: 100_000, interval: 50 });

export const allAccepted = (service: RecordingService, batches: number): Promise<unknown> =>
  eventually(() => {
    expect(service.accepted.size).toBe(batches);
  });

export const expectOrder = (service: RecordingService, users: number, numbers: readonly number[]): void => {
  expect(service.numbersOfUser.size).toBe(users);
  for (const [name, arrived] of service.numbersOfUser) expect({ name, arrived }).toEqual({ name, arrived: numbers });
};
