import { createBatch, customEvent, InvalidBatchError } from "mparticle-events";
import {
  enqueue,
  enqueueBatch,
  FleetWorker,
  migrate,
  migrationSql,
  type PostgresPool,
} from "mparticle-events/postgres";
import type { Pool } from "pg";
import { describe, expect, it } from "vitest";
import {
  allAccepted,
  enqueueNumbers,
  eventually,
  expectOrder,
  lanesOfWorkers,
  onPostgres,
  upTo,
  user,
} from "./on-postgres.ts";
import { startPgbouncer, startPostgres } from "./servers.ts";

const { setUp, openPool, createDatabase, open, server } = onPostgres();

describe("an outbox in PostgreSQL", () => {
  it("sends what a transaction enqueued if and only if it commits", async () => {
    const { pool, service, startWorker, countOf } = await setUp();
    startWorker({ pollMs: 100 });
    const tx = await pool.connect();
    for (const [name, end] of [
      ["first", "COMMIT"],
      ["undone", "ROLLBACK"],
      ["last", "COMMIT"],
    ] as const) {
      await tx.query("BEGIN");
      await enqueue(tx, user(name), customEvent(`${name}:0`, "other"));
      // Long enough for a worker that would look at what is not committed.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(service.numbersOfUser.has(name)).toBe(false);
      await tx.query(end);
    }
    tx.release();
    await allAccepted(service, 2);
    expect([...service.numbersOfUser.keys()]).toEqual(["first", "last"]);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
  });

  it("lets a transaction go on after a batch that can never be sent", async () => {
    const { pool, countOf } = await setUp();
    const tooLarge = customEvent("a".repeat(300_000), "other");
    const tx = await pool.connect();
    await tx.query("BEGIN");
    await expect(enqueue(tx, user("a"), tooLarge)).rejects.toBeInstanceOf(InvalidBatchError);
    await enqueue(tx, user("a"), customEvent("a:0", "other"));
    await tx.query("COMMIT");
    tx.release();
    expect(await countOf("batch")).toBe(1);
  });

  it("sends many batches in one request, with ids that no store has rounded", async () => {
    const { pool, service, startWorker } = await setUp();
    await enqueueNumbers(pool, 300, [0]);
    const worker = startWorker();
    await allAccepted(service, 300);
    expect(service.requests).toBeLessThan(60);
    expect([...service.mpids]).toEqual(["9007199254740993"]);
    await eventually(() => {
      expect(worker.stats()).toEqual({ accepted: 300, rejected: 0, undelivered: 0, pending: 0 });
    });
  });

  it("takes ids and identities with a NUL, which PostgreSQL does not", async () => {
    const { pool, service, startWorker } = await setUp();
    const batch = createBatch({ ...user("a\u0000b"), source_request_id: "r\u0000/:ü" }, [customEvent("a:0", "other")]);
    await enqueueBatch(pool, batch);
    startWorker();
    await allAccepted(service, 1);
    expect([...service.accepted.keys()]).toEqual(["r\u0000/:ü"]);
  });

  it("keeps each user's order over three workers, whatever the service answers", async () => {
    let requests = 0;
    const { pool, service, startWorker, countOf } = await setUp(() => {
      requests++;
      if (requests % 7 === 3) return { status: 503 };
      if (requests % 11 === 5) return { status: 429, headers: { "retry-after": "0" } };
      return requests % 13 === 8 ? "reset" : undefined;
    });
    const [users, numbers] = [40, upTo(12)];
    const workers = upTo(3).map(() => startWorker({ pollMs: 100, leaseMs: 5_000 }));
    // None of them is so late that the others have sent everything.
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([20, 22, 22]);
    });
    await enqueueNumbers(pool, users, numbers);
    await allAccepted(service, users * numbers.length);
    expectOrder(service, users, numbers);
    expect([...service.idsOfEvent.values()].every((ids) => ids.size === 1)).toBe(true);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
    // What is accepted is counted after its rows are gone.
    await eventually(() => {
      for (const worker of workers) expect(worker.stats().accepted).toBeGreaterThan(0);
    });
  });

  it("buries a batch that the service refuses with the reason, and its user's next ones arrive", async () => {
    const { pool, service, startWorker, countOf } = await setUp((names) =>
      names.includes("u1:1") ? { status: 400 } : undefined,
    );
    const numbers = upTo(4);
    await enqueueNumbers(pool, 5, numbers);
    startWorker();
    await allAccepted(service, 19);
    await eventually(async () => {
      expect(await countOf("dead")).toBe(1);
      expect(await countOf("batch")).toBe(0);
    });
    const { rows } = await pool.query<{ body: string; reason: string; source_request_id: string }>(
      "SELECT body, reason, source_request_id FROM mparticle_events_dead",
    );
    expect(rows[0]?.reason).toContain("400");
    expect(rows[0]?.body).toContain("u1:1");
    expect(rows[0]?.body).toContain(rows[0]?.source_request_id);
    expect(service.numbersOfUser.get("u1")).toEqual([0, 2, 3]);
  });

  it("serves others while the service fails at one user's batch, and that user's order is kept", async () => {
    let isStuck = true;
    const { pool, service, startWorker } = await setUp((names) =>
      isStuck && names.includes("stuck:0") ? { status: 500 } : undefined,
    );
    const numbers = upTo(60);
    for (const number of numbers) {
      await enqueue(pool, user("stuck"), customEvent(`stuck:${String(number)}`, "other"));
    }
    await enqueueNumbers(pool, 20, [0]);
    // Its window is smaller than the backlog of the user who is stuck.
    const worker = startWorker({ concurrency: 10, leaseMs: 2_000 });
    await allAccepted(service, 20);
    await eventually(() => {
      expect(worker.stats().undelivered).toBeGreaterThan(0);
    });
    isStuck = false;
    await allAccepted(service, 80);
    expect(service.numbersOfUser.get("stuck")).toEqual(numbers);
  });

  it("keeps all workers together within the account's rate, in any second", async () => {
    const { pool, service, startWorker } = await setUp();
    const rate = 100;
    await enqueueNumbers(pool, 250, [0]);
    for (let index = 0; index < 3; index++) startWorker({ rate });
    await allAccepted(service, 250);
    expect(service.maxInOneSecond()).toBeLessThanOrEqual(rate);
  });

  it("lets all workers pause when one of them is told to", async () => {
    let refusedAtMs: number | undefined;
    let resumedAtMs: number | undefined;
    const { pool, service, startWorker } = await setUp(() => {
      if (refusedAtMs === undefined) {
        refusedAtMs = performance.now();
        return { status: 429, headers: { "retry-after": "2" } };
      }
      resumedAtMs ??= performance.now();
      return undefined;
    });
    startWorker({ pollMs: 50 });
    startWorker({ pollMs: 50 });
    await enqueueNumbers(pool, 1, [0]);
    await eventually(async () => {
      const { rows } = await pool.query("SELECT FROM mparticle_events_pace WHERE paused_until_ms > 0");
      expect(rows).toHaveLength(1);
    });
    await enqueueNumbers(pool, 40, [1]);
    await allAccepted(service, 41);
    expect((resumedAtMs ?? 0) - (refusedAtMs ?? 0)).toBeGreaterThanOrEqual(1_900);
  });

  it("goes on with half of the rate after the service has said that all of it is used", async () => {
    const { pool, service, startWorker } = await setUp(() => ({
      status: 202,
      headers: { "x-mp-rate-limit-percentage-used": "100" },
    }));
    await enqueueNumbers(pool, 60, [0, 1]);
    startWorker({ rate: 60 });
    await allAccepted(service, 120);
    const { rows } = await pool.query<{ share: number }>("SELECT share FROM mparticle_events_pace");
    expect(rows).toEqual([{ share: 0.5 }]);
  });

  it("loses nothing when a worker is closed in the middle, and others have its lanes at once", async () => {
    let isDown = true;
    const { pool, service, startWorker } = await setUp(() => (isDown ? { status: 503 } : undefined));
    const numbers = upTo(5);
    await enqueueNumbers(pool, 10, numbers);
    // Neither time passes within the test: what it waits for has to be told.
    const patient = { leaseMs: 1_000_000, pollMs: 1_000_000 };
    const worker = startWorker(patient);
    await eventually(() => {
      expect(worker.stats().pending).toBe(10);
    });
    const stats = await worker.close({ timeoutMs: 200 });
    expect(stats).toEqual({ accepted: 0, rejected: 0, undelivered: 10, pending: 0 });
    const { rows } = await pool.query("SELECT lane FROM mparticle_events_lane WHERE owner IS NOT NULL");
    expect(rows).toEqual([]);
    isDown = false;
    startWorker(patient);
    await allAccepted(service, 50);
    expectOrder(service, 10, numbers);
  });

  it("takes over the lanes of a worker that died, after their lease", async () => {
    let isHanging = true;
    const { pool, service, client, startWorker } = await setUp(() => (isHanging ? { status: 503 } : undefined));
    // It holds all lanes and batches; then its database is gone, and it can neither renew a lease nor ask for a turn.
    let isDead = false;
    const dying: PostgresPool = {
      query: (text, values) => (isDead ? Promise.reject(new Error("gone")) : pool.query(text, values)),
      connect: () => Promise.reject(new Error("gone")),
    };
    const doomed = new FleetWorker(client, { connection: dying, rate: 100_000, leaseMs: 2_000 });
    const numbers = upTo(4);
    await enqueueNumbers(pool, 10, numbers);
    await eventually(() => {
      expect(doomed.stats().pending).toBe(10);
    });
    isDead = true;
    isHanging = false;
    startWorker({ leaseMs: 2_000, pollMs: 100 });
    await allAccepted(service, 40);
    expectOrder(service, 10, numbers);
    await doomed.close({ timeoutMs: 0 });
  });

  it("gives a worker that joins its share of the lanes", async () => {
    const { pool, startWorker } = await setUp();
    startWorker({ leaseMs: 2_000, pollMs: 50 });
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([64]);
    });
    startWorker({ leaseMs: 2_000, pollMs: 50 });
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([32, 32]);
    });
  });

  it("gives a worker that joins its share while there is more to send than the first one can", async () => {
    const { pool, service, startWorker } = await setUp();
    await enqueueNumbers(pool, 400, upTo(5));
    startWorker({ rate: 100, leaseMs: 2_000, pollMs: 50 });
    await eventually(() => {
      expect(service.accepted.size).toBeGreaterThan(50);
    });
    startWorker({ rate: 100, leaseMs: 2_000, pollMs: 50 });
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([32, 32]);
    });
    expect(service.accepted.size).toBeLessThan(2_000);
  });

  it("goes on after the database has crashed and come back, in order", async () => {
    const { pool, service, startWorker, countOf } = await setUp();
    const [users, numbers] = [20, upTo(30)];
    await enqueueNumbers(pool, users, numbers.slice(0, 20));
    startWorker({ rate: 200, pollMs: 100 });
    startWorker({ rate: 200, pollMs: 100 });
    await eventually(() => {
      expect(service.accepted.size).toBeGreaterThan(100);
    });
    await server().restart();
    await enqueueNumbers(pool, users, numbers.slice(20));
    await allAccepted(service, users * numbers.length);
    expectOrder(service, users, numbers);
    expect(service.maxInOneSecond()).toBeLessThanOrEqual(200);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
  });

  it("is woken by a commit when it can listen, and looks itself when it cannot", async () => {
    const { pool, service, startWorker, database } = await setUp();
    const listening = startWorker({ pollMs: 1_000_000, leaseMs: 10_000_000 });
    const isIdle = async (): Promise<void> => {
      const { rows } = await pool.query<{ idle: boolean; listening: boolean }>(
        `SELECT idle_until > now() AS idle, EXISTS (
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN mparticle_events' AND state = 'idle'
        ) AS listening FROM mparticle_events_pace`,
      );
      expect(rows).toEqual([{ idle: true, listening: true }]);
    };
    await eventually(isIdle);
    await enqueueNumbers(pool, 1, [0]);
    await allAccepted(service, 1);
    await listening.close();
    // A pool of one connection has none that could listen.
    startWorker({ pollMs: 50, connection: openPool({ database, max: 1 }) });
    for (const number of [1, 2, 3]) {
      await enqueueNumbers(pool, 1, [number]);
      await allAccepted(service, number + 1);
    }
  });

  it("works behind a pooler that gives each transaction another connection, in order", async () => {
    const { database, service, startWorker, countOf } = await setUp();
    const bouncer = await startPgbouncer(server().port);
    open.push(() => bouncer.stop());
    const pooled = (): Pool => openPool({ port: bouncer.port, database });
    const pool = pooled();
    await migrate(pool);
    const [users, numbers] = [20, upTo(6)];
    const workers = [1, 2].map(() => startWorker({ connection: pooled(), pollMs: 50, leaseMs: 5_000 }));
    await eventually(async () => {
      expect(await lanesOfWorkers(pool)).toEqual([32, 32]);
    });
    await enqueueNumbers(pool, users, numbers.slice(0, 3));
    await allAccepted(service, users * 3);
    // They were idle and listened, on a connection that is not theirs any more.
    await enqueueNumbers(pool, users, numbers.slice(3));
    await allAccepted(service, users * numbers.length);
    expectOrder(service, users, numbers);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
    for (const worker of workers) expect((await worker.close()).pending).toBe(0);
  });

  it("makes its tables once, however many services do so at a time, and nobody who writes waits for it", async () => {
    const database = await createDatabase();
    const pool = openPool({ database });
    await Promise.all(upTo(6).map(() => migrate(pool, { lanes: 8 })));
    const tx = await pool.connect();
    await tx.query("BEGIN");
    await enqueue(tx, user("a"), customEvent("a:0", "other"));
    await migrate(pool, { lanes: 16 });
    await pool.query(migrationSql());
    await tx.query("COMMIT");
    tx.release();
    const { rows } = await pool.query<{ lanes: number; batches: number }>(
      `SELECT (SELECT count(*)::int FROM mparticle_events_lane) AS lanes,
        (SELECT count(*)::int FROM mparticle_events_batch) AS batches`,
    );
    expect(rows).toEqual([{ lanes: 8, batches: 1 }]);
  });

  it("takes no batch in a lane that is not there, because nobody would send it", async () => {
    const { pool, startWorker, service, countOf } = await setUp();
    const insert = (lane: number): Promise<unknown> =>
      pool.query(
        "INSERT INTO mparticle_events_batch (lane, user_hash, source_request_id, body) VALUES ($1, 0, 'x', '{}')",
        [lane],
      );
    await expect(insert(64)).rejects.toThrow("mparticle_events_batch_has_lane");
    await expect(insert(-1)).rejects.toThrow("mparticle_events_batch_has_lane");
    await enqueue(pool, user("a"), customEvent("a:0", "other"));
    // Somebody deletes the lane of a user, after which the others have theirs.
    const { rows } = await pool.query<{ lane: number }>(
      "DELETE FROM mparticle_events_lane WHERE lane = (SELECT lane FROM mparticle_events_batch) RETURNING lane",
    );
    await expect(enqueue(pool, user("a"), customEvent("a:1", "other"))).rejects.toThrow('column "lane"');
    await pool.query("INSERT INTO mparticle_events_lane (lane) VALUES ($1)", [rows[0]?.lane]);
    await enqueue(pool, user("a"), customEvent("a:1", "other"));
    startWorker({ pollMs: 50 });
    await allAccepted(service, 2);
    expect(service.numbersOfUser.get("a")).toEqual([0, 1]);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
  });

  it("leaves no connection in a failed transaction when the tables cannot be made", async () => {
    const { database } = await setUp();
    const pool = openPool({ database, max: 1 });
    await pool.query("DROP TABLE mparticle_events_lane");
    await pool.query("CREATE VIEW mparticle_events_lane AS SELECT 1 AS lane");
    await expect(migrate(pool)).rejects.toThrow("mparticle_events_lane");
    expect((await pool.query("SELECT 1 AS works")).rows).toEqual([{ works: 1 }]);
  });

  it("says at the start what a crash of this PostgreSQL would lose", async () => {
    const { startWorker, warnings } = await setUp();
    startWorker();
    await eventually(() => {
      expect(warnings.join()).toContain("does not write to disk (fsync = off)");
    });
    const careful = await startPostgres([]);
    open.push(() => careful.stop());
    const pool = openPool({ port: careful.port, database: "postgres" });
    await migrate(pool);
    warnings.length = 0;
    await startWorker({ connection: pool }).close();
    expect(warnings).toEqual([]);
    await pool.query("ALTER DATABASE postgres SET synchronous_commit = off");
    startWorker({ connection: openPool({ port: careful.port, database: "postgres" }) });
    await eventually(() => {
      expect(warnings.join()).toContain("commits before it writes to disk (synchronous_commit = off)");
    });
  });

  it("names arguments that are wrong", async () => {
    const { client, pool } = await setUp();
    const start = (options: object) => (): FleetWorker => new FleetWorker(client, { connection: pool, ...options });
    expect(start({ connection: "postgres://" })).toThrow('`connection` is "postgres://"');
    expect(start({ rate: 0 })).toThrow("rate");
    expect(start({ concurrency: 1.5 })).toThrow("concurrency");
    expect(start({ leaseMs: -1 })).toThrow("leaseMs");
    expect(start({ pollMs: 0 })).toThrow("pollMs");
    expect(start({ requests: 0 })).toThrow("requests");
    expect(start({ leaseMillis: 5 })).toThrow("leaseMillis");
    await expect(migrate({} as never)).rejects.toThrow("`pool`");
    await expect(migrate(pool, { lanes: 0 })).rejects.toThrow("lanes");
    await expect(enqueue(undefined as never, user("a"), customEvent("a:0", "other"))).rejects.toThrow("`tx`");
  });
});
