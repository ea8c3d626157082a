// Sends what producers stored, until it is killed.
import { EventsClient } from "mparticle-events";
import { openPool, tell, told } from "./connect.mjs";

const { engine, port, url, rate, leaseMs, name, deadly, reports = false } = told;
const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl: url, logger });
/** As a fault in a callback would, in a process of its own. */
const onOutcome = ({ batch }) => {
  if (batch.events[0].data.event_name === deadly) process.kill(process.pid, "SIGKILL");
};
const options = { rate, leaseMs, ...(deadly !== undefined && { onOutcome }) };
const worker = await (async () => {
  if (engine === "postgres") {
    const { FleetWorker } = await import("mparticle-events/postgres");
    return new FleetWorker(client, { ...options, connection: await openPool(), pollMs: 100 });
  }
  const { FleetWorker } = await import("mparticle-events/bullmq");
  return new FleetWorker(client, { ...options, connection: { host: "127.0.0.1", port }, name });
})();
tell("started");
setInterval(() => {
  if (!reports) return;
  const { user, system } = process.cpuUsage();
  const rssMegabytes = Math.round(process.memoryUsage().rss / 1e6);
  tell(JSON.stringify({ stats: worker.stats(), rssMegabytes, cpuMs: (user + system) / 1_000 }));
}, 500);
