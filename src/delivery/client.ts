import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { MParticleError } from "../errors.ts";
import { Transport, type RawClient, type TransportOptions } from "../transport/attempt.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { positive, wholeNumber } from "../transport/option-checks.ts";
import { Coalescer } from "./coalesce.ts";
import { deliver, toParcels, type BatchSource } from "./deliver.ts";
import { Dispatcher } from "./dispatcher.ts";
import { SYSTEM_EFFECTS, type Effects } from "./effects.ts";
import type { Outcome, Receipt, Verdict } from "./outcome.ts";
import { prepareBatch, type PrepareOptions, type Validate } from "./prepare.ts";
import { resolveRetry, type RetryOptions } from "./retry.ts";
import { Telemetry, type Logger, type Observers } from "./telemetry.ts";

/** Everything an {@link EventsClient} can be told. Only the credentials are required. */
export interface EventsClientOptions extends TransportOptions, Observers {
  /** How long, and how patiently, an upload is tried again; `false` for a single attempt. */
  readonly retry?: RetryOptions | false | undefined;
  /** Batches per second at most; `"auto"` has no ceiling of its own and learns from the answers. `@default "auto"` */
  readonly rate?: "auto" | number | undefined;
  /** Requests in flight at most, and so sockets. `@default 64` */
  readonly concurrency?: number | undefined;
  /** Lets single uploads that happen at the same time travel as bulk requests. `@default false` */
  readonly coalesce?: boolean | undefined;
  /** Checks each batch before it is sent, such as `checkBatch` of `mparticle-events/validate`; its errors refuse the batch. */
  readonly validate?: Validate | undefined;
  /** A batch must stay below it, in bytes of UTF-8; a larger one is split by its events. `@default 128_000` */
  readonly maxBatchBytes?: number | undefined;
  /** Told what goes on, in words; `console` fits. Silent by default. */
  readonly logger?: Logger | undefined;
}

/** What can be said about one call. */
export interface UploadOptions {
  /** Ends waits and requests at once; whether the service took what was in flight is unknown then. */
  readonly signal?: AbortSignal | undefined;
}

/** What can be said about a delivery of many batches. */
export interface BulkOptions extends UploadOptions {
  /** Requests of this call in flight at most. `@default 4` */
  readonly concurrency?: number | undefined;
}

/** What can be said about {@link EventsClient.deliver}. */
export interface DeliverOptions extends BulkOptions {
  /** Where the batches go; `"historical"` is for data older than 30 days, at least 72 hours. `@default "bulk"` */
  readonly endpoint?: "bulk" | "historical" | undefined;
  /** How long gathered batches wait for a source that yields no more, in milliseconds. `@default 20` */
  readonly lingerMs?: number | undefined;
}

/** What an {@link EventQueue} shares with its client: connections, pace, pauses and reports. */
export interface ClientInternals {
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly preparation: PrepareOptions;
}

/** Not a member of the client: it is no business of its users. */
export let internalsOf: (client: EventsClient) => ClientInternals;

/**
 * Sends batches to the Events API with one set of credentials. Make one per input and keep it: it holds the
 * connections, the pace and the pauses of these credentials.
 */
export class EventsClient {
  readonly #transport: Transport;
  readonly #dispatcher: Dispatcher;
  readonly #coalescer: Coalescer | undefined;
  readonly #telemetry: Telemetry;
  readonly #effects: Effects;
  readonly #validate: Validate | undefined;
  readonly #maxBatchBytes: number;

  static {
    internalsOf = (client) => ({
      dispatcher: client.#dispatcher,
      telemetry: client.#telemetry,
      effects: client.#effects,
      preparation: client.#preparation("/bulkevents"),
    });
  }

  /**
   * @param options - see {@link EventsClientOptions}.
   * @param effects - clock, random numbers and timers, for tests.
   * @throws TypeError, RangeError - naming the option, its value and what was expected.
   */
  constructor(options: EventsClientOptions, effects: Effects = SYSTEM_EFFECTS) {
    const concurrency = wholeNumber("concurrency", options.concurrency ?? 64);
    this.#effects = effects;
    this.#transport = new Transport({ ...options, maxSockets: concurrency });
    this.#telemetry = new Telemetry(options, options.logger);
    this.#validate = options.validate;
    this.#maxBatchBytes = positive("maxBatchBytes", options.maxBatchBytes ?? LIMITS.batchMaxBytes);
    this.#dispatcher = new Dispatcher({
      transport: this.#transport,
      telemetry: this.#telemetry,
      effects,
      retry: resolveRetry(options.retry),
      pace: { rate: options.rate, concurrency, random: effects.random },
      concurrency,
    });
    this.#coalescer = options.coalesce === true ? new Coalescer(this.#dispatcher) : undefined;
  }

  /** The typed openapi-fetch client underneath, for what this class does not do; its middleware sees all requests. */
  get raw(): RawClient {
    return this.#transport.raw;
  }

  /**
   * Sends one batch, again if need be, until the service has accepted it.
   *
   * @param batch - the batch; ids and times it lacks are filled in on a copy.
   * @returns proof that the service took it, which is not that it was processed or forwarded.
   * @throws InvalidBatchError - it was not sent: it would be refused, altered or lost as it is.
   * @throws ApiError - the service refused it, or kept failing until time was up.
   * @throws NetworkError - no answer until time was up, or the signal; sending it again is safe.
   */
  async upload(batch: Batch, { signal }: UploadOptions = {}): Promise<Receipt> {
    const prepared = prepareBatch(batch, this.#preparation("/events"));
    const verdict = await new Promise<Verdict>((resolve) => {
      for (const parcel of toParcels(prepared, resolve)) {
        if (this.#coalescer === undefined) void this.#dispatcher.dispatch([parcel], { path: "/events", signal });
        else this.#coalescer.add(parcel, signal);
      }
    });
    this.#telemetry.outcome({ batch: prepared.batch, index: 0, ...verdict });
    if (verdict.kind === "accepted") return verdict.receipt;
    throw verdict.error;
  }

  /**
   * Sends many batches in as few requests as the limits allow, each until it is accepted, refused or out of time.
   *
   * @param batches - of any number of users.
   * @returns one outcome for each batch, in the order of the batches. Never rejects for what happens to a batch.
   */
  uploadBulk(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#collect(batches, { ...options, endpoint: "bulk" });
  }

  /**
   * Sends batches older than 30 days; events younger than 72 hours, or without a time, are refused here because the
   * service would accept and drop them.
   *
   * @param batches - of any number of users, each with at least one event.
   * @returns as {@link uploadBulk}.
   */
  uploadHistorical(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#collect(batches, { ...options, endpoint: "historical" });
  }

  /**
   * Sends batches from a source of any length in constant memory: a slow service, or a slow reader of the outcomes,
   * slows the source.
   *
   * @param source - batches, such as rows of a database as they come.
   * @returns the outcomes in the order in which they become known; `index` tells the position in the source. When the
   * source throws, what was taken from it is settled first; leaving the loop early aborts what is in flight.
   */
  deliver(source: BatchSource, options: DeliverOptions = {}): AsyncIterableIterator<Outcome> {
    return deliver(source, this.#dispatcher, this.#effects, {
      ...this.#preparation(options.endpoint === "historical" ? "/bulkevents/historical" : "/bulkevents"),
      concurrency: wholeNumber("concurrency", options.concurrency ?? 4),
      lingerMs: options.lingerMs ?? 20,
      signal: options.signal,
      report: (outcome) => {
        this.#telemetry.outcome(outcome);
      },
    });
  }

  async #collect(batches: Iterable<Batch>, options: DeliverOptions): Promise<Outcome[]> {
    const all = [...batches];
    const outcomes: Outcome[] = [];
    for await (const outcome of this.deliver(all, options)) outcomes[outcome.index] = outcome;
    return all.map((batch, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) return outcome;
      const error = new MParticleError("ABORTED", "Aborted by its signal before it was sent.", {
        cause: options.signal?.reason,
      });
      return { batch, index, kind: "undelivered", error };
    });
  }

  #preparation(path: EndpointPath): PrepareOptions {
    return { path, validate: this.#validate, maxBatchBytes: this.#maxBatchBytes };
  }
}
