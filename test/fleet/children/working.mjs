// Sends what producers stored, until it is killed.
import { EventsClient } from "mparticle-events";
import { openPool, tell, told } from "./connect.mjs";

const { engine, port, url, rate, leaseMs } = told;
const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl: url });
if (engine === "postgres") {
  const { FleetWorker } = await import("mparticle-events/postgres");
  new FleetWorker(client, { connection: await openPool(), rate, leaseMs, pollMs: 100 });
} else {
  const { FleetWorker } = await import("mparticle-events/bullmq");
  new FleetWorker(client, { connection: { host: "127.0.0.1", port }, rate, leaseMs });
}
tell("started");
setInterval(() => undefined, 1_000);
