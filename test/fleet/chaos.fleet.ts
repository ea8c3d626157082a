import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { migrate } from "mparticle-events/postgres";
import { Pool } from "pg";
import { describe, expect, it, vi } from "vitest";
import { full, FULL } from "../full.ts";
import { startRecordingService } from "./recording-service.ts";
import { startPostgres, startRedis, type Server } from "./servers.ts";

const WORKERS = full(2, 8);
const PRODUCERS = full(2, 4);
const USERS_OF_PRODUCER = full(25, 500);
const BATCHES_OF_USER = full(40, 100);
/** Faster than the account of the service, so that a test of many batches ends; what is held is the same. */
const RATE = full(600, 3_000);
/** Short where killed workers are waited for; with eight on a few processors each is left alone for longer than that. */
const LEASE_MS = full(3_000, 30_000);
const RESTARTS = full(1, 2);

/** Of each tenth user one batch, or two: enough to divide requests, and few enough that most of them hold many batches. */
const POISON = FULL ? /0:[13]7$/ : /0:17$/;
const isPoison = (id: string): boolean => POISON.test(id.replace(".", ":"));

type Engine = "redis" | "postgres";

/** @param onLine - told of each line of its standard output. */
function startChild(program: string, told: object, onLine: (line: string) => void): ChildProcess {
  const path = fileURLToPath(new URL(`children/${program}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [path, JSON.stringify(told)], { stdio: ["ignore", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", onLine);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await closed;
}

/** The ids of the dead letters. */
async function deadIds(engine: Engine, { port }: Server): Promise<readonly string[]> {
  if (engine === "redis") {
    const queue = new Queue<{ requestId: string }>("mparticle-events", { connection: { host: "127.0.0.1", port } });
    const failed = await queue.getFailed(0, -1);
    await queue.close();
    return failed.map(({ data }) => data.requestId);
  }
  const pool = new Pool({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
  const { rows } = await pool.query<{ id: string }>("SELECT source_request_id AS id FROM mparticle_events_dead");
  await pool.end();
  return rows.map(({ id }) => id);
}

async function run(engine: Engine) {
  const startedMs = performance.now();
  let requests = 0;
  let stormEndsMs = 0;
  const service = await startRecordingService((names) => {
    const now = performance.now();
    requests++;
    if (requests % 60 === 0) stormEndsMs = now + 500;
    if (now < stormEndsMs) return { status: 429, headers: { "retry-after": "1" } };
    if (requests % 17 === 0) return requests % 2 === 0 ? { status: 503 } : "reset";
    return names.some((name) => POISON.test(name)) ? { status: 400 } : undefined;
  });
  const store = await (engine === "redis" ? startRedis() : startPostgres());
  const children = new Set<ChildProcess>();
  try {
    if (engine === "postgres") {
      const pool = new Pool({ host: "127.0.0.1", port: store.port, user: "postgres", database: "postgres" });
      await migrate(pool);
      await pool.end();
    }
    const acknowledged = new Set<string>();
    const { port } = store;
    const startWorker = (): ChildProcess => {
      const worker = startChild(
        "working",
        { engine, port, url: service.url, rate: RATE, leaseMs: LEASE_MS },
        () => undefined,
      );
      children.add(worker);
      return worker;
    };
    const producers = Array.from({ length: PRODUCERS }, (_, producer) => {
      const users = Array.from({ length: USERS_OF_PRODUCER }, (_, index) => `p${String(producer)}u${String(index)}`);
      const from: Record<string, number> = Object.fromEntries(users.map((name) => [name, 0]));
      let isDone = false;
      const start = (): ChildProcess => {
        const told = { engine, port, users, from, to: BATCHES_OF_USER };
        const child = startChild("producing", told, (line) => {
          if (line === "done") {
            isDone = true;
            return;
          }
          const [name = "", number = ""] = line.split(".");
          acknowledged.add(line);
          from[name] = Number(number) + 1;
        });
        children.add(child);
        return child;
      };
      return { start, child: start(), isDone: () => isDone };
    });
    const workers = Array.from({ length: WORKERS }, startWorker);
    const total = PRODUCERS * USERS_OF_PRODUCER * BATCHES_OF_USER;

    let kills = 0;
    for (let step = 1; step <= RESTARTS * 4; step++) {
      // By what has arrived, not by time: a slow machine sees the same faults.
      await vi.waitFor(
        () => {
          expect(service.accepted.size).toBeGreaterThan((total * step) / (RESTARTS * 4 + 2));
        },
        { timeout: full(100_000, 1_200_000), interval: 100 },
      );
      const victim = Math.floor(Math.random() * WORKERS);
      const worker = workers[victim];
      if (worker !== undefined) await kill(worker);
      workers[victim] = startWorker();
      const producer = producers[Math.floor(Math.random() * PRODUCERS)];
      if (producer !== undefined && !producer.isDone()) {
        await kill(producer.child);
        producer.child = producer.start();
      }
      kills++;
      if (step % 4 === 2) await store.restart();
    }

    let dead: readonly string[] = [];
    await vi.waitFor(
      async () => {
        expect(producers.map((producer) => producer.isDone())).not.toContain(false);
        dead = await deadIds(engine, store);
        // Nothing that is dead was accepted, so the two add up.
        expect(service.accepted.size + new Set(dead).size).toBe(total);
      },
      { timeout: full(110_000, 1_200_000), interval: 500 },
    );
    return { service, acknowledged, dead, total, kills, tookMs: performance.now() - startedMs };
  } finally {
    for (const child of children) await kill(child);
    await store.stop();
    await service.close();
  }
}

const LIMIT_MS = FULL ? 3_600_000 : 240_000;

describe.each(["postgres", "redis"] as const)("a fleet on %s whose processes are killed", (engine) => {
  it(
    "loses nothing, repeats only with the same id, and stays within the rate",
    async () => {
      const { service, acknowledged, dead, total, kills, tookMs } = await run(engine);
      const repeated = [...service.accepted.values()].reduce((sum, times) => sum + times - 1, 0);
      const outOfOrder = [...service.numbersOfUser].filter(([, numbers]) =>
        numbers.some((number, index) => index > 0 && number < (numbers[index - 1] ?? 0)),
      );
      if (FULL) {
        const figures = { total, accepted: service.accepted.size, dead: dead.length, repeated, kills, RATE };
        const rest = { most: service.maxInOneSecond(), requests: service.requests, usersOutOfOrder: outOfOrder.length };
        console.log(engine, { ...figures, ...rest, seconds: Math.round(tookMs / 1_000) });
      }
      expect(acknowledged.size).toBeGreaterThan(total * 0.9);
      expect(kills).toBeGreaterThan(3);
      const known = new Set([...service.accepted.keys(), ...dead]);
      expect([...acknowledged].filter((id) => !known.has(id))).toEqual([]);
      expect([...service.idsOfEvent].filter(([, ids]) => ids.size !== 1)).toEqual([]);
      expect([...service.mpids]).toEqual(["9007199254740993"]);
      // The poisoned ones, and only they, are dead.
      expect(dead.every(isPoison)).toBe(true);
      expect([...service.accepted.keys()].filter(isPoison)).toEqual([]);
      expect(service.maxInOneSecond()).toBeLessThanOrEqual(RATE);
      if (engine === "postgres") expect(outOfOrder).toEqual([]);
    },
    LIMIT_MS,
  );
});
