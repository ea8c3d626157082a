import { Redis } from "ioredis";
import { createBatch, customEvent, InvalidBatchError, MParticleError } from "mparticle-events";
import { FleetWorker } from "mparticle-events/bullmq";
import { afterEach, describe, expect, it, vi } from "vitest";
import { allAccepted, eventually, upTo, user } from "./on-postgres.ts";
import { onRedis } from "./on-redis.ts";
import { startRedis, startSlowProxy } from "./servers.ts";

const { setUp, open, server } = onRedis();

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a fleet on Redis, when things go wrong,", () => {
  it("buries jobs that somebody has edited into what is no batch, and the others arrive", async () => {
    const { queue, bull, service, startWorker } = await setUp((names) =>
      names.includes("") ? { status: 400 } : undefined,
    );
    await bull.add("batch", "text");
    await bull.add("batch", null);
    await bull.add("batch", { version: 1 });
    await bull.add("batch", { version: 1, requestId: "x", userKey: 5, text: "{" });
    await bull.add("batch", { version: 1, requestId: "y", userKey: "y", text: "x".repeat(10_000_000) });
    for (const number of upTo(5)) await queue.add(user("a"), customEvent(`a:${String(number)}`, "other"));
    startWorker({ rate: 100_000 });
    await allAccepted(service, 5);
    await eventually(async () => {
      expect(await bull.getFailedCount()).toBe(5);
    });
    expect((await bull.getFailed()).every(({ failedReason }) => failedReason.length > 10)).toBe(true);
  });

  it("refuses events of 10 MB at once, and stores nothing", async () => {
    const { queue, bull } = await setUp();
    const large = customEvent("large", "other", { custom_attributes: { text: "x".repeat(10_000_000) } });
    await expect(queue.add(user("a"), large)).rejects.toBeInstanceOf(InvalidBatchError);
    expect(await bull.count()).toBe(0);
  });

  it("has an answer for each add while it is closed: stored, or rejected with its ids", async () => {
    const { queue, bull } = await setUp();
    const adds = upTo(200).map((number) =>
      queue.add(user("a"), customEvent(`a:${String(number)}`, "other")).then(
        () => "stored",
        (error: unknown) => error,
      ),
    );
    const closed = queue.close();
    const late = queue.add(user("a"), customEvent("a:late", "other"));
    await expect(late).rejects.toMatchObject({ code: "CLOSED" });
    const answers = await Promise.all(adds);
    await closed;
    const errors = answers.filter((answer) => answer !== "stored");
    expect(errors.every((error) => error instanceof MParticleError && error.requestIds.length === 1)).toBe(true);
    expect(await bull.count()).toBeGreaterThanOrEqual(answers.length - errors.length);
  });

  it("tells the producer when the memory of Redis is full, and takes batches again when it is not", async () => {
    const full = await startRedis(["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    open.push({ close: () => full.stop() });
    const { queue, service, startWorker } = await setUp(undefined, {}, full.port);
    let stored = 0;
    let refused: unknown;
    while (refused === undefined && stored < 10_000) {
      try {
        await queue.add(
          user("a"),
          customEvent(`a:${String(stored)}`, "other", { custom_attributes: { text: "x".repeat(5_000) } }),
        );
        stored++;
      } catch (error) {
        refused = error;
      }
    }
    expect(refused).toMatchObject({ code: "OUTBOX", message: expect.stringContaining("OOM") as string });
    const admin = new Redis({ host: "127.0.0.1", port: full.port });
    await admin.config("SET", "maxmemory", "0");
    await admin.quit();
    startWorker({ rate: 100_000 });
    await allAccepted(service, stored);
  });

  it("warns of a Redis that throws away what it has no memory for", async () => {
    const evicting = await startRedis(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    open.push({ close: () => evicting.stop() });
    const { startWorker, warnings } = await setUp(undefined, {}, evicting.port);
    await startWorker().ready();
    await eventually(() => {
      expect(warnings.join()).toContain("maxmemory-policy allkeys-lru");
    });
  });

  it("sends each batch once when the clock of a worker jumps by an hour, forwards and back", async () => {
    const { queue, service, startWorker } = await setUp();
    startWorker({ rate: 100_000, leaseMs: 5_000 });
    const now = Date.now.bind(Date);
    for (const [place, jumpMs] of [0, 3_600_000, -3_600_000, 0].entries()) {
      vi.spyOn(Date, "now").mockImplementation(() => now() + jumpMs);
      await Promise.all(
        upTo(20).map((index) =>
          queue.add(user(String(index)), customEvent(`${String(index)}:${String(place)}`, "other")),
        ),
      );
      await allAccepted(service, 20 * (place + 1));
    }
    expect([...service.accepted.values()].every((times) => times === 1)).toBe(true);
  });

  it("sends the first jobs before it has fetched all, because their locks would end meanwhile", async () => {
    const { queue, service, client, name } = await setUp(() => {
      statementsBefore ??= proxy.chunks();
      return undefined;
    });
    let statementsBefore: number | undefined;
    const proxy = await startSlowProxy(server().port, 20);
    open.push(proxy);
    await Promise.all(
      upTo(400).map((index) => queue.add(user(String(index)), customEvent(`${String(index)}:0`, "other"))),
    );
    const worker = new FleetWorker(client, { connection: { host: "127.0.0.1", port: proxy.port }, name });
    open.push(worker);
    await eventually(() => {
      expect(service.requests).toBeGreaterThan(0);
    });
    // BullMQ asks for one job at a time.
    expect(statementsBefore).toBeLessThan(300);
  });

  it("ends in its time although Redis is gone", async () => {
    const gone = await startRedis();
    const { queue, service, startWorker } = await setUp(undefined, {}, gone.port);
    await queue.add(user("a"), customEvent("a:0", "other"));
    const worker = startWorker({ rate: 100_000 });
    await allAccepted(service, 1);
    await gone.stop();
    // It waited for ever once: the limit of the test would say so.
    await worker.close({ timeoutMs: 500 });
  });

  it("goes on after Redis was killed and came back, with all that it has confirmed", async () => {
    const { queue, service, startWorker } = await setUp();
    startWorker({ rate: 200, leaseMs: 5_000 });
    const add = (number: number): Promise<void> => {
      const batch = createBatch(user(String(number)), [customEvent(`${String(number)}:0`, "other")]);
      return queue.addBatch(batch).catch(() => queue.addBatch(batch));
    };
    await Promise.all(upTo(100).map(add));
    await server().restart();
    await Promise.all(upTo(100).map((number) => add(100 + number)));
    await allAccepted(service, 200);
  });
});
