/** One process that sells, and two workers that share the account's pace; in a real fleet each is a process of its own. */
import { EventsClient } from "mparticle-events";
import { FleetQueue, FleetWorker } from "mparticle-events/bullmq";
import { sell } from "./shop.ts";

const { hostname: host, port } = new URL(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379");
const connection = { host, port: Number(port) || 6379 };
const ORDERS = 20;

const queue = new FleetQueue({ connection });
for (let order = 1; order <= ORDERS; order++) await sell(queue, String(1000 + (order % 4)), `T-${String(order)}`);
await queue.close();

const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
});
const workers: FleetWorker[] = [];
await new Promise<void>((resolve) => {
  let settled = 0;
  const onOutcome = (): void => {
    if (++settled === ORDERS) resolve();
  };
  for (let count = 0; count < 2; count++) workers.push(new FleetWorker(client, { connection, rate: 100, onOutcome }));
});
for (const worker of workers) {
  await worker.close();
  console.log("a worker sent", worker.stats().accepted, "batches");
}
