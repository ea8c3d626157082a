/**
 * A process that adds numbered events to a queue with an outbox until it is killed: `adding.ts URL OUTBOX FIRST`. Prints
 * the number of each event once `add` has resolved, and nothing sooner.
 */
import { writeSync } from "node:fs";
import { EventQueue, EventsClient, customEvent } from "mparticle-events";
import { sqliteOutbox } from "mparticle-events/node";

const [url, path = "", first] = process.argv.slice(2);
const client = new EventsClient({
  apiKey: "k",
  apiSecret: "s",
  baseUrl: url,
  retry: { baseDelayMs: 5, maxDelayMs: 50 },
});
const queue = new EventQueue(client, { flushIntervalMs: 5, maxEventsPerBatch: 20, outbox: sqliteOutbox(path) });

const adders = Array.from({ length: 8 }, async (_, adder) => {
  for (let n = Number(first) + adder; ; n += 8) {
    const user = { environment: "development", user_identities: { customer_id: String(n % 5) } } as const;
    await queue.add(user, customEvent(`event-${String(n)}`, "other"));
    writeSync(1, `${String(n)}\n`);
  }
});
await Promise.all(adders);
