import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { show } from "../rules/show.ts";
import { Transport, type RawClient, type TransportOptions } from "../transport/attempt.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { atLeastZero, checkOptions, positive, wholeNumber } from "../transport/option-checks.ts";
import { stepsOf, type BeforeSend } from "./before-send.ts";
import { OwnCheck, requireCheck, type Validate } from "./checks.ts";
import { Coalescer } from "./coalesce.ts";
import { deliver, toOutgoing, type BatchSource, type DeliveryOutcome } from "./deliver.ts";
import { Dispatcher } from "./dispatcher.ts";
import { SYSTEM_EFFECTS, type Effects } from "./effects.ts";
import type { Outcome, Receipt, Verdict } from "./outcome.ts";
import { idsOf, prepareBatch, verdictOfUnprepared, type Prepared, type PrepareOptions } from "./prepare.ts";
import { resolveRetry, type RetryOptions } from "./retry.ts";
import { Telemetry, type Logger, type Observers } from "./telemetry.ts";

/** Everything an {@link EventsClient} can be told. Only the credentials are required. */
export interface EventsClientOptions extends TransportOptions, Observers {
  /**
   * How long, and how patiently, an upload is tried again; `false` for a single attempt, and one more where an idle
   * connection turns out to be closed.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Batches per second at most; `"auto"` has no ceiling of its own and learns from the answers. `@default "auto"` */
  readonly rate?: "auto" | number | undefined;
  /** Requests in flight at most, and so sockets. `@default 64` */
  readonly concurrency?: number | undefined;
  /** Lets single uploads that happen at the same time travel as bulk requests. `@default false` */
  readonly coalesce?: boolean | undefined;
  /**
   * The last word on each batch: a step, or several that run one after the other, such as `consentGate` of
   * `mparticle-events/consent`. Each gets a copy of the batch with its ids, and gives what is to be sent, or `undefined`
   * to drop it.
   */
  readonly beforeSend?: BeforeSend | readonly BeforeSend[] | undefined;
  /**
   * Checks each batch before it is sent, such as `checkBatch` of `mparticle-events/validate`; several as one with
   * `checkAll`. Its errors refuse the batch; its warnings go to `onFinding` and, once for each code and path, to `logger`.
   */
  readonly validate?: Validate | undefined;
  /** Codes of warnings that refuse a batch as errors do, such as `["seconds-not-milliseconds"]`; `true` for all. `@default false` */
  readonly strict?: boolean | readonly string[] | undefined;
  /** A batch must stay below it, in bytes of UTF-8; a larger one is split by its events. `@default 128_000` */
  readonly maxBatchBytes?: number | undefined;
  /** Told what goes on, in words; `console` fits. Without one only losses that nobody else is told of go to the console. */
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
  /**
   * Keeps the order of each user's batches: at most one of them is in flight, and what was undelivered holds back what
   * follows of that user, as undelivered too. A user is identified by `customer_id`; without one by `mpid`; without both
   * by all identities together. `@default false`
   */
  readonly ordered?: boolean | undefined;
}

/** What can be said about {@link EventsClient.deliver}. */
export interface DeliverOptions extends BulkOptions {
  /** Where the batches go; `"historical"` is for data older than 30 days, at least 72 hours. `@default "bulk"` */
  readonly endpoint?: "bulk" | "historical" | undefined;
  /** How long gathered batches wait for a source that yields no more, in milliseconds. `@default 20` */
  readonly lingerMs?: number | undefined;
  /** Ends the reading of the source, and lets what was read be settled; `signal` ends that as well. */
  readonly stop?: AbortSignal | undefined;
}

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
    requireOptions(options);
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
   * @throws TypeError - when `signal` is none.
   */
  async upload(batch: Batch, { signal }: UploadOptions = {}): Promise<Receipt> {
    requireSignal("signal", signal);
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
    return this.#collect(batches, { ...options, endpoint: "bulk" });
  }

  /**
   * Sends batches older than 30 days; events younger than 72 hours, or without a time, are refused here because the
   * service would accept and drop them.
   *
   * @param batches - of any number of users, each with at least one event.
   * @returns as {@link uploadBulk}.
   */
  async uploadHistorical(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#collect(batches, { ...options, endpoint: "historical" });
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
    return this.#deliver(source, options, undefined);
  }

  #deliver(
    source: BatchSource,
    options: DeliverOptions,
    handedOverAtMs: number | undefined,
  ): AsyncIterableIterator<DeliveryOutcome> {
    const { endpoint = "bulk", concurrency = 4, lingerMs = 20, ordered = false, signal, stop } = options;
    requireSource(source);
    requireSignal("signal", signal);
    requireSignal("stop", stop);
    checkOptions(options, {
      endpoint: "any",
      concurrency: "any",
      lingerMs: "any",
      ordered: "boolean",
      signal: "any",
      stop: "any",
    });
    if (!Object.hasOwn(BULK_PATHS, endpoint)) {
      throw new TypeError(`\`endpoint\` is ${show(endpoint)}; expected "bulk" or "historical".`);
    }
    return deliver(source, this.#dispatcher, this.#effects, {
      ...this.#preparation(BULK_PATHS[endpoint]),
      concurrency: wholeNumber("concurrency", concurrency),
      lingerMs: atLeastZero("lingerMs", lingerMs),
      handedOverAtMs,
      ordered,
      signal,
      stop,
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

  async #collect(batches: Iterable<Batch>, options: DeliverOptions): Promise<Outcome[]> {
    requireSource(batches, "sync");
    const all = [...batches];
    const outcomes: Outcome[] = [];
    for await (const outcome of this.#deliver(all, options, this.#effects.now())) outcomes[outcome.index] = outcome;
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

/** @throws TypeError - for a `validate` that cannot give its findings at once, and a `strict` that names no codes. */
function makeCheck({ validate, strict = false }: EventsClientOptions, telemetry: Telemetry): OwnCheck | undefined {
  const given: unknown = strict;
  const isCodes = Array.isArray(given) && given.every((code) => typeof code === "string");
  if (typeof given !== "boolean" && !isCodes) {
    throw new TypeError(`\`strict\` is ${show(given)}; expected a boolean, or a list of codes of findings.`);
  }
  if (validate === undefined) return undefined;
  requireCheck("validate", validate);
  return new OwnCheck({ validate, strict, telemetry });
}

const BULK_PATHS = { bulk: "/bulkevents", historical: "/bulkevents/historical" } as const;

/** With its brackets, and staying below the limit as every batch does, it is the largest request there may be. */
const LARGEST_BATCH_BYTES = LIMITS.requestMaxBytes - 2;

const LOGGER_METHODS = ["debug", "info", "warn", "error"] as const;

/** What the types promise, JavaScript may break: named here, and not by whatever stumbles over it later. */
function requireOptions(options: EventsClientOptions): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options are ${show(given)}; expected an object with \`apiKey\` and \`apiSecret\`.`);
  }
  checkOptions(options, {
    apiKey: "any",
    apiSecret: "any",
    pod: "any",
    baseUrl: "any",
    timeoutMs: "any",
    fetch: "function",
    userAgent: "string",
    retry: "any",
    rate: "any",
    concurrency: "any",
    coalesce: "boolean",
    beforeSend: "any",
    validate: "any",
    strict: "any",
    maxBatchBytes: "any",
    logger: "any",
    onAttempt: "function",
    onRetry: "function",
    onPause: "function",
    onOutcome: "function",
    onFinding: "function",
  });
  const { logger } = options;
  const missing = logger && LOGGER_METHODS.find((name) => typeof logger[name] !== "function");
  if (missing !== undefined) {
    throw new TypeError(`\`logger\` has no method \`${missing}\`; expected ${LOGGER_METHODS.join(", ")}.`);
  }
}

function requireSignal(name: string, signal: unknown): void {
  if (signal === undefined || (typeof signal === "object" && signal !== null && "addEventListener" in signal)) return;
  throw new TypeError(
    `\`${name}\` is ${show(signal)}; expected an AbortSignal, such as \`signal\` of an AbortController.`,
  );
}

/** @param kind - whether one is needed whose batches are all there. */
function requireSource(source: unknown, kind: "any" | "sync" = "any"): void {
  const isObject = typeof source === "object" && source !== null;
  const isAsync = isObject && Symbol.asyncIterator in source;
  if (kind === "sync" && isAsync && !(Symbol.iterator in source)) {
    throw new TypeError("The batches are an async iterable; expected a list. `deliver` takes them as they come.");
  }
  const isSource = isAsync || (isObject && Symbol.iterator in source);
  if (!isSource) {
    throw new TypeError(
      `The batches are ${show(source)}; expected a list or another iterable. A single one is for \`upload\`.`,
    );
  }
}
