import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createBatch, customEvent } from "mparticle-events";
import type { FleetWorkerStats } from "mparticle-events/postgres";
import { describe, expect, it } from "vitest";
import { full, FULL } from "../full.ts";
import { eventually, onPostgres, upTo, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";

const BACKLOG = full(2_000, Number(process.env["BACKLOG"] ?? 300_000));
const USERS = 1_000;
/** What a worker holds at a time by default, and what it may have fetched ahead. */
const CONCURRENCY = 400;

interface Report {
  readonly stats: FleetWorkerStats;
  readonly rssMegabytes: number;
  readonly cpuMs: number;
}

/**
 * Lets one worker, a process of its own, send the backlog.
 *
 * @returns what it said of itself, twice a second.
 */
async function sendAll(told: object, isOver: () => boolean): Promise<readonly Report[]> {
  const path = fileURLToPath(new URL("children/working.mjs", import.meta.url));
  const child = spawn(process.execPath, [path, JSON.stringify({ ...told, rate: 1_000_000, reports: true })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const reports: Report[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) reports.push(JSON.parse(line) as Report); // as working.mjs writes it
  });
  try {
    while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 100));
    await eventually(() => {
      expect(reports.at(-1)?.stats.accepted).toBe(BACKLOG);
    });
    return reports;
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
}

function expectBounded(engine: string, reports: readonly Report[]): void {
  const megabytes = reports.map(({ rssMegabytes }) => rssMegabytes);
  expect(Math.max(...reports.map(({ stats }) => stats.pending))).toBeLessThanOrEqual(CONCURRENCY);
  // What it needs for itself, and not for each batch: the texts of a large backlog would be as much again and again.
  expect(Math.max(...megabytes)).toBeLessThan(300);
  if (!FULL) return;
  // By tenths of the backlog: batches a second, and CPU of the worker for each.
  const pace = upTo(10).map((tenth) => {
    const [from, to] = [tenth, tenth + 1].map((part) =>
      reports.findIndex(({ stats }) => stats.accepted >= (BACKLOG * part) / 10),
    );
    const [first, last] = [reports[from ?? 0], reports[to ?? 0]];
    const sent = (last?.stats.accepted ?? 0) - (first?.stats.accepted ?? 0);
    const seconds = ((to ?? 0) - (from ?? 0)) / 2;
    const micros = (((last?.cpuMs ?? 0) - (first?.cpuMs ?? 0)) * 1_000) / sent;
    return `${(sent / seconds).toFixed(0)}/s ${micros.toFixed(0)} µs`;
  });
  console.log(engine, BACKLOG, pace, "MB", Math.min(...megabytes), Math.max(...megabytes));
}

const LIMIT_MS = full(240_000, 3_600_000);

describe("a backlog", () => {
  const onRedisHere = onRedis();
  const onPostgresHere = onPostgres();

  it(
    "of PostgreSQL is sent with bounded memory",
    async () => {
      const { database, pool, service } = await onPostgresHere.setUp();
      await pool.query(
        `INSERT INTO mparticle_events_batch (lane, user_hash, source_request_id, body)
        SELECT abs(hash % 64), hash, id, format(
          '{"environment":"development","user_identities":{"customer_id":"%s"},"source_request_id":"%s","events":[{"event_type":"custom_event","data":{"event_name":"%s:%s","custom_event_type":"other","timestamp_unixtime_ms":1764300000000}}]}',
          name, id, name, number)
        FROM (
          SELECT name, hashtextextended(name, 0) AS hash, name || '.' || number AS id, number
          FROM (SELECT 'u' || one % $1 AS name, one / $1 AS number FROM generate_series(0, $2 - 1) AS one) AS numbered
        ) AS made`,
        [USERS, BACKLOG],
      );
      const told = {
        engine: "postgres",
        port: onPostgresHere.server().port,
        database,
        url: service.url,
        leaseMs: 15_000,
      };
      const reports = await sendAll(told, () => service.accepted.size === BACKLOG);
      expectBounded("PostgreSQL", reports);
      for (const numbers of service.numbersOfUser.values()) expect(numbers).toEqual(upTo(BACKLOG / USERS));
    },
    LIMIT_MS,
  );

  it(
    "of Redis is sent with bounded memory",
    async () => {
      const { connection, name, queue, service } = await onRedisHere.setUp();
      let next = 0;
      const add = async (): Promise<void> => {
        for (let one = next++; one < BACKLOG; one = next++) {
          const userName = `u${String(one % USERS)}`;
          const event = customEvent(`${userName}:${String(Math.floor(one / USERS))}`, "other");
          await queue.addBatch(createBatch(user(userName), [event]));
        }
      };
      await Promise.all(upTo(100).map(add));
      const told = { engine: "redis", port: connection.port, name, url: service.url, leaseMs: 15_000 };
      const reports = await sendAll(told, () => service.accepted.size === BACKLOG);
      expectBounded("Redis", reports);
    },
    LIMIT_MS,
  );
});
