export { drainOnExit, type DrainOptions } from "./drain-on-exit.ts";
export { sqliteOutbox, type RejectedBatch, type SqliteOutbox, type SqliteOutboxOptions } from "./sqlite-outbox.ts";
export { nodeFetch, type NodeFetchOptions } from "../transport/node-fetch.ts";
