import { Queue } from "bullmq";
import { EventsClient } from "mparticle-events";
import { FleetQueue, FleetWorker, type FleetQueueOptions, type FleetWorkerOptions } from "mparticle-events/bullmq";
import { afterAll, afterEach, beforeAll } from "vitest";
import { startRecordingService, type Answer } from "./recording-service.ts";
import { startRedis, type Server } from "./servers.ts";

/**
 * One Redis for the tests of a file; what a test opens is closed at its end.
 *
 * @param settings - of its command line.
 */
export function onRedis(settings?: readonly string[]) {
  let redis: Server;
  beforeAll(async () => {
    redis = await startRedis(settings);
  });
  afterAll(async () => {
    await redis.stop();
  });

  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  let count = 0;

  /** A queue of the test's own, and a service that accepts unless `answer` says otherwise. */
  async function setUp(
    answer?: (names: readonly string[]) => Answer | undefined,
    queueOptions: Partial<FleetQueueOptions> = {},
    port = redis.port,
  ) {
    const connection = { host: "127.0.0.1", port };
    const name = `queue-${String(count++)}`;
    const service = await startRecordingService(answer);
    const warnings: string[] = [];
    const note = (message: string): void => {
      warnings.push(message);
    };
    const logger = { debug: () => undefined, info: () => undefined, warn: note, error: note };
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", baseUrl: service.url, logger });
    // Long enough for a Redis on a machine that is busy.
    const queue = new FleetQueue({ connection, name, timeoutMs: 60_000, ...queueOptions });
    const bull = new Queue(name, { connection });
    open.push(service, queue, bull);
    const startWorker = (options: Partial<FleetWorkerOptions> = {}): FleetWorker => {
      const worker = new FleetWorker(client, { connection, name, ...options });
      open.push(worker);
      return worker;
    };
    return { queue, bull, service, client, startWorker, warnings, connection, name };
  }

  return { setUp, open, server: () => redis };
}
