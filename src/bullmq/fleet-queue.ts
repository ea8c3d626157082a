import type { Queue } from "bullmq";
import { utf8Length } from "#platform";
import { LIMITS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { makeCheck, warnOfChecksMissing, type OwnCheck, type Validate } from "../delivery/checks.ts";
import { requireLogger, type Logger } from "../delivery/logger.ts";
import { RequestIds } from "../delivery/request-ids.ts";
import { Telemetry, type Observers } from "../delivery/telemetry.ts";
import type { UserContext } from "../model/types.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import { batchOf, toFleetBatches, type FleetBatch } from "../fleet/fleet-batch.ts";
import { RECORD_VERSION } from "../fleet/record-version.ts";
import { loadBullmq, requireConnection, toBullmq, type FleetConnection } from "./connection.ts";
import { jobIdOf } from "./job-id.ts";

/** Where a {@link FleetQueue} keeps its batches, and how long a caller waits for that. */
export interface FleetQueueOptions {
  /** Redis or Valkey: options of ioredis, or a client of it. */
  readonly connection: FleetConnection;
  /** Of the BullMQ queue; workers need the same one. `@default "mparticle-events"` */
  readonly name?: string | undefined;
  /** A check of each batch before it is stored, such as `checkBatch`. `@default none` */
  readonly validate?: Validate | undefined;
  /** Codes of warnings that refuse a batch as errors do; `true` for all. `@default false` */
  readonly strict?: boolean | readonly string[] | undefined;
  /** Called for each warning of `validate`, with the batch that is stored all the same. `@default none` */
  readonly onFinding?: Observers["onFinding"];
  /** Told of the warnings of `validate`, and of ids that stand for two batches; without one the console is. `@default none` */
  readonly logger?: Logger | undefined;
  /** An `add` that was not stored for so long is rejected, in milliseconds. `@default 5_000` */
  readonly timeoutMs?: number | undefined;
  /** Bytes of batches that may wait for the store; further ones are rejected at once. `@default 16_777_216` */
  readonly maxPendingBytes?: number | undefined;
  /**
   * How long an accepted batch is remembered, in seconds: added again within this time, it is not sent again.
   * `@default 3_600`
   */
  readonly keepAcceptedSeconds?: number | undefined;
}

/** What a job of the queue holds. The version lets an older and a newer worker share a queue while a deploy rolls. */
export interface FleetJob {
  /** Of this form of a job; a worker leaves a higher one to newer workers. */
  readonly version: number;
  /** The batch as JSON, which is what is sent. */
  readonly text: string;
  /** `source_request_id` of the batch, which is the id of the job as well. */
  readonly requestId: string;
  /** Names the user that the batch is of. */
  readonly userKey: string;
  /** How often BullMQ took it from workers that had ended, when a worker was last seen to survive it. */
  readonly survived?: number;
  /** Workers that may have ended because of it since. */
  readonly deaths?: number;
}

/**
 * A durable queue that many processes share: batches wait in Redis or Valkey, as jobs of BullMQ, until a
 * {@link FleetWorker} of any process has sent them.
 *
 * It takes what `EventQueue` takes. The order of one user's batches is not promised here.
 */
export class FleetQueue {
  readonly #options: FleetQueueOptions;
  readonly #check: OwnCheck | undefined;
  readonly #timeoutMs: number;
  readonly #maxPendingBytes: number;
  readonly #keepAcceptedSeconds: number;
  #opening: Promise<Queue> | undefined;
  readonly #telemetry: Telemetry;
  /** What was added last under which id. */
  readonly #requestIds = new RequestIds();
  #hasSaidReused = false;
  #pendingBytes = 0;
  #isClosed = false;

  /**
   * @param options - see {@link FleetQueueOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(options: FleetQueueOptions) {
    checkOptions(options, {
      connection: "any",
      name: "string",
      validate: "any",
      strict: "any",
      onFinding: "function",
      logger: "any",
      timeoutMs: "any",
      maxPendingBytes: "any",
      keepAcceptedSeconds: "any",
    });
    requireConnection(options.connection);
    this.#options = options;
    const { validate, strict = false, onFinding, logger } = options;
    requireLogger(logger);
    this.#telemetry = new Telemetry({ onFinding }, logger);
    warnOfChecksMissing(options, this.#telemetry);
    this.#check = makeCheck(validate, strict, this.#telemetry);
    this.#timeoutMs = positive("timeoutMs", options.timeoutMs ?? 5_000);
    this.#maxPendingBytes = positive("maxPendingBytes", options.maxPendingBytes ?? 16 * 1024 * 1024);
    this.#keepAcceptedSeconds = positive("keepAcceptedSeconds", options.keepAcceptedSeconds ?? 3_600);
  }

  /**
   * Stores events of one user as a batch.
   *
   * @param user - a batch without its events.
   * @param events - the events, oldest first; none sends what `user` says to the user's profile.
   * @returns when the store has it.
   * @throws InvalidBatchError - it can never be sent; nothing is stored.
   * @throws MParticleError - `OUTBOX` when the store did not take it in time, `OVERFLOW` when too much waits for the
   *   store, `CLOSED`. `requestIds` are the ids; after `OUTBOX` it may be stored all the same.
   * @throws MissingPeerError - when `bullmq` or `ioredis` is not installed.
   */
  async add(user: UserContext, ...events: readonly Event[]): Promise<void> {
    await this.addBatch(batchOf(user, events));
  }

  /**
   * Stores a batch. A batch with an id can be added again after an error: it is one job, and sent once.
   *
   * @param batch - a batch, such as of `createBatch`.
   * @throws as {@link add} does.
   */
  async addBatch(batch: Batch): Promise<void> {
    const parts = toFleetBatches(batch, {
      path: "/bulkevents",
      check: this.#check,
      maxBatchBytes: LIMITS.batchMaxBytes,
    });
    const requestIds = parts.map(({ requestId }) => requestId);
    if (this.#isClosed) throw new MParticleError("CLOSED", "The fleet's queue is closed.", { requestIds });
    const bytes = parts.reduce((sum, part) => sum + part.bytes + utf8Length(part.userKey), 0);
    if (this.#pendingBytes + bytes > this.#maxPendingBytes) {
      const message = `${String(this.#pendingBytes)} bytes wait for the store already; expected at most ${String(this.#maxPendingBytes)}.`;
      throw new MParticleError("OVERFLOW", message, { requestIds });
    }
    this.#noteIds(parts);
    this.#pendingBytes += bytes;
    const storing = this.#store(parts).finally(() => {
      this.#pendingBytes -= bytes;
    });
    await this.#inTime(storing, requestIds);
  }

  /** Ends its connection. Batches stay in the store, for the workers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const queue = await this.#opening?.catch(() => undefined);
    await queue?.close();
  }

  /** As {@link close}: `await using queue = new FleetQueue(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The store takes a batch under an id that it knows for the one it has, as it should for one that is added again. */
  #noteIds(parts: readonly FleetBatch[]): void {
    for (const part of parts) {
      const { requestId, text } = part;
      try {
        if (this.#requestIds.enter(requestId, text, part)) this.#requestIds.leave(requestId);
      } catch (error) {
        if (this.#hasSaidReused || !(error instanceof InvalidBatchError)) continue;
        this.#hasSaidReused = true;
        this.#telemetry.warn(
          `A batch with another content was added under the id ${requestId} before, and Redis keeps the first one. Leave \`source_request_id\` out of a copy. This is said once.`,
          error,
        );
      }
    }
  }

  async #store(parts: readonly FleetBatch[]): Promise<void> {
    const queue = await this.#open();
    await queue.addBulk(
      parts.map(({ text, requestId, userKey }) => ({
        name: "batch",
        data: { version: RECORD_VERSION, text, requestId, userKey } satisfies FleetJob,
        opts: {
          jobId: jobIdOf(requestId),
          removeOnComplete: { age: this.#keepAcceptedSeconds },
          removeOnFail: false,
          // Only what throws unexpectedly counts as an attempt; what the service does not take comes back without one.
          attempts: 1_000,
          backoff: { type: "fixed", delay: 5_000 },
        },
      })),
    );
  }

  #open(): Promise<Queue> {
    this.#opening ??= loadBullmq("FleetQueue").then(({ Queue: BullQueue }) => {
      const { connection, name = "mparticle-events" } = this.#options;
      const queue = new BullQueue(name, { connection: toBullmq(connection) });
      // Each caller of `add` is told; without a listener the process would end.
      queue.on("error", () => undefined);
      return queue;
    });
    return this.#opening;
  }

  async #inTime(storing: Promise<void>, requestIds: readonly string[]): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `Not stored within ${String(this.#timeoutMs)} ms: Redis does not answer. It may still be stored; the same batch can be added again.`;
        reject(new MParticleError("OUTBOX", message, { requestIds }));
      }, this.#timeoutMs);
    });
    try {
      await Promise.race([storing, timeout]);
    } catch (cause) {
      if (cause instanceof MParticleError || (cause instanceof Error && cause.name === "MissingPeerError")) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MParticleError("OUTBOX", `Redis did not store it: ${reason}`, { requestIds, cause });
    } finally {
      clearTimeout(timer);
      storing.catch(() => undefined);
    }
  }
}
