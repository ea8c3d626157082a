/**
 * A process that adds events to a queue and dies: `dying.ts URL EVENTS WAY DRAIN_MS [SPILL] [OUTBOX]`. Prints "added"
 * when all are taken in.
 */
import { EventQueue, EventsClient, customEvent } from "mparticle-events";
import { drainOnExit, sqliteOutbox } from "mparticle-events/node";

const [url, count, way, timeoutMs, spillPath = "", outboxPath = ""] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: url, logger: console });
const outbox = outboxPath === "" ? undefined : sqliteOutbox(outboxPath);
const queue = new EventQueue(client, { flushIntervalMs: 60_000, maxEventsPerBatch: 50, outbox });
if (way !== "plain-end")
  drainOnExit(queue, { timeoutMs: Number(timeoutMs), spillPath: spillPath === "" ? undefined : spillPath });
if (way === "own-handler") {
  process.on("SIGTERM", () => {
    setTimeout(() => process.exit(7), 300);
  });
}

for (let n = 0; n < Number(count); n++) {
  const user = {
    environment: "development" as const,
    user_identities: { customer_id: String(n % 5) },
    mpid: "7346244611012968789",
  };
  await queue.add(user, customEvent(`event-${String(n)}`, "other"));
}
process.stdout.write("added\n");

switch (way) {
  case "exit":
    process.exit(3);
    break;
  case "throw":
    setTimeout(() => {
      throw new Error("uncaught on purpose");
    });
    break;
  case "reject":
    void Promise.reject(new Error("unhandled on purpose"));
    break;
  case "end":
  case "plain-end":
    break;
  default:
    // A signal is on its way.
    setInterval(() => undefined, 1_000);
}
