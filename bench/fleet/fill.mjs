/** Puts batches of one event into the store, each of another user: `node fill.mjs '{"entrant":…,"count":…}'`. */
import { batch } from "../candidates/payload.mjs";
import { inParallel } from "../scenarios/meter.mjs";
import { openBoss, openPool, redis, told } from "./stores.mjs";

const { entrant, count } = told;

if (entrant === "redis" || entrant === "plain") {
  const { FleetQueue } = await import("mparticle-events/bullmq");
  const queue = new FleetQueue({ connection: redis, timeoutMs: 60_000 });
  const failed = await inParallel(count, 200, (n) => queue.addBatch(batch(n, 1)));
  if (failed > 0) throw new Error(`${failed} were not stored.`);
} else if (entrant === "postgres") {
  const { enqueueBatch, migrate } = await import("mparticle-events/postgres");
  const pool = await openPool(1);
  await migrate(pool);
  const tx = await pool.connect();
  await tx.query("BEGIN");
  const failed = await inParallel(count, 50, (n) => enqueueBatch(tx, batch(n, 1)));
  if (failed > 0) throw new Error(`${failed} were not stored.`);
  await tx.query("COMMIT");
} else {
  const boss = await openBoss();
  await boss.createQueue("batches");
  for (let n = 0; n < count; n += 500) {
    const length = Math.min(500, count - n);
    await boss.insert(Array.from({ length }, (_, place) => ({ name: "batches", data: batch(n + place, 1) })));
  }
}
process.exit();
