import type { Fetch } from "mparticle-events";
import { nodeFetch } from "../../src/transport/node-fetch.ts";
import { undiciFetch } from "../../src/transport/undici-fetch.ts";

/** The transports that the tests of this folder are about: what is asked of one is asked of the other. */
export const TRANSPORTS: readonly Transport[] = ["node", "undici"];

type Transport = "node" | "undici";

// It takes long to load, and no test's own time is for that.
await import("undici");

/** @param maxSockets - connections at most. */
export function makeTransport(transport: Transport, maxSockets = 64): Fetch {
  return transport === "undici" ? undiciFetch({ connections: maxSockets }) : nodeFetch({ maxSockets });
}
