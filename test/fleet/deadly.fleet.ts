import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { customEvent } from "mparticle-events";
import { enqueue, FleetWorker, type PostgresPool } from "mparticle-events/postgres";
import { describe, expect, it } from "vitest";
import { allAccepted, enqueueNumbers, eventually, expectOrder, onPostgres, upTo, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";

const DEADLY = "deadly:0";
const OTHERS = 20;

/** Runs workers, each a process of its own, one after the other ends; the batch named `DEADLY` ends the one that has sent it. */
function runWorkers(told: object): { readonly starts: () => number; readonly stop: () => Promise<void> } {
  const path = fileURLToPath(new URL("children/working.mjs", import.meta.url));
  let starts = 0;
  const over = new AbortController();
  const running = (async () => {
    while (!over.signal.aborted && starts < 20) {
      starts++;
      const child = spawn(process.execPath, [path, JSON.stringify({ ...told, rate: 100_000, deadly: DEADLY })], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      over.signal.addEventListener("abort", () => child.kill("SIGKILL"));
      await once(child, "close");
    }
  })();
  return {
    starts: () => starts,
    stop: async () => {
      over.abort();
      await running;
    },
  };
}

describe("a batch that ends each worker which sends it is a dead letter after a few, and the others are sent,", () => {
  const redis = onRedis();
  const postgres = onPostgres();

  it("on Redis", async () => {
    const { queue, bull, service, connection, name } = await redis.setUp();
    await queue.add(user("deadly"), customEvent(DEADLY, "other"));
    for (const index of upTo(OTHERS)) await queue.add(user(String(index)), customEvent(`${String(index)}:0`, "other"));
    const workers = runWorkers({ engine: "redis", port: connection.port, name, url: service.url, leaseMs: 1_000 });
    redis.open.push({ close: workers.stop });
    await eventually(async () => {
      expect(await bull.getFailedCount()).toBe(1);
    });
    const [failed] = await bull.getFailed();
    expect(failed?.data).toMatchObject({ text: expect.stringContaining(DEADLY) as string });
    expect(failed?.failedReason).toContain("Its workers ended 3 times");
    expect(workers.starts()).toBeGreaterThan(3);
    await queue.add(user("late"), customEvent("late:0", "other"));
    await eventually(() => {
      expect(service.accepted.size).toBe(OTHERS + 2);
    });
    expect(await bull.getFailedCount()).toBe(1);
    // It was accepted each time, with one id.
    expect(service.idsOfEvent.get(DEADLY)?.size).toBe(1);
  });

  it("on PostgreSQL, and its user's next batches as well", async () => {
    const { pool, service, database, countOf } = await postgres.setUp();
    await enqueueNumbers(pool, OTHERS, [0]);
    for (const event of [DEADLY, "deadly:1", "deadly:2"])
      await enqueue(pool, user("deadly"), customEvent(event, "other"));
    const { port } = postgres.server();
    const workers = runWorkers({ engine: "postgres", port, database, url: service.url, leaseMs: 1_000 });
    postgres.open.push(workers.stop);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
      expect(await countOf("dead")).toBe(1);
    });
    const { rows } = await pool.query<{ body: string; reason: string }>(
      "SELECT body, reason FROM mparticle_events_dead",
    );
    expect(rows[0]?.body).toContain(DEADLY);
    expect(rows[0]?.reason).toContain("Its workers ended 3 times");
    expect(workers.starts()).toBeGreaterThan(3);
    expect(service.accepted.size).toBe(OTHERS + 3);
    expect(service.numbersOfUser.get("deadly")).toEqual([0, 1, 2]);
    expect(service.idsOfEvent.get(DEADLY)?.size).toBe(1);
  });

  it("on PostgreSQL in order, also when leases become short while that is noted down", async () => {
    const { pool, service, client } = await postgres.setUp();
    const numbers = upTo(4);
    await enqueueNumbers(pool, 5, numbers);
    await pool.query("UPDATE mparticle_events_lane SET owner = 'somebody who has ended'");
    const leaseMs = 2_000;
    let slowness: Promise<void> | undefined;
    const slow: PostgresPool = {
      query: async (text, values) => {
        if (text.includes("SET deaths = marked.deaths")) {
          slowness ??= new Promise((resolve) => setTimeout(resolve, leaseMs * 0.85));
        }
        await slowness;
        return pool.query(text, values);
      },
      connect: () => Promise.reject(new Error("no listening")),
    };
    const worker = new FleetWorker(client, { connection: slow, rate: 100_000, leaseMs, pollMs: 50 });
    postgres.open.push(() => worker.close({ timeoutMs: 0 }));
    await allAccepted(service, 5 * numbers.length);
    expectOrder(service, 5, numbers);
  });
});
