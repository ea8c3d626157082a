/** Sends the file, and then again: the second run finds nothing left to do. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EventsClient } from "mparticle-events";
import { backfill } from "./backfill.ts";

const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
});
const folder = mkdtempSync(join(tmpdir(), "backfill-"));
const orders = fileURLToPath(new URL("./orders.csv", import.meta.url));
console.log("first run:", await backfill(client, orders, join(folder, "checkpoint")));
console.log("second run:", await backfill(client, orders, join(folder, "checkpoint")));
await client.close();
rmSync(folder, { recursive: true });
