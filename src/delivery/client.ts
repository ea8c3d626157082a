import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError, type MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { BLANK } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { EndSignal } from "../transport/abort.ts";
import { Transport } from "../transport/attempt.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { atLeastZero, checkOptions, wholeNumber } from "../transport/option-checks.ts";
import type { RawClient } from "../transport/raw-client.ts";
import { AwakeTime } from "./awake-time.ts";
import { abortedUnread, BulkUpload } from "./bulk-upload.ts";
import {
  requireClientOptions,
  requireSource,
  requireUploadOptions,
  resolveBulkOptions,
  resolveDeliverOptions,
  resolvePreparation,
  type BulkOptions,
  type DeliverOptions,
  type EventsClientOptions,
  type UploadOptions,
} from "./client-options.ts";
import { Coalescer } from "./coalesce.ts";
import { deliver, toOutgoing, type BatchSource, type DeliveryOutcome, type DeliverySettings } from "./deliver.ts";
import { closedError, Dispatcher } from "./dispatcher.ts";
import { SYSTEM_EFFECTS, type Effects } from "./effects.ts";
import { InFlightCount } from "./in-flight-count.ts";
import type { Outcome, Receipt, Verdict } from "./outcome.ts";
import {
  idsOf,
  prepareBatch,
  requestIdOf,
  verdictOfUnprepared,
  type Prepared,
  type PrepareOptions,
} from "./prepare.ts";
import { endsInTime } from "./time-limit.ts";
import { RequestIds } from "./request-ids.ts";
import { resolveRetry } from "./retry.ts";
import { Telemetry } from "./telemetry.ts";
import { nextTurn, REFUSAL_BYTES, Turns } from "./turns.ts";

/** What an {@link EventQueue} shares with its client: connections, pace, pauses and reports. */
export interface ClientInternals {
  readonly dispatcher: Dispatcher;
  readonly transport: Transport;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly turns: Turns;
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
  readonly #effects: AwakeTime;
  readonly #preparations: Readonly<Record<EndpointPath, PrepareOptions>>;
  readonly #requestIds = new RequestIds();
  readonly #turns = new Turns();
  /** Calls and requests that are under way. */
  readonly #inFlight = new InFlightCount();
  /** Aborts when the client is being closed. */
  readonly #closing = new EndSignal();
  #closed: Promise<void> | undefined;

  /**
   * @param options - see {@link EventsClientOptions}.
   * @param effects - clock, random numbers and timers, for tests.
   * @throws TypeError, RangeError - naming the option, its value and what was expected.
   */
  constructor(options: EventsClientOptions, effects: Effects = SYSTEM_EFFECTS) {
    requireClientOptions(options);
    const concurrency = wholeNumber("concurrency", options.concurrency ?? 64);
    this.#effects = new AwakeTime(effects);
    // The transport has the system's clock.
    const onStop = effects === SYSTEM_EFFECTS ? this.#effects.stoodStill : undefined;
    this.#transport = new Transport({ ...options, maxSockets: concurrency }, onStop);
    this.#telemetry = new Telemetry(options, options.logger);
    const preparation = resolvePreparation(options, this.#telemetry);
    this.#preparations = {
      "/events": { path: "/events", ...preparation },
      "/bulkevents": { path: "/bulkevents", ...preparation },
      "/bulkevents/historical": { path: "/bulkevents/historical", ...preparation },
    };
    this.#dispatcher = new Dispatcher({
      transport: this.#transport,
      telemetry: this.#telemetry,
      effects: this.#effects,
      retry: { single: resolveRetry(options.retry, SINGLE_MAX_ELAPSED_MS), other: resolveRetry(options.retry) },
      pace: { rate: options.rate, concurrency, random: effects.random },
      concurrency,
      inFlight: this.#inFlight,
      turns: this.#turns,
    });
    this.#coalescer = options.coalesce === true ? new Coalescer(this.#dispatcher, this.#telemetry) : undefined;
    INTERNALS.set(this, {
      dispatcher: this.#dispatcher,
      transport: this.#transport,
      telemetry: this.#telemetry,
      effects: this.#effects,
      turns: this.#turns,
      preparation: this.#preparations["/bulkevents"],
      apiKey: options.apiKey,
    });
  }

  /** The typed openapi-fetch client underneath, for what this class does not do; its middleware sees all requests. */
  get raw(): RawClient {
    return this.#transport.raw;
  }

  /**
   * Sends one batch, again if need be, until the service has accepted it. When nothing answers that takes two minutes, and
   * is said once after five seconds: in a request handler set `retry.maxElapsedMs` to what its caller can wait, or hand
   * the events to an `EventQueue`, which waits for nobody.
   *
   * @param batch - the batch; ids and times it lacks are filled in on a copy, the same ones until it was accepted. Handed
   *   over again while it is on its way, it is sent once.
   * @returns proof that the service took it, which is not that it was processed or forwarded.
   * @throws InvalidBatchError - it was not sent: it would be refused, altered or lost as it is, or `beforeSend` dropped it.
   * @throws ApiError - the service refused it, or kept failing until time was up.
   * @throws NetworkError - no answer until time was up, or the signal; sending it again is safe.
   * @throws MParticleError - aborted, out of time or closed before there was a first attempt; sending it again is safe.
   * @throws TypeError - for options that there are not.
   */
  async upload(batch: Batch, options: UploadOptions = NO_OPTIONS): Promise<Receipt> {
    // Looked through only where there are any: an upload costs little more than a few of these checks.
    if (options !== NO_OPTIONS) requireUploadOptions(options);
    const { signal } = options;
    this.#requireOpen(batch);
    this.#inFlight.enter();
    try {
      const prepared = this.#prepare(batch);
      const verdict = await new Promise<Verdict>((resolve) => {
        this.#send(batch, prepared, signal, resolve);
      });
      if (verdict.kind !== "accepted") {
        this.#telemetry.outcome({ batch: prepared.batch, index: 0, ...verdict });
        // Uploads that travelled together share one.
        if (this.#coalescer === undefined) showCaller(verdict.error);
        throw verdict.error;
      }
      // Not spread: that takes ten times as long, and nearly all come through here.
      this.#telemetry.outcome({ batch: prepared.batch, index: 0, kind: "accepted", receipt: verdict.receipt });
      forgetStamps(batch);
      return verdict.receipt;
    } finally {
      this.#inFlight.leave();
    }
  }

  /**
   * Sends many batches in as few requests as the limits allow, each until it is accepted, refused or out of time.
   *
   * @param batches - of any number of users.
   * @returns one outcome for each batch, in the order of the batches. Never rejects for what happens to a batch.
   * @throws TypeError, RangeError - for what is no list of batches, and for an option that is not what it should be.
   */
  async uploadBulk(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#uploadAll(batches, "/bulkevents", options);
  }

  /**
   * Sends batches older than 30 days; events younger than 72 hours, or without a time, are refused here because the
   * service would accept and drop them.
   *
   * @param batches - of any number of users, each with at least one event.
   * @returns as {@link uploadBulk}.
   */
  async uploadHistorical(batches: Iterable<Batch>, options: BulkOptions = {}): Promise<Outcome[]> {
    return this.#uploadAll(batches, "/bulkevents/historical", options);
  }

  /**
   * Sends batches from a source of any length in constant memory: a slow service, or a slow reader of the outcomes,
   * slows the source. Nothing is sent until the outcomes are read, by `for await`: an `await` alone sends nothing.
   *
   * @param source - batches, such as rows of a database as they come.
   * @returns the outcomes in the order in which they become known; `index` tells the position in the source, and
   * `settledThrough` where to go on after a restart. When the source throws, what was taken from it is settled first;
   * leaving the loop early aborts what is in flight.
   * @throws TypeError, RangeError - for what is no source of batches, and for an option that is not what it should be.
   */
  deliver(source: BatchSource, options: DeliverOptions = {}): AsyncIterableIterator<DeliveryOutcome> {
    requireSource(source);
    return this.#deliver(source, { ...BLANK, ...resolveDeliverOptions(options), handedOverAtMs: undefined });
  }

  /**
   * Takes nothing more in, lets what is in flight be settled, and ends the connections. A delivery stops reading its
   * source. Close the queues of this client first.
   *
   * @param options.timeoutMs - how long to wait for what is in flight, in milliseconds; what is left is undelivered then,
   * with the code `CLOSED`. `@default 30_000`
   * @throws TypeError, RangeError - for an option that is not what it should be.
   */
  async close(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    checkOptions(options, { timeoutMs: "any" });
    const timeoutMs = atLeastZero("timeoutMs", options.timeoutMs ?? 30_000);
    this.#closed ??= this.#close(timeoutMs);
    return this.#closed;
  }

  /** Closes the client with its default timeout: `await using client = new EventsClient(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closing.abort();
    // What a delivery has gathered is on its way then.
    await nextTurn();
    await endsInTime(this.#inFlight.idle(), timeoutMs, this.#effects);
    await this.#dispatcher.close();
    await this.#inFlight.idle();
    await this.#transport.close();
  }

  /** What is handed over to a closed client has an outcome as all others have. */
  #requireOpen(batch: Batch): void {
    if (this.#closed === undefined) return;
    const error = closedError(idsOf(batch), 0);
    this.#telemetry.outcome({ batch, index: 0, kind: "undelivered", error });
    throw error;
  }

  #send(given: Batch, prepared: Prepared, signal: AbortSignal | undefined, settle: (verdict: Verdict) => void): void {
    const requestId = requestIdOf(prepared.batch);
    let isNew: boolean;
    try {
      isNew = this.#requestIds.enter(requestId, prepared.text, given);
    } catch (error) {
      if (!(error instanceof InvalidBatchError)) throw error;
      settle({ kind: "rejected", error });
      return;
    }
    if (!isNew) {
      const again = (): void => {
        this.#send(given, prepared, signal, settle);
      };
      this.#requestIds.join(requestId, { signal, settle, again });
      return;
    }
    const settleSent = (verdict: Verdict): void => {
      settle(verdict);
      this.#requestIds.leave(requestId, verdict);
    };
    for (const batch of toOutgoing(prepared, this.#effects.now(), settleSent)) {
      if (this.#coalescer !== undefined) this.#coalescer.add(batch, signal);
      else void this.#dispatcher.dispatch([batch], { path: "/events", single: true, signal });
    }
  }

  async #uploadAll(given: Iterable<Batch>, path: EndpointPath, options: BulkOptions): Promise<Outcome[]> {
    requireSource(given, "sync");
    const { concurrency, ordered, signal } = resolveBulkOptions(options);
    const batches = [...given];
    if (this.#closed !== undefined) {
      return this.#refuseAll(batches, (batch) => ({ kind: "undelivered", error: closedError(idsOf(batch), 0) }));
    }
    const handedOverAtMs = this.#effects.now();
    this.#inFlight.enter();
    try {
      if (ordered) return await this.#uploadInOrder(batches, { path, concurrency, ordered, signal, handedOverAtMs });
      const upload = new BulkUpload(batches, {
        dispatcher: this.#dispatcher,
        requestIds: this.#requestIds,
        turns: this.#turns,
        preparation: this.#preparations[path],
        concurrency,
        signal,
        handedOverAtMs,
        report: this.#report,
      });
      return await upload.run();
    } finally {
      this.#inFlight.leave();
    }
  }

  async #uploadInOrder(
    batches: readonly Batch[],
    settings: ReturnType<typeof resolveBulkOptions> & { readonly path: EndpointPath; readonly handedOverAtMs: number },
  ): Promise<Outcome[]> {
    const outcomes = new Map<number, Outcome>();
    const delivery = this.#deliver(batches, { ...settings, lingerMs: 0, stop: undefined });
    for await (const outcome of delivery) outcomes.set(outcome.index, outcome);
    return this.#refuseAll(batches, (batch) => abortedUnread(batch, settings.signal), outcomes);
  }

  /** Those that have no outcome get one, in turns of the event loop: a list may be long. */
  async #refuseAll(
    batches: readonly Batch[],
    verdictOf: (batch: Batch) => Verdict,
    outcomes: ReadonlyMap<number, Outcome> = new Map(),
  ): Promise<Outcome[]> {
    const all: Outcome[] = [];
    for (const [index, batch] of batches.entries()) {
      const known = outcomes.get(index);
      if (known === undefined && this.#turns.isSpent) await this.#turns.share();
      if (known === undefined) this.#turns.note(REFUSAL_BYTES);
      all.push(known ?? this.#reported({ batch, index, ...verdictOf(batch) }));
    }
    return all;
  }

  #deliver(
    source: BatchSource,
    settings: Omit<DeliverySettings, keyof PrepareOptions | "report" | "requestIds" | "turns" | "closing"> & {
      readonly path: EndpointPath;
    },
  ): AsyncIterableIterator<DeliveryOutcome> {
    return deliver(source, this.#dispatcher, this.#effects, {
      ...BLANK,
      ...this.#preparations[settings.path],
      ...settings,
      requestIds: this.#requestIds,
      turns: this.#turns,
      closing: this.#closing,
      report: this.#report,
    });
  }

  readonly #report = (outcome: Outcome): void => {
    this.#telemetry.outcome(outcome);
  };

  #reported(outcome: Outcome): Outcome {
    this.#report(outcome);
    return outcome;
  }

  /** A batch that is not sent has an outcome as all others have. */
  #prepare(batch: Batch): Prepared {
    try {
      return prepareBatch(batch, this.#preparations["/events"]);
    } catch (error) {
      const verdict = verdictOfUnprepared(error);
      if (verdict !== undefined) this.#telemetry.outcome({ batch, index: 0, ...verdict });
      throw error;
    }
  }
}

/**
 * Has the stack of an error lead to who awaits it, where the engine can: it was made in another turn of the event loop, whose
 * calls are all ours. A test that fails shows the line of the upload then.
 */
function showCaller(error: MParticleError): void {
  try {
    if (typeof Error.captureStackTrace === "function") Error.captureStackTrace(error, showCaller);
  } catch {
    // An observer may have frozen the error, and somebody may have replaced the function: the error itself matters more.
  }
}

/** What a person, or a request handler, can be made to wait; all else has five minutes. */
const SINGLE_MAX_ELAPSED_MS = 120_000;

const NO_OPTIONS: UploadOptions = {};
