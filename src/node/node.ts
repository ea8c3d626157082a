export { drainOnExit, type DrainOptions } from "./drain-on-exit.ts";
export type { RejectedBatch } from "./dead-letters.ts";
export { sqliteOutbox, type SqliteOutbox, type SqliteOutboxOptions } from "./sqlite-outbox.ts";
export { nodeFetch, type NodeFetchOptions } from "../transport/node-fetch.ts";
export { undiciFetch, type UndiciFetchOptions } from "../transport/undici-fetch.ts";
