import type { Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { utf8Length } from "#platform";
import { internalsOf, type EventsClient } from "../delivery/client.ts";
import { SYSTEM_EFFECTS } from "../delivery/effects.ts";
import type { Verdict } from "../delivery/outcome.ts";
import type { Telemetry } from "../delivery/telemetry.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { ANSWER_MS, endsWithin } from "../fleet/ends-within.ts";
import type { FleetBatch } from "../fleet/fleet-batch.ts";
import { NewerRecords, RECORD_VERSION } from "../fleet/record-version.ts";
import { RequestSender } from "../fleet/request-sender.ts";
import { DEATHS_REASON, MOST_DEATHS } from "../fleet/suspects.ts";
import { warnOfUnused } from "../fleet/unused-options.ts";
import {
  resolveWorkerOptions,
  WORKER_OPTIONS,
  type WorkerOptions,
  type WorkerSettings,
} from "../fleet/worker-options.ts";
import { WorkerLedger, type FleetWorkerStats } from "../fleet/worker-ledger.ts";
import { isObject } from "../rules/objects.ts";
import { atLeastZero, checkOptions, positive } from "../transport/option-checks.ts";
import {
  describeDurability,
  loadBullmq,
  openConnection,
  requireConnection,
  toBullmq,
  type FleetConnection,
} from "./connection.ts";
import type { FleetJob } from "./fleet-queue.ts";
import { GradualConcurrency } from "./gradual-concurrency.ts";
import { RedisPace } from "./redis-pace.ts";

/** What a {@link FleetWorker} takes batches from, and how fast it sends them. */
export interface FleetWorkerOptions extends WorkerOptions {
  /** Redis or Valkey: options of ioredis, or a client of it. */
  readonly connection: FleetConnection;
  /** Of the BullMQ queue. `@default "mparticle-events"` */
  readonly name?: string | undefined;
  /**
   * A batch that the service does not take for so long goes back to the store, in milliseconds, and is tried again
   * later by any worker. `@default 30_000`
   */
  readonly maxHoldMs?: number | undefined;
}

/** A job that BullMQ has taken so often from workers that ended may be why. Most were only there when it happened. */
const SUSPECT_AFTER = 3;

/** What went back to the store is tried again after this time. */
const RETURN_DELAY_MS = 5_000;

/**
 * Sends the batches of a {@link FleetQueue} with a client, many jobs in one request, at a pace that all workers share.
 *
 * An accepted batch completes its job. A rejected one fails it for good, with the reason: BullMQ's failed jobs are the
 * dead letters. What the service did not take goes back with its id. A worker that is killed loses nothing.
 */
export class FleetWorker {
  readonly #options: FleetWorkerOptions;
  readonly #telemetry: Telemetry;
  readonly #ledger: WorkerLedger;
  readonly #settings: WorkerSettings;
  readonly #client: EventsClient;
  readonly #maxHoldMs: number;
  readonly #starting: Promise<Started>;
  #sender: RequestSender | undefined;
  /** Of the jobs that may have ended their workers, the last of those that wait for each other. */
  #lastSuspect: Promise<unknown> = Promise.resolve();
  #closing: Promise<FleetWorkerStats> | undefined;

  /**
   * Starts at once.
   *
   * @param client - its credentials, host and transport are used; its own `rate`, `beforeSend` and `validate` are not.
   * @param options - see {@link FleetWorkerOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: FleetWorkerOptions) {
    checkOptions(options, { ...WORKER_OPTIONS, connection: "any", name: "string", maxHoldMs: "any" });
    requireConnection(options.connection);
    this.#client = client;
    const internals = internalsOf(client);
    this.#telemetry = internals.telemetry;
    this.#options = options;
    this.#settings = resolveWorkerOptions(options);
    this.#maxHoldMs = positive("maxHoldMs", options.maxHoldMs ?? 30_000);
    this.#ledger = new WorkerLedger(this.#telemetry, options.onOutcome);
    warnOfUnused(internals);
    this.#starting = this.#start();
    this.#starting.catch((error: unknown) => {
      this.#telemetry.loss("The fleet's worker could not start.", error);
    });
  }

  /**
   * Resolves when it takes batches.
   *
   * @throws MissingPeerError - when `bullmq` or `ioredis` is not installed.
   */
  async ready(): Promise<void> {
    const { worker } = await this.#starting;
    await worker.waitUntilReady();
  }

  /** What has become of the batches that this worker took. */
  stats(): FleetWorkerStats {
    return this.#ledger.stats(this.#sender?.pending ?? 0);
  }

  /**
   * Takes no further batch, finishes what is on its way, and gives the rest back to the store.
   *
   * @param options.timeoutMs - how long it may take to finish, in milliseconds. `@default 10_000`
   */
  close({ timeoutMs = 10_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<FleetWorkerStats> {
    this.#closing ??= this.#close(atLeastZero("timeoutMs", timeoutMs));
    return this.#closing;
  }

  /** As {@link close}: `await using worker = new FleetWorker(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<Started> {
    const { connection, name = "mparticle-events" } = this.#options;
    const { Worker: BullWorker, DelayedError, UnrecoverableError } = await loadBullmq("FleetWorker");
    const redis = await openConnection("FleetWorker", connection, { maxRetriesPerRequest: null });
    redis.on("error", (error: unknown) => {
      this.#telemetry.reportError("The connection to Redis failed; it is made again.", error);
    });
    const { transport } = internalsOf(this.#client);
    const { rate, maxBatches, concurrency, requests, leaseMs } = this.#settings;
    const sender = new RequestSender({
      transport,
      // Not the client's, which stand still while the process is frozen: the locks of jobs end all the same.
      effects: SYSTEM_EFFECTS,
      telemetry: this.#telemetry,
      pace: new RedisPace(redis, name, rate),
      maxBatches,
      concurrency: requests,
      maxHoldMs: this.#maxHoldMs,
    });
    this.#sender = sender;
    const newer = new NewerRecords(this.#telemetry, SYSTEM_EFFECTS.now);
    const work = async (job: Job<FleetJob>, token?: string): Promise<unknown> => {
      const giveBack = async (): Promise<never> => {
        const isClosing = this.#closing !== undefined;
        await job.moveToDelayed(Date.now() + (isClosing ? 0 : RETURN_DELAY_MS), token);
        throw new DelayedError();
      };
      const newerVersion = newerVersionOf(job.data);
      if (newerVersion !== undefined) {
        newer.met(newerVersion);
        return giveBack();
      }
      const batch = readJob(job.data);
      if (batch === undefined) throw new UnrecoverableError("The job does not hold a batch of this package.");
      const isSuspect = job.stalledCounter - (job.data.survived ?? 0) >= SUSPECT_AFTER;
      if (isSuspect && (job.data.deaths ?? 0) >= MOST_DEATHS) {
        this.#ledger.bury(batch, DEATHS_REASON);
        throw new UnrecoverableError(DEATHS_REASON);
      }
      const verdict = await (isSuspect ? this.#sendSuspect(job, batch, sender) : this.#send(batch, sender));
      if (verdict.kind === "accepted") return { status: verdict.receipt.status, attempts: verdict.receipt.attempts };
      if (verdict.kind === "rejected") throw new UnrecoverableError(reasonOf(verdict.error));
      return giveBack();
    };
    const process = async (job: Job<FleetJob>, token?: string): Promise<unknown> => {
      gradual.begin();
      try {
        return await work(job, token);
      } finally {
        gradual.end();
      }
    };
    const worker = new BullWorker<FleetJob>(name, process, {
      connection: toBullmq(connection),
      lockDuration: leaseMs,
      // What Redis refuses, such as while its disk is full, is tried again before locks end.
      runRetryDelay: 2_000,
      // A lock that has ended is found by the second look after it.
      stalledInterval: leaseMs / 2,
      // A batch is not to blame for the workers that were killed with it; those that are to blame are found above.
      maxStalledCount: 1_000_000,
    });
    const gradual = new GradualConcurrency(worker, concurrency);
    worker.on("drained", () => {
      gradual.drained();
    });
    worker.on("error", (error) => {
      this.#telemetry.reportError("The fleet's worker has trouble with Redis.", error);
    });
    void this.#warnOfLoss(redis);
    return { worker, redis };
  }

  async #send(batch: FleetBatch, sender: RequestSender): Promise<Verdict> {
    const verdict = await sender.send(batch);
    this.#ledger.record(batch, verdict);
    return verdict;
  }

  /** One at a time, so that no other is blamed for it. Whoever ends while it is on its way cannot note that down. */
  async #sendSuspect(job: Job<FleetJob>, batch: FleetBatch, sender: RequestSender): Promise<Verdict> {
    const sending = this.#lastSuspect.then(async () => {
      await job.updateData({ ...job.data, deaths: (job.data.deaths ?? 0) + 1 });
      const verdict = await this.#send(batch, sender);
      await job.updateData({ ...job.data, deaths: 0, survived: job.stalledCounter });
      return verdict;
    });
    this.#lastSuspect = sending.catch(() => undefined);
    return sending;
  }

  /** Once, at the start: an operator has to know before it happens. */
  async #warnOfLoss(redis: Redis): Promise<void> {
    try {
      for (const warning of await describeDurability(redis)) this.#telemetry.warn(warning);
    } catch {
      // A service that does not say how it is configured may be fine.
    }
  }

  async #close(timeoutMs: number): Promise<FleetWorkerStats> {
    const started = await this.#starting.catch(() => undefined);
    if (started === undefined) return this.stats();
    const { worker, redis } = started;
    const timer = setTimeout(() => {
      this.#sender?.stop(new MParticleError("CLOSED", "The worker was closed before it was accepted."));
    }, timeoutMs);
    const finish = async (): Promise<void> => {
      await worker.close();
      await this.#sender?.end();
    };
    try {
      if (!(await endsWithin(finish(), timeoutMs + ANSWER_MS, SYSTEM_EFFECTS))) {
        this.#telemetry.warn("Redis does not answer: what was sent and is not noted down is sent again with its id.");
        // It would go on to connect.
        worker.disconnect().catch(() => undefined);
      }
    } finally {
      clearTimeout(timer);
      redis.disconnect();
    }
    return this.stats();
  }
}

interface Started {
  readonly worker: Worker<FleetJob>;
  readonly redis: Redis;
}

/** The version of a job that only a newer version of this package can read. */
function newerVersionOf(data: unknown): number | undefined {
  const version = isObject(data) ? data["version"] : undefined;
  return typeof version === "number" && version > RECORD_VERSION ? version : undefined;
}

/** What the store gives back is read with nothing vouching for it. */
function readJob(data: unknown): (FleetJob & { readonly bytes: number }) | undefined {
  if (!isObject(data)) return undefined;
  const { text, requestId, userKey } = data;
  if (typeof text !== "string" || typeof requestId !== "string") return undefined;
  return {
    version: RECORD_VERSION,
    text,
    requestId,
    userKey: typeof userKey === "string" ? userKey : "",
    bytes: utf8Length(text),
  };
}

function reasonOf(error: MParticleError): string {
  if (!(error instanceof InvalidBatchError)) return error.message;
  return error.findings.map(({ path, code, message }) => `${path} ${code}: ${message}`).join("; ");
}
