/** A process that sends what an outbox holds, and ends: `recovering.ts URL OUTBOX`. */
import { EventQueue, EventsClient } from "mparticle-events";
import { sqliteOutbox } from "mparticle-events/node";

const [url, path = ""] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: url });
await using queue = new EventQueue(client, { outbox: sqliteOutbox(path) });
await queue.flush();
console.log(JSON.stringify(queue.stats().events));
