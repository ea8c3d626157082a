import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { show } from "../rules/show.ts";
import { Transport } from "../transport/attempt.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { positive, wholeNumber } from "../transport/option-checks.ts";
import type { RawClient } from "../transport/raw-client.ts";
import { stepsOf, type BeforeSend } from "./before-send.ts";
import type { OwnCheck } from "./checks.ts";
import {
  makeCheck,
  requireClientOptions,
  requireSource,
  requireUploadOptions,
  resolveBulkOptions,
  resolveDeliverOptions,
  type BulkOptions,
  type DeliverOptions,
  type EventsClientOptions,
  type UploadOptions,
} from "./client-options.ts";
import { Coalescer } from "./coalesce.ts";
import { deliver, toOutgoing, type BatchSource, type DeliveryOutcome, type DeliverySettings } from "./deliver.ts";
import { Dispatcher } from "./dispatcher.ts";
import { SYSTEM_EFFECTS, type Effects } from "./effects.ts";
import type { Outcome, Receipt, Verdict } from "./outcome.ts";
import { idsOf, prepareBatch, verdictOfUnprepared, type Prepared, type PrepareOptions } from "./prepare.ts";
import { resolveRetry } from "./retry.ts";
import { Telemetry } from "./telemetry.ts";

/** What an {@link EventQueue} shares with its client: connections, pace, pauses and reports. */
export interface ClientInternals {
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly preparation: PrepareOptions;
  /** Names the input: what is meant for one is nothing for another. */
  readonly apiKey: string;
}

const INTERNALS = /* @__PURE__ */ new WeakMap<EventsClient, ClientInternals>();

/** Not a member of the client: it is no business of its users. */
export function internalsOf(client: EventsClient): ClientInternals {
  const internals = INTERNALS.get(client);
  if (internals === undefined) {
    throw new TypeError(`The client is ${show(client)}; expected an EventsClient of this copy of the package.`);
  }
  return internals;
}

/**
 * Sends batches to the Events API with one set of credentials. Make one per input and keep it: it holds the
 * connections, the pace and the pauses of these credentials. In a Cloudflare Worker make one per request: nothing may
 * wait there for what another request does.
 */
export class EventsClient {
  readonly #transport: Transport;
  readonly #dispatcher: Dispatcher;
  readonly #coalescer: Coalescer | undefined;
  readonly #telemetry: Telemetry;
  readonly #effects: Effects;
  readonly #beforeSend: readonly BeforeSend[];
  readonly #check: OwnCheck | undefined;
  readonly #maxBatchBytes: number;

  /**
   * @param options - see {@link EventsClientOptions}.
   * @param effects - clock, random numbers and timers, for tests.
   * @throws TypeError, RangeError - naming the option, its value and what was expected.
   */
  constructor(options: EventsClientOptions, effects: Effects = SYSTEM_EFFECTS) {
    requireClientOptions(options);
    const concurrency = wholeNumber("concurrency", options.concurrency ?? 64);
    this.#effects = effects;
    this.#transport = new Transport({ ...options, maxSockets: concurrency });
    this.#telemetry = new Telemetry(options, options.logger);
    this.#beforeSend = stepsOf(options.beforeSend);
    this.#check = makeCheck(options, this.#telemetry);
    this.#maxBatchBytes = positive("maxBatchBytes", options.maxBatchBytes ?? LIMITS.batchMaxBytes);
    if (this.#maxBatchBytes > LARGEST_BATCH_BYTES) {
      throw new RangeError(
        `\`maxBatchBytes\` is ${show(options.maxBatchBytes)}; expected at most ${String(LARGEST_BATCH_BYTES)}, which fills a request.`,
      );
    }
    this.#dispatcher = new Dispatcher({
      transport: this.#transport,
      telemetry: this.#telemetry,
      effects,
      retry: resolveRetry(options.retry),
      pace: { rate: options.rate, concurrency, random: effects.random },
      concurrency,
    });
    this.#coalescer = options.coalesce === true ? new Coalescer(this.#dispatcher) : undefined;
    INTERNALS.set(this, {
      dispatcher: this.#dispatcher,
      telemetry: this.#telemetry,
      effects,
      preparation: this.#preparation("/bulkevents"),
      apiKey: options.apiKey,
    });
  }

  /** The typed openapi-fetch client underneath, for what this class does not do; its middleware sees all requests. */
  get raw(): RawClient {
    return this.#transport.raw;
  }

  /**
   * Sends one batch, again if need be, until the service has accepted it.
   *
   * @param batch - the batch; ids and times it lacks are filled in on a copy, the same ones until it was accepted.
   * @returns proof that the service took it, which is not that it was processed or forwarded.
   * @throws InvalidBatchError - it was not sent: it would be refused, altered or lost as it is, or `beforeSend` dropped it.
   * @throws ApiError - the service refused it, or kept failing until time was up.
   * @throws NetworkError - no answer until time was up, or the signal; sending it again is safe.
   * @throws MParticleError - aborted, or out of time, before there was a first attempt; sending it again is safe.
   * @throws TypeError - for options that there are not.
   */
  async upload(batch: Batch, options: UploadOptions = NO_OPTIONS): Promise<Receipt> {
    // Looked through only where there are any: an upload costs little more than a few of these checks.
    if (options !== NO_OPTIONS) requireUploadOptions(options);
    const { signal } = options;
    const prepared = this.#prepare(batch);
    const verdict = await new Promise<Verdict>((resolve) => {
      for (const batch of toOutgoing(prepared, this.#effects.now(), resolve)) {
        if (this.#coalescer === undefined) void this.#dispatcher.dispatch([batch], { path: "/events", signal });
        else this.#coalescer.add(batch, signal);
      }
    });
    this.#telemetry.outcome({ batch: prepared.batch, index: 0, ...verdict });
    if (verdict.kind === "accepted") {
      forgetStamps(batch);
      return verdict.receipt;
    }
    throw verdict.error;
  }

  /**
   * Sends many batches in as few requests as the limits allow, each until it is accepted, refused or out of time.
   *
   * @param batches - of any number of users.
   * @returns one outcome for each batch, in the order of the batches. Never rejects for what happens to a batch.
   * @throws TypeError, RangeError - for what is no list of batches, and for an option that is not what it should be.
   */
  async uploadBulk(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#collect(batches, "/bulkevents", options);
  }

  /**
   * Sends batches older than 30 days; events younger than 72 hours, or without a time, are refused here because the
   * service would accept and drop them.
   *
   * @param batches - of any number of users, each with at least one event.
   * @returns as {@link uploadBulk}.
   */
  async uploadHistorical(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#collect(batches, "/bulkevents/historical", options);
  }

  /**
   * Sends batches from a source of any length in constant memory: a slow service, or a slow reader of the outcomes,
   * slows the source.
   *
   * @param source - batches, such as rows of a database as they come.
   * @returns the outcomes in the order in which they become known; `index` tells the position in the source, and
   * `settledThrough` where to go on after a restart. When the source throws, what was taken from it is settled first;
   * leaving the loop early aborts what is in flight.
   * @throws TypeError, RangeError - for what is no source of batches, and for an option that is not what it should be.
   */
  deliver(source: BatchSource, options: DeliverOptions = {}): AsyncIterableIterator<DeliveryOutcome> {
    requireSource(source);
    return this.#deliver(source, { ...resolveDeliverOptions(options), handedOverAtMs: undefined });
  }

  #deliver(
    source: BatchSource,
    settings: Omit<DeliverySettings, keyof PrepareOptions | "report"> & { readonly path: EndpointPath },
  ): AsyncIterableIterator<DeliveryOutcome> {
    return deliver(source, this.#dispatcher, this.#effects, {
      ...this.#preparation(settings.path),
      ...settings,
      report: (outcome) => {
        this.#telemetry.outcome(outcome);
      },
    });
  }

  /** A batch that is not sent has an outcome as all others have. */
  #prepare(batch: Batch): Prepared {
    try {
      return prepareBatch(batch, this.#preparation("/events"));
    } catch (error) {
      const verdict = verdictOfUnprepared(error);
      if (verdict !== undefined) this.#telemetry.outcome({ batch, index: 0, ...verdict });
      throw error;
    }
  }

  async #collect(batches: Iterable<Batch>, path: EndpointPath, options: BulkOptions): Promise<Outcome[]> {
    requireSource(batches, "sync");
    const settings = { ...resolveBulkOptions(options), path, lingerMs: 0, stop: undefined };
    const all = [...batches];
    const outcomes: Outcome[] = [];
    const delivery = this.#deliver(all, { ...settings, handedOverAtMs: this.#effects.now() });
    for await (const outcome of delivery) outcomes[outcome.index] = outcome;
    return all.map((batch, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) return outcome;
      const error = new MParticleError("ABORTED", "Aborted by its signal before it was sent.", {
        requestIds: idsOf(batch),
        cause: options.signal?.reason,
      });
      const undelivered: Outcome = { batch, index, kind: "undelivered", error };
      this.#telemetry.outcome(undelivered);
      return undelivered;
    });
  }

  #preparation(path: EndpointPath): PrepareOptions {
    return { path, beforeSend: this.#beforeSend, check: this.#check, maxBatchBytes: this.#maxBatchBytes };
  }
}

const NO_OPTIONS: UploadOptions = {};

/** With its brackets, and staying below the limit as every batch does, it is the largest request there may be. */
const LARGEST_BATCH_BYTES = LIMITS.requestMaxBytes - 2;
