/**
 * A process that adds numbered events to two queues until it ends: `living.ts LIFE`, where `LIFE` is the JSON of a
 * {@link Life}. Prints `o NUMBER` once an event is in the outbox, and `m NUMBER` once one is taken in by the queue that
 * spills at the end. Its clock jumps; its ledgers are looked at all the time.
 */
import { writeSync } from "node:fs";
import { customEvent, EventQueue, EventsClient, MParticleError, type QueueStats } from "mparticle-events";
import { drainOnExit, sqliteOutbox } from "mparticle-events/node";
import { seeded } from "../faults/fault-deck.ts";

/** What the process does. */
export interface Life {
  readonly url: string;
  readonly outboxPath: string;
  readonly spillPath: string;
  /** The number of its first event. */
  readonly first: number;
  readonly seed: number;
  /** When it calls `process.exit`, in milliseconds; otherwise it lives until a signal. */
  readonly exitAfterMs?: number | undefined;
  /** Whether it adds nothing and ends once all that was left is delivered. */
  readonly finishes?: boolean | undefined;
}

const life = JSON.parse(process.argv[2] ?? "") as Life; // as the soak writes it
const random = seeded(life.seed);

const realNow = Date.now.bind(Date);
let jumpMs = 0;
Date.now = () => realNow() + jumpMs;
setInterval(() => {
  // From a day back to a day ahead.
  jumpMs = Math.round((random() - 0.5) * 2 * 86_400_000);
}, 700).unref();

const client = new EventsClient({
  apiKey: "key",
  apiSecret: "secret-of-the-soak",
  baseUrl: life.url,
  timeoutMs: 2_000,
  retry: { baseDelayMs: 5, maxDelayMs: 100 },
});
const stored = new EventQueue(client, { flushIntervalMs: 20, outbox: sqliteOutbox(life.outboxPath) });
const spilled = new EventQueue(client, { flushIntervalMs: 20 });
drainOnExit(stored, { timeoutMs: 1_000 });
drainOnExit(spilled, { timeoutMs: 1_000, spillPath: life.spillPath });

function requireTrue({ events, batches }: QueueStats): void {
  for (const { added, accepted, rejected, undelivered, pending } of [events, batches]) {
    if (added === accepted + rejected + undelivered + pending && pending >= 0) continue;
    writeSync(2, `the ledger is wrong: ${JSON.stringify({ events, batches })}\n`);
    process.kill(process.pid, "SIGKILL");
  }
}
setInterval(() => {
  requireTrue(stored.stats());
  requireTrue(spilled.stats());
}, 50).unref();

async function addTo(queue: EventQueue, mark: "o" | "m", offset: number): Promise<void> {
  for (let number = life.first + offset; ; number += 4) {
    const user = { environment: "development", user_identities: { customer_id: String(number % 50) } } as const;
    try {
      await queue.add(user, customEvent(`event-${String(number)}`, "other"));
    } catch (error) {
      // The process is about to end.
      if (error instanceof MParticleError && error.code === "CLOSED") return;
      throw error;
    }
    writeSync(1, `${mark} ${String(number)}\n`);
    // Some at once, some with a pause, so that batches are of every size.
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 20));
  }
}

if (life.finishes === true) {
  // What was left is taken in at the start; nothing is pending before.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await Promise.all([stored.flush(), spilled.flush()]);
  await Promise.all([stored.close(), spilled.close()]);
  process.exit(0);
}
if (life.exitAfterMs !== undefined) setTimeout(() => process.exit(0), life.exitAfterMs);
await Promise.all([addTo(stored, "o", 0), addTo(stored, "o", 1), addTo(spilled, "m", 2), addTo(spilled, "m", 3)]);
