import { describe, expect, it } from "vitest";
import { createBatch, EventsClient, screenView, type Finding, type UserContext } from "mparticle-events";
import { FleetQueue, type FleetQueueOptions } from "../../src/bullmq/bullmq.ts";
import { batchOf } from "../../src/fleet/fleet-batch.ts";
import { FleetWorker } from "../../src/postgres/postgres.ts";

const user: UserContext = { environment: "development", user_identities: { customer_id: "1" } };

describe("a batch for a fleet", () => {
  it("is not made of a whole batch in place of a user, whose events would be lost", () => {
    const whole = { ...user, events: [screenView("lost")] } as unknown as UserContext; // as JavaScript passes it
    expect(() => batchOf(whole, [])).toThrow(
      expect.objectContaining({ findings: [expect.objectContaining({ code: "batch-for-user" })] }),
    );
    expect(batchOf(user, [])).toEqual({ ...user, events: [] });
  });
});

describe("a fleet's worker", () => {
  it("warns of what its client has and is not asked: a gate of consent, or a check", async () => {
    const warned: unknown[] = [];
    const ignore = (): void => undefined;
    const logger = { debug: ignore, info: ignore, error: ignore, warn: (said: unknown) => void warned.push(said) };
    const pool = { query: () => Promise.reject(new Error("down")), connect: () => Promise.reject(new Error("down")) };
    const options = { apiKey: "key", apiSecret: "of-the-input", logger };
    for (const more of [{}, { beforeSend: () => undefined, validate: () => [] }]) {
      const worker = new FleetWorker(new EventsClient({ ...options, ...more }), { connection: pool });
      await worker.close({ timeoutMs: 0 });
    }
    expect(warned).toEqual([expect.stringContaining("without `beforeSend` and `validate` of its client")]);
  });
});

describe("a fleet's queue", () => {
  it("tells of warnings, and refuses for those that are to be strict about", async () => {
    const warning: Finding = { severity: "warning", code: "odd", path: "/a", message: "it is odd." };
    const [warned, found]: [unknown[], unknown[]] = [[], []];
    const warn = (said: unknown): void => void warned.push(said);
    const options: FleetQueueOptions = {
      connection: { host: "127.0.0.1", port: 1 }, // nothing listens there
      timeoutMs: 1,
      validate: () => [warning],
      logger: { debug: warn, info: warn, warn, error: warn },
      onFinding: (finding) => void found.push(finding),
    };
    const queue = new FleetQueue(options);
    for (let n = 0; n < 2; n++) await expect(queue.add(user)).rejects.toMatchObject({ code: "OUTBOX" });
    await queue.close();
    expect(found).toEqual([warning, warning]);
    expect(warned).toEqual([expect.stringContaining("(odd)")]);
    const careful = new FleetQueue({ ...options, strict: ["odd"] });
    await expect(careful.add(user)).rejects.toMatchObject({ code: "INVALID_BATCH" });
    await careful.close();
    expect(() => new FleetQueue({ ...options, strict: "odd" as never })).toThrow("`strict`");
  });

  it("says once that another batch was added under an id: Redis keeps the first one, and says nothing", async () => {
    const warned: unknown[] = [];
    const warn = (...said: unknown[]): void => void warned.push(said[0]);
    const logger = { debug: warn, info: warn, warn, error: warn };
    // Nothing listens there, and what is stored does not matter here.
    const queue = new FleetQueue({ connection: { host: "127.0.0.1", port: 1 }, timeoutMs: 1, logger });
    const template = createBatch(user, [screenView("a")]);
    const add = (customerId: string): Promise<unknown> =>
      queue.addBatch({ ...template, user_identities: { customer_id: customerId } }).catch((error: unknown) => error);
    for (const customerId of ["1", "1", "2", "3"]) expect(await add(customerId)).toMatchObject({ code: "OUTBOX" });
    expect(warned).toEqual([expect.stringContaining("Redis keeps the first one")]);
    await queue.close();
  });
});
