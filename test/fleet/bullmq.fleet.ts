import { Redis } from "ioredis";
import { createBatch, customEvent, MParticleError } from "mparticle-events";
import { FleetQueue } from "mparticle-events/bullmq";
import { describe, expect, it, vi } from "vitest";
import { allAccepted, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";
import { freePort, startRedis } from "./servers.ts";

const { setUp, open } = onRedis();

describe("a fleet on Redis", () => {
  it("sends what producers add, many jobs in one request, with ids that no store has rounded", async () => {
    const { queue, service, startWorker } = await setUp();
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        queue.add(user(String(index)), customEvent(`${String(index)}:0`, "other")),
      ),
    );
    const worker = startWorker({ rate: 100_000 });
    await allAccepted(service, 300);
    expect(service.requests).toBeLessThan(60);
    expect([...service.mpids]).toEqual(["9007199254740993"]);
    await vi.waitFor(() => {
      expect(worker.stats()).toEqual({ accepted: 300, rejected: 0, undelivered: 0, pending: 0 });
    });
  });

  it("sends a batch that is added twice once, whatever its id looks like", async () => {
    const { queue, service, startWorker } = await setUp();
    for (const source_request_id of ["a:b", "12345", "id-12345", "plain", "ü/\u0000"]) {
      const batch = createBatch({ ...user("1"), source_request_id }, [customEvent("1:0", "other")]);
      await queue.addBatch(batch);
      await queue.addBatch(batch);
    }
    startWorker({ rate: 100_000 });
    await allAccepted(service, 5);
    expect([...service.accepted.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it("fails the job of a batch that the service refuses, with the reason, and the others arrive", async () => {
    const { queue, bull, service, startWorker } = await setUp((names) =>
      names.some((name) => name.startsWith("poison")) ? { status: 400 } : undefined,
    );
    for (const name of ["a", "poison", "b", "c", "d"]) await queue.add(user(name), customEvent(`${name}:0`, "other"));
    const worker = startWorker({ rate: 100_000 });
    await allAccepted(service, 4);
    await vi.waitFor(async () => {
      expect(await bull.getFailedCount()).toBe(1);
    });
    const [failed] = await bull.getFailed();
    expect(failed?.failedReason).toContain("400");
    expect((failed?.data as { text: string }).text).toContain("poison:0");
    await vi.waitFor(() => {
      expect(worker.stats()).toMatchObject({ accepted: 4, rejected: 1 });
    });
  });

  it("gives back what the service does not take in time, and sends it later with its id", async () => {
    let isDown = true;
    const { queue, bull, service, startWorker } = await setUp(() => (isDown ? { status: 503 } : undefined));
    const batch = createBatch(user("1"), [customEvent("1:0", "other")]);
    await queue.addBatch(batch);
    const worker = startWorker({ rate: 100_000, maxHoldMs: 300 });
    await vi.waitFor(async () => {
      expect(await bull.getDelayedCount()).toBe(1);
    });
    expect(worker.stats().undelivered).toBeGreaterThan(0);
    isDown = false;
    await allAccepted(service, 1);
    expect([...service.accepted.keys()]).toEqual([batch.source_request_id]);
    expect(await bull.getFailedCount()).toBe(0);
  });

  it("keeps all workers together within the account's rate, in any second", async () => {
    const { queue, service, startWorker } = await setUp();
    const rate = 100;
    await Promise.all(
      Array.from({ length: 250 }, (_, index) =>
        queue.add(user(String(index)), customEvent(`${String(index)}:0`, "other")),
      ),
    );
    for (let index = 0; index < 3; index++) startWorker({ rate });
    await allAccepted(service, 250);
    expect(service.maxInOneSecond()).toBeLessThanOrEqual(rate);
  });

  it("lets all workers pause when one of them is told to", async () => {
    let refusedAtMs: number | undefined;
    let resumedAtMs: number | undefined;
    const { queue, connection, name, service, startWorker } = await setUp(() => {
      if (refusedAtMs === undefined) {
        refusedAtMs = performance.now();
        return { status: 429, headers: { "retry-after": "4" } };
      }
      resumedAtMs ??= performance.now();
      return undefined;
    });
    const workers = [startWorker({ rate: 1_000 }), startWorker({ rate: 1_000 })];
    await Promise.all(workers.map((worker) => worker.ready()));
    await queue.add(user("0"), customEvent("0:0", "other"));
    const store = new Redis(connection);
    open.push({ close: () => store.quit() });
    await vi.waitFor(async () => {
      expect(await store.exists(`mparticle-events:{${name}}:pace:pause`)).toBe(1);
    });
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        queue.add(user(String(index)), customEvent(`${String(index)}:1`, "other")),
      ),
    );
    await allAccepted(service, 41);
    expect((resumedAtMs ?? 0) - (refusedAtMs ?? 0)).toBeGreaterThanOrEqual(3_900);
  });

  it("is told of a store that does not answer, in bounded time and memory", async () => {
    const queue = new FleetQueue({
      connection: { host: "127.0.0.1", port: await freePort() },
      timeoutMs: 300,
      maxPendingBytes: 2_000,
    });
    open.push(queue);
    const add = (): Promise<unknown> =>
      queue.add(user("1"), customEvent("1:0", "other")).catch((error: unknown) => error);
    const [first, ...others] = await Promise.all(Array.from({ length: 30 }, add));
    expect(first).toBeInstanceOf(MParticleError);
    expect(first).toMatchObject({ code: "OUTBOX", requestIds: [expect.any(String)] });
    expect(others.at(-1)).toMatchObject({ code: "OVERFLOW" });
  });

  it("says at the start what a restart of this Redis would lose", async () => {
    const forgetful = await startRedis(["--appendonly", "no"]);
    open.push({ close: () => forgetful.stop() });
    const { startWorker, warnings } = await setUp(undefined, {}, forgetful.port);
    await startWorker().ready();
    await vi.waitFor(() => {
      expect(warnings.join()).toContain("keeps nothing on disk (appendonly no, save off)");
    });
    expect(warnings.filter((warning) => warning.includes("on disk"))).toHaveLength(1);
  });

  it("gives its jobs back when it is closed in the middle, and nothing is lost", async () => {
    let isSlow = true;
    const { queue, service, startWorker } = await setUp(() => (isSlow ? { status: 503 } : undefined));
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        queue.add(user(String(index)), customEvent(`${String(index)}:0`, "other")),
      ),
    );
    const worker = startWorker({ rate: 100_000 });
    await vi.waitFor(() => {
      expect(worker.stats().pending).toBeGreaterThan(0);
    });
    const stats = await worker.close({ timeoutMs: 200 });
    expect(stats.pending).toBe(0);
    isSlow = false;
    startWorker({ rate: 100_000 });
    await allAccepted(service, 50);
  });
});
