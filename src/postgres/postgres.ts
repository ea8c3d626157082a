export { enqueue, enqueueBatch } from "./enqueue.ts";
export { FleetWorker } from "./fleet-worker.ts";
export { migrate, migrationSql } from "./migrate.ts";

export type { PostgresClient, PostgresPool, Queryable } from "./database.ts";
export type { FleetWorkerOptions } from "./fleet-worker.ts";
export type { MigrateOptions } from "./migrate.ts";
export type { FleetWorkerStats } from "../fleet/worker-ledger.ts";
