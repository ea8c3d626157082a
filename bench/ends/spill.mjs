/** Ends with a full queue and a service that is not there: says how long `drainOnExit` held the end up, and what it wrote. */
import { statSync } from "node:fs";
import { EventQueue, EventsClient } from "mparticle-events";
import { drainOnExit } from "mparticle-events/node";
import { event, user } from "../candidates/payload.mjs";

const [url, spillPath, events, users] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2` });
const queue = new EventQueue(client, { flushIntervalMs: 60_000 });
let endedMs = 0;
process.on("exit", () => {
  endedMs = performance.now();
});
drainOnExit(queue, { spillPath });
process.on("exit", () => {
  const spillMs = performance.now() - endedMs;
  console.log(JSON.stringify({ spillMs, bytes: statSync(spillPath).size }));
});
for (let n = 0; n < Number(events); n++) await queue.add(user(n % Number(users)), event(n));
process.exit();
