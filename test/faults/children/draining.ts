/** A process that adds events to a queue and has nothing else to do: `draining.ts URL EVENTS`. */
import { EventQueue, EventsClient, customEvent } from "mparticle-events";

const [baseUrl, events] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl, retry: { baseDelayMs: 5, maxDelayMs: 50 } });
// Nothing is due for a minute: it is the end of the process that has it sent.
const queue = new EventQueue(client, { flushIntervalMs: 60_000 });
for (let n = 0; n < Number(events); n++) {
  const user = { environment: "development", user_identities: { customer_id: String(n % 50) } } as const;
  await queue.add(user, customEvent(String(n), "other"));
}
