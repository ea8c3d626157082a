import type { Fetch } from "mparticle-events";
import { nodeFetch } from "../../src/transport/node-fetch.ts";
import { undiciFetch } from "../../src/transport/undici-fetch.ts";

/**
 * The transport that the tests of this folder are about: `undici.test.ts` runs them on undici, because what is asked of one
 * transport is asked of the other.
 */
export const TRANSPORT = process.env["TRANSPORT"] === "undici" ? "undici" : "node";

// It takes long to load, and no test's own time is for that.
if (TRANSPORT === "undici") await import("undici");

/** @param maxSockets - connections at most. */
export function makeTransport(maxSockets = 64): Fetch {
  return TRANSPORT === "undici" ? undiciFetch({ connections: maxSockets }) : nodeFetch({ maxSockets });
}
