import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventQueue, EventsClient, createBatch, customEvent, type Batch, type Outcome } from "mparticle-events";
import type { Books } from "./children/faulty-service.ts";

const SERVICE = fileURLToPath(new URL("children/faulty-service.ts", import.meta.url));
const EVENTS = 100_000;
const EVENTS_PER_BATCH = 20;
const CLIENTS = 3;

interface FaultyService {
  readonly url: string;
  /** Ends it, and tells what it has on its books. */
  end(): Promise<Books>;
}

async function startFaultyService(seed: number): Promise<FaultyService> {
  const child = fork(SERVICE, [String(seed)], { execArgv: ["--import", "tsx"] });
  const [url] = (await once(child, "message")) as [string];
  return {
    url,
    end: async () => {
      child.send("end");
      const [books] = (await once(child, "message")) as [Books];
      await once(child, "exit");
      return books;
    },
  };
}

function makeClients({ url }: FaultyService): readonly EventsClient[] {
  return Array.from(
    { length: CLIENTS },
    (_, index) =>
      new EventsClient({
        apiKey: `key-${String(index)}`,
        apiSecret: "secret",
        baseUrl: url,
        timeoutMs: 5_000,
        concurrency: 8,
        coalesce: index === 1,
        retry: { baseDelayMs: 5, maxDelayMs: 100, maxElapsedMs: 30_000 },
      }),
  );
}

/** Each event arrived in one batch only, sockets and memory within their bounds, nothing left running. */
async function expectTidy({ maxBatchesOfAnEvent, maxOpenSockets }: Books, rssBefore: number): Promise<void> {
  expect(maxBatchesOfAnEvent).toBe(1);
  expect(maxOpenSockets).toBeLessThanOrEqual(CLIENTS * 8);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(400 * 1024 * 1024);
  await sleep(20);
  expect(process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length).toBeLessThanOrEqual(3);
}

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => {
  process.on("unhandledRejection", noteUnhandled);
});
afterAll(() => {
  process.off("unhandledRejection", noteUnhandled);
  expect(unhandled).toEqual([]);
});

describe("a hundred thousand events through random faults", () => {
  it.each([1])("end accepted, rejected or undelivered, with seed %d", { timeout: 90_000 }, async (seed) => {
    const service = await startFaultyService(seed);
    const clients = makeClients(service);
    const batchesEach = EVENTS / EVENTS_PER_BATCH / CLIENTS;
    function* batchesOf(client: number): Generator<Batch> {
      for (let n = 0; n < batchesEach; n++) {
        const name = n % 500 === 250 ? "poison" : "fine";
        yield createBatch(
          { environment: "development", user_identities: { customer_id: `${String(client)}-${String(n)}` } },
          Array.from({ length: EVENTS_PER_BATCH }, () => customEvent(name, "other")),
        );
      }
    }
    const rssBefore = process.memoryUsage().rss;
    const tally = { handedOver: 0, accepted: 0, rejected: 0, undelivered: 0 };
    const count = ({ kind }: Pick<Outcome, "kind">): void => {
      tally.handedOver++;
      tally[kind]++;
    };
    await Promise.all(
      clients.map(async (client, index) => {
        if (index === 1) {
          // Single uploads, some hundred at a time.
          let group: Promise<void>[] = [];
          for (const batch of batchesOf(index)) {
            group.push(
              client.upload(batch).then(
                () => {
                  count({ kind: "accepted" });
                },
                () => {
                  count({ kind: "rejected" });
                },
              ),
            );
            if (group.length === 300) await Promise.all(group.splice(0));
          }
          await Promise.all(group);
          group = [];
        } else {
          for await (const outcome of client.deliver(batchesOf(index))) count(outcome);
        }
      }),
    );
    const expected = Math.ceil(batchesEach) * CLIENTS;
    expect(tally.handedOver).toBe(expected);
    expect(tally.accepted + tally.rejected + tally.undelivered).toBe(expected);
    const poisoned =
      Array.from({ length: Math.ceil(batchesEach) }, (_, n) => n).filter((n) => n % 500 === 250).length * CLIENTS;
    expect(tally).toMatchObject({ rejected: poisoned, undelivered: 0 });
    // What the service kept is what we say it accepted, each event in one batch only.
    const books = await service.end();
    expect(books.acceptedBatchesOnce).toBe(tally.accepted);
    expect(books.acceptedEventsOnce).toBe(tally.accepted * EVENTS_PER_BATCH);
    await expectTidy(books, rssBefore);
  });

  it.each([2])("through queues end accepted or rejected, with seed %d", { timeout: 90_000 }, async (seed) => {
    const service = await startFaultyService(seed);
    const rssBefore = process.memoryUsage().rss;
    const tally = { accepted: 0, rejected: 0, undelivered: 0 };
    const queues = makeClients(service).map(
      (client) =>
        new EventQueue(client, {
          flushIntervalMs: 100,
          maxBufferedBytes: 2_000_000,
          onOutcome: ({ kind }) => {
            tally[kind]++;
          },
        }),
    );
    await Promise.all(
      queues.map(async (queue) => {
        for (let n = 0; n < EVENTS / CLIENTS; n++) {
          const poison = n % 5_000 === 2_500;
          const customer_id = poison ? `poisoner-${String(n)}` : String(n % 100);
          const user = { environment: "development", user_identities: { customer_id } } as const;
          await queue.add(user, customEvent(poison ? "poison" : "fine", "other"));
        }
        await queue.flush();
      }),
    );
    const ledgers = queues.map((queue) => queue.stats());
    for (const { events, batches } of ledgers) {
      expect(events).toMatchObject({ added: Math.ceil(EVENTS / CLIENTS), undelivered: 0, pending: 0 });
      expect(events.accepted + events.rejected).toBe(events.added);
      expect(batches.rejected).toBe(7);
    }
    const total = (count: (stats: (typeof ledgers)[number]) => number): number =>
      ledgers.reduce((sum, stats) => sum + count(stats), 0);
    expect(tally).toEqual({ accepted: total(({ batches }) => batches.accepted), rejected: 21, undelivered: 0 });
    for (const queue of queues) await queue.close();
    const books = await service.end();
    expect(books.acceptedBatchesOnce).toBe(tally.accepted);
    expect(books.acceptedEventsOnce).toBe(total(({ events }) => events.accepted));
    await expectTidy(books, rssBefore);
  });
});
