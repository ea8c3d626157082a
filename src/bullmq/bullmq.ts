export { FleetQueue } from "./fleet-queue.ts";
export { FleetWorker } from "./fleet-worker.ts";
export { MissingPeerError } from "../rules/optional-peer.ts";

export type { FleetConnection } from "./connection.ts";
export type { FleetJob, FleetQueueOptions } from "./fleet-queue.ts";
export type { FleetWorkerOptions } from "./fleet-worker.ts";
export type { FleetWorkerStats } from "../fleet/worker-ledger.ts";
