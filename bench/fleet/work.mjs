/** Sends what is in the store, as fast as it can, and says what CPU that took when it is asked; over IPC. */
import { EventsClient, parseJsonExact } from "mparticle-events";
import { openBoss, openPool, redis, told } from "./stores.mjs";

const { entrant, url } = told;
const nothing = () => undefined;
/** The PostgreSQL of a measurement does not write to disk, which a worker would warn of. */
const logger = { debug: nothing, info: nothing, warn: nothing, error: console.error };
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2`, logger });
/** More than anybody sends: what is measured is the work, not the pace. */
const rate = 1_000_000;

if (entrant === "redis") {
  const { FleetWorker } = await import("mparticle-events/bullmq");
  new FleetWorker(client, { connection: redis, rate });
} else if (entrant === "postgres") {
  const { FleetWorker } = await import("mparticle-events/postgres");
  new FleetWorker(client, { connection: await openPool(6), rate });
} else if (entrant === "plain") {
  const { Worker } = await import("bullmq");
  const upload = async ({ data }) => {
    await client.upload(parseJsonExact(data.text));
  };
  new Worker("mparticle-events", upload, { connection: redis, concurrency: 100 }).on("error", console.error);
} else {
  const boss = await openBoss();
  const sendNext = async () => {
    const jobs = await boss.fetch("batches", { batchSize: 100 });
    if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    else {
      await client.uploadBulk(jobs.map(({ data }) => data));
      await boss.complete(
        "batches",
        jobs.map(({ id }) => id),
      );
    }
  };
  const keepSending = async () => {
    for (;;) await sendNext();
  };
  for (let n = 0; n < 4; n++) void keepSending();
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send((user + system) / 1_000);
});
