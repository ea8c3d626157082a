import { execFileSync } from "node:child_process";
import { customEvent, MParticleError } from "mparticle-events";
import { enqueue, migrate } from "mparticle-events/postgres";
import { beforeEach, describe, expect, it } from "vitest";
import { SmallDisk, whyNoSmallDisk } from "../node/small-disk.ts";
import { allAccepted, eventually, onPostgres, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";
import { startRedis } from "./servers.ts";

const TEXT = "x".repeat(1_000);

/** Adds one batch after the other, and fills the disk meanwhile: how many the store took, and what it said then. */
async function addUntilFull(
  disk: SmallDisk,
  add: (number: number) => Promise<unknown>,
): Promise<{ taken: number; error: unknown }> {
  for (let taken = 0; taken < 1_000; taken++) {
    if (taken === 20) disk.fill();
    try {
      await add(taken);
    } catch (error) {
      return { taken, error };
    }
  }
  throw new Error("It was never full.");
}

const event = (number: number) => customEvent(`a:${String(number)}`, "other", { custom_attributes: { text: TEXT } });

describe("a fleet whose store has a full disk", () => {
  const reason = whyNoSmallDisk();
  beforeEach(({ skip }) => {
    skip(reason !== undefined, reason);
  });

  const redis = onRedis();
  const postgres = onPostgres();

  it("tells who adds to Redis, loses nothing that it has taken, and goes on when there is room", async () => {
    using disk = new SmallDisk();
    const small = await startRedis(["--appendonly", "yes", "--dir", disk.folder]);
    redis.open.push({ close: () => small.stop() });
    const { queue, bull, service, startWorker } = await redis.setUp(undefined, {}, small.port);
    const worker = startWorker({ rate: 100_000 });
    const { taken, error } = await addUntilFull(disk, (number) => queue.add(user("a"), event(number)));
    expect(error).toBeInstanceOf(MParticleError);
    expect(error).toMatchObject({ code: "OUTBOX", message: expect.stringContaining("No space left") as string });
    disk.clear();
    await allAccepted(service, taken);
    await queue.add(user("b"), customEvent("b:0", "other"));
    await allAccepted(service, taken + 1);
    expect(await bull.getFailedCount()).toBe(0);
    await worker.close();
  });

  it("fails the statement of who enqueues in PostgreSQL, loses nothing that was committed, and goes on", async () => {
    using disk = new SmallDisk();
    if (process.getuid?.() === 0) execFileSync("chown", ["postgres", disk.folder]);
    const database = await postgres.createDatabase();
    const admin = postgres.openPool({ database });
    const tablespace = `small_${database}`;
    await admin.query(`CREATE TABLESPACE ${tablespace} LOCATION '${disk.folder}'`);
    const { service, startWorker } = await postgres.setUp();
    // The log of what is written is on another disk; without that PostgreSQL ends, as in a crash.
    const pool = postgres.openPool({ database, options: `-c default_tablespace=${tablespace}` });
    await migrate(pool);
    const worker = startWorker({ connection: postgres.openPool({ database }), rate: 50, pollMs: 50 });
    const add = (number: number): Promise<unknown> => enqueue(pool, user(String(number % 7)), event(number));
    const { taken, error } = await addUntilFull(disk, add);
    expect(String(error)).toContain("No space left on device");
    disk.clear();
    await allAccepted(service, taken);
    await eventually(() => add(taken));
    await allAccepted(service, taken + 1);
    await worker.close();
  });
});
