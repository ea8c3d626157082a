import { customEvent, InvalidBatchError } from "mparticle-events";
import { enqueue, FleetWorker, migrate, type PostgresPool } from "mparticle-events/postgres";
import { afterEach, describe, expect, it, vi } from "vitest";
import { allAccepted, enqueueNumbers, eventually, expectOrder, onPostgres, upTo, user } from "./on-postgres.ts";
import { startPgbouncer } from "./servers.ts";

const { setUp, openPool, createDatabase, open, server } = onPostgres();

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an outbox in PostgreSQL, when things go wrong,", () => {
  it("is made whole by the next migrate after the database was killed in the middle of one", async () => {
    const database = await createDatabase();
    const pool = openPool({ database });
    // It waits here, in the middle: the last table is locked by somebody who makes one of the same name.
    const other = await pool.connect();
    other.on("error", () => undefined);
    await other.query("BEGIN");
    await other.query("CREATE TABLE mparticle_events_pace (id integer)");
    const migrating = migrate(pool).then(
      () => "made",
      () => "failed",
    );
    await eventually(async () => {
      const { rows } = await openPool({ database, max: 1 }).query(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT pg_advisory_xact_lock%'",
      );
      expect(rows).toHaveLength(1);
    });
    await server().restart();
    other.release(true);
    expect(await migrating).toBe("failed");
    const { rows } = await openPool({ database, max: 1 }).query(
      "SELECT FROM pg_class WHERE relname LIKE 'mparticle_events%'",
    );
    expect(rows).toHaveLength(0);
    await migrate(pool);
    await enqueue(pool, user("a"), customEvent("a:0", "other"));
  });

  it("says that migrate has not run, and goes on when it has", async () => {
    const { client, service, warnings } = await setUp();
    const database = await createDatabase();
    const pool = openPool({ database });
    await expect(enqueue(pool, user("a"), customEvent("a:0", "other"))).rejects.toThrow("mparticle_events_lane");
    const worker = new FleetWorker(client, { connection: pool, rate: 100_000, pollMs: 50 });
    open.push(() => worker.close({ timeoutMs: 0 }));
    await eventually(() => {
      expect(warnings.join()).toContain("The outbox could not be read; trying again.");
    });
    await migrate(pool);
    await enqueue(pool, user("a"), customEvent("a:0", "other"));
    await allAccepted(service, 1);
  });

  it("keeps apart two schemas of one database, each with its own tables", async () => {
    const { database, pool, startWorker, service } = await setUp();
    await pool.query("CREATE SCHEMA shop");
    const ofShop = openPool({ database, options: "-c search_path=shop" });
    await migrate(ofShop);
    await enqueue(ofShop, user("a"), customEvent("a:0", "other"));
    const { rows } = await pool.query("SELECT FROM public.mparticle_events_batch");
    expect(rows).toHaveLength(0);
    startWorker({ connection: ofShop, pollMs: 50 });
    await allAccepted(service, 1);
  });

  it("sends in order when the clock of a worker jumps by an hour, forwards and back", async () => {
    const { pool, service, startWorker, countOf } = await setUp();
    const numbers = upTo(12);
    startWorker({ pollMs: 50, leaseMs: 2_000 });
    startWorker({ pollMs: 50, leaseMs: 2_000 });
    const now = Date.now.bind(Date);
    for (const [place, jumpMs] of [0, 3_600_000, -3_600_000, 0].entries()) {
      vi.spyOn(Date, "now").mockImplementation(() => now() + jumpMs);
      await enqueueNumbers(pool, 15, numbers.slice(place * 3, place * 3 + 3));
      await allAccepted(service, 15 * 3 * (place + 1));
    }
    expectOrder(service, 15, numbers);
    expect([...service.accepted.values()].every((times) => times === 1)).toBe(true);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
  });

  it("buries a row that somebody has edited into what is no batch, and the others arrive", async () => {
    const { pool, service, startWorker, countOf } = await setUp((names) =>
      names.includes("") ? { status: 400 } : undefined,
    );
    await enqueueNumbers(pool, 6, [0, 1]);
    const edit = async (name: string, body: string): Promise<void> => {
      const { rowCount } = await pool.query(
        "UPDATE mparticle_events_batch SET body = $2 WHERE body LIKE '%' || $1 || ':0%'",
        [name, body],
      );
      expect(rowCount).toBe(1);
    };
    await edit("u1", "{}");
    await edit("u2", "");
    await edit("u3", `{"source_request_id":"x","events":[`);
    await edit("u4", "x".repeat(10_000_000));
    const worker = startWorker({ pollMs: 50 });
    await allAccepted(service, 8);
    await eventually(async () => {
      expect(await countOf("dead")).toBe(4);
      expect(await countOf("batch")).toBe(0);
    });
    expect(worker.stats()).toMatchObject({ accepted: 8, rejected: 4 });
    expect(service.numbersOfUser.get("u1")).toEqual([1]);
  });

  it("refuses events of 10 MB at once, and writes nothing", async () => {
    const { pool, countOf } = await setUp();
    const large = customEvent("large", "other", { custom_attributes: { text: "x".repeat(10_000_000) } });
    await expect(enqueue(pool, user("a"), large)).rejects.toBeInstanceOf(InvalidBatchError);
    expect(await countOf("batch")).toBe(0);
  });

  it("sends what others enqueue while a transaction stays open, and what that one enqueued when it commits", async () => {
    const { pool, service, startWorker, countOf } = await setUp();
    const tx = await pool.connect();
    await tx.query("BEGIN");
    for (const number of [0, 1]) await enqueue(tx, user("u0"), customEvent(`u0:${String(number)}`, "other"));
    startWorker({ pollMs: 50, leaseMs: 1_000 });
    startWorker({ pollMs: 50, leaseMs: 1_000 });
    await enqueueNumbers(pool, 10, [2, 3]);
    await allAccepted(service, 20);
    // Longer than a lease.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await migrate(pool);
    expect(service.accepted.size).toBe(20);
    await tx.query("COMMIT");
    tx.release();
    // Its rows were written before all that was sent, and these after them.
    await enqueue(pool, user("u0"), customEvent("u0:4", "other"));
    await allAccepted(service, 23);
    // Of one user in the order of the commits.
    expect(service.numbersOfUser.get("u0")).toEqual([2, 3, 0, 1, 4]);
    await eventually(async () => {
      expect(await countOf("batch")).toBe(0);
    });
  });

  it("waits for a connection of its pool while others have all of them, and then goes on", async () => {
    const { database, pool, service, startWorker } = await setUp();
    const small = openPool({ database, max: 2 });
    const taken = await Promise.all([small.connect(), small.connect()]);
    startWorker({ connection: small, pollMs: 50, leaseMs: 1_000 });
    await enqueueNumbers(pool, 10, [0]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(service.accepted.size).toBe(0);
    for (const client of taken) client.release();
    await allAccepted(service, 10);
  });

  it("ends in its time although its database does not answer any more", async () => {
    const { pool, client, service } = await setUp();
    let isSilent = false;
    const silent: PostgresPool = {
      query: (text, values) => (isSilent ? new Promise(() => undefined) : pool.query(text, values)),
      connect: () => Promise.reject(new Error("no listening")),
    };
    const worker = new FleetWorker(client, { connection: silent, rate: 100_000, pollMs: 50 });
    await enqueueNumbers(pool, 1, [0]);
    await allAccepted(service, 1);
    isSilent = true;
    // It waited for ever once: the limit of the test would say so.
    await worker.close({ timeoutMs: 500 });
  });

  it("takes users whose names are odd, and keeps the order of each", async () => {
    const { pool, service, startWorker } = await setUp();
    const odd = [
      "'; DROP TABLE mparticle_events_batch; --",
      "\\",
      '"',
      "\uD800",
      "𝟘\u0000𝟙",
      "%s",
      "ü".repeat(256),
      "$1",
    ];
    for (const number of [0, 1]) {
      for (const [index, name] of odd.entries()) {
        await enqueue(pool, user(name), customEvent(`odd${String(index)}:${String(number)}`, "other"));
      }
    }
    startWorker({ pollMs: 50 });
    await allAccepted(service, odd.length * 2);
    expectOrder(service, odd.length, [0, 1]);
  });

  it("keeps the order behind a pooler whose connections end in the middle", async () => {
    const { database, service, startWorker } = await setUp();
    const bouncer = await startPgbouncer(server().port);
    open.push(() => bouncer.stop());
    const pooled = openPool({ port: bouncer.port, database });
    const numbers = upTo(6);
    startWorker({ connection: openPool({ port: bouncer.port, database }), pollMs: 50, leaseMs: 2_000 });
    await enqueueNumbers(pooled, 10, numbers.slice(0, 3));
    await bouncer.restart();
    await eventually(() => pooled.query("SELECT 1"));
    await enqueueNumbers(pooled, 10, numbers.slice(3));
    await allAccepted(service, 60);
    expectOrder(service, 10, numbers);
  });
});
