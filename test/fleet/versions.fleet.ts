import { createBatch, customEvent } from "mparticle-events";
import { enqueue, migrate } from "mparticle-events/postgres";
import { describe, expect, it, vi } from "vitest";
import { allAccepted, enqueueNumbers, eventually, lanesOfWorkers, onPostgres, upTo, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";

const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** This package with records of version 2, as a deploy brings it while workers of version 1 run. */
async function newerPackage() {
  vi.resetModules();
  vi.doMock(import("../../src/fleet/record-version.ts"), async (original) => ({
    ...(await original()),
    RECORD_VERSION: 2 as 1, // as the next version will say
  }));
  try {
    const [root, bullmq, postgres] = await Promise.all([
      import("mparticle-events"),
      import("mparticle-events/bullmq"),
      import("mparticle-events/postgres"),
    ]);
    const client = (baseUrl: string) =>
      new root.EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl, logger: SILENT });
    return { client, bullmq, postgres };
  } finally {
    vi.doUnmock("../../src/fleet/record-version.ts");
    vi.resetModules();
  }
}

const NEWER = "Batches of record version 2 wait in the store, and this worker reads up to 1";

describe("two versions of a fleet on Redis", () => {
  const { setUp, open } = onRedis();

  it("leave a newer job for the newer worker, which reads the older ones as well", async () => {
    const { queue, bull, service, startWorker, warnings, connection, name } = await setUp();
    const newer = await newerPackage();
    const newerQueue = new newer.bullmq.FleetQueue({ connection, name });
    open.push(newerQueue);
    const batch = createBatch(user("new"), [customEvent("new:0", "other")]);
    await newerQueue.addBatch(batch);
    await queue.add(user("old"), customEvent("old:0", "other"));
    const older = startWorker({ rate: 100_000 });
    await allAccepted(service, 1);
    await eventually(async () => {
      expect(await bull.getDelayedCount()).toBe(1);
    });
    expect(await bull.getFailedCount()).toBe(0);
    expect(older.stats()).toEqual({ accepted: 1, rejected: 0, undelivered: 0, pending: 0 });
    expect(warnings.filter((warning) => warning.startsWith(NEWER))).toHaveLength(1);
    await older.close();
    await queue.add(user("old"), customEvent("old:1", "other"));
    open.push(new newer.bullmq.FleetWorker(newer.client(service.url), { connection, name, rate: 100_000 }));
    await allAccepted(service, 3);
    expect(service.accepted.has(batch.source_request_id ?? "")).toBe(true);
    expect(service.numbersOfUser.get("old")).toEqual([0, 1]);
  });

  it("run at once, and the newer worker comes to its jobs", async () => {
    const { service, startWorker, bull, connection, name } = await setUp();
    const newer = await newerPackage();
    const newerQueue = new newer.bullmq.FleetQueue({ connection, name });
    open.push(newerQueue);
    await Promise.all(
      upTo(2).map((index) => newerQueue.add(user(String(index)), customEvent(`${String(index)}:0`, "other"))),
    );
    startWorker({ rate: 100_000 });
    open.push(new newer.bullmq.FleetWorker(newer.client(service.url), { connection, name, rate: 100_000 }));
    await allAccepted(service, 2);
    expect(await bull.getFailedCount()).toBe(0);
  });
});

describe("two versions of a fleet on PostgreSQL", () => {
  const { setUp, open, openPool } = onPostgres();

  it("leave newer batches for the newer worker, and all else is sent in order meanwhile", async () => {
    const { pool, service, startWorker, warnings, countOf, database } = await setUp();
    const newer = await newerPackage();
    await newer.postgres.migrate(pool);
    await enqueueNumbers(pool, 30, [0]);
    await newer.postgres.enqueue(pool, user("u7"), customEvent("u7:1", "other"));
    await enqueueNumbers(pool, 30, [2, 3]);
    startWorker({ pollMs: 50, leaseMs: 2_000 });
    // Of the user with the newer batch only what was before it.
    await allAccepted(service, 88);
    expect(service.numbersOfUser.get("u7")).toEqual([0]);
    await eventually(() => {
      expect(warnings.filter((warning) => warning.startsWith(NEWER))).toHaveLength(1);
    });
    expect(await countOf("dead")).toBe(0);
    expect(await lanesOfWorkers(pool)).toEqual([64]);
    const worker = new newer.postgres.FleetWorker(newer.client(service.url), {
      connection: openPool({ database }),
      rate: 100_000,
      pollMs: 50,
      leaseMs: 2_000,
    });
    open.push(() => worker.close({ timeoutMs: 0 }));
    await allAccepted(service, 91);
    expect(service.numbersOfUser.get("u7")).toEqual([0, 1, 2, 3]);
    // The older worker goes on with what it can read.
    await enqueueNumbers(pool, 30, [4]);
    await allAccepted(service, 121);
    for (const numbers of service.numbersOfUser.values()) expect(numbers).toEqual(numbers.toSorted());
  });

  it("let the newer worker have more than its share when only it can read what waits", async () => {
    const { pool, service, startWorker, database } = await setUp();
    const newer = await newerPackage();
    startWorker({ pollMs: 50, leaseMs: 2_000 });
    startWorker({ pollMs: 50, leaseMs: 2_000 });
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([32, 32]);
    });
    const users = upTo(400);
    await Promise.all(
      users.map((index) =>
        newer.postgres.enqueue(pool, user(String(index)), customEvent(`${String(index)}:0`, "other")),
      ),
    );
    const worker = new newer.postgres.FleetWorker(newer.client(service.url), {
      connection: openPool({ database }),
      rate: 100_000,
      pollMs: 50,
      leaseMs: 2_000,
    });
    open.push(() => worker.close({ timeoutMs: 0 }));
    await allAccepted(service, 400);
    await eventually(() => {
      expect(worker.stats().accepted).toBe(400);
    });
  });

  it("share tables that an earlier version has made", async () => {
    const { pool, service, startWorker } = await setUp();
    for (const table of ["batch", "dead", "lane", "worker"]) {
      await pool.query(`ALTER TABLE mparticle_events_${table} DROP COLUMN version CASCADE`);
    }
    await pool.query(
      "ALTER TABLE mparticle_events_batch DROP COLUMN deaths, DROP CONSTRAINT mparticle_events_batch_has_lane",
    );
    await migrate(pool);
    await enqueue(pool, user("a"), customEvent("a:0", "other"));
    startWorker({ pollMs: 50 });
    await allAccepted(service, 1);
  });
});
