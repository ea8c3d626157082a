// Sends what producers stored, until it is killed.
import { EventsClient } from "mparticle-events";
import { openPool, tell, told } from "./connect.mjs";

const { engine, port, url, rate, leaseMs, name, reports = false } = told;
const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl: url });
const worker = await (async () => {
  if (engine === "postgres") {
    const { FleetWorker } = await import("mparticle-events/postgres");
    return new FleetWorker(client, { connection: await openPool(), rate, leaseMs, pollMs: 100 });
  }
  const { FleetWorker } = await import("mparticle-events/bullmq");
  return new FleetWorker(client, { connection: { host: "127.0.0.1", port }, name, rate, leaseMs });
})();
tell("started");
setInterval(() => {
  if (!reports) return;
  const { user, system } = process.cpuUsage();
  const rssMegabytes = Math.round(process.memoryUsage().rss / 1e6);
  tell(JSON.stringify({ stats: worker.stats(), rssMegabytes, cpuMs: (user + system) / 1_000 }));
}, 500);
