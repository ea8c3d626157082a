import { onIdleExit, runSoon, utf8Length } from "#platform";
import { LIMITS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { show } from "../rules/show.ts";
import { stampEvent, SYSTEM_STAMPS } from "../model/stamp.ts";
import type { UserContext } from "../model/types.ts";
import { parseExact, serializeEvent } from "../transport/json.ts";
import { atLeastZero, checkOptions, positive, wholeNumber } from "../transport/option-checks.ts";
import { Barrier } from "./barrier.ts";
import { refuseFor } from "./checks.ts";
import { internalsOf, type ClientInternals, type EventsClient } from "./client.ts";
import type { OutgoingBatch } from "./dispatcher.ts";
import { Fifo } from "./fifo.ts";
import {
  FRAME_BYTES,
  Lanes,
  nextDue,
  takeNextDue,
  textsOf,
  toStored,
  type Context,
  type Lane,
  type QueuedBatch,
} from "./lane.ts";
import { asOutboxError, OutboxWriter } from "./outbox-writer.ts";
import { textOfBatch, type Outbox, type OutboxEntry, type StoredBatch } from "./outbox.ts";
import type { Outcome, Verdict } from "./outcome.ts";
import { callUserCode, requireEnvironment, requireObject } from "./prepare.ts";
import { Tally, type Ledger } from "./tally.ts";
import type { Telemetry } from "./telemetry.ts";

/** What happens to events for which there is no room. */
export type Overflow = "wait" | "drop-newest" | "drop-oldest" | "reject";

/** How a queue gathers and sends events, and what it does when there are too many. */
export interface EventQueueOptions {
  /** A batch is due at the latest this long after its first event, in milliseconds. `@default 1_000` */
  readonly flushIntervalMs?: number | undefined;
  /** A batch is full with this many events. `@default 100` */
  readonly maxEventsPerBatch?: number | undefined;
  /** Held in memory at most, in bytes of JSON. `@default 16_777_216` */
  readonly maxBufferedBytes?: number | undefined;
  /** Requests of this queue in flight at most. `@default 4` */
  readonly concurrency?: number | undefined;
  /**
   * What happens when `maxBufferedBytes` is reached: `add` waits, drops what is new or what is oldest (each drop is an
   * outcome), or rejects. `@default "wait"`
   */
  readonly overflow?: Overflow | undefined;
  /** Called once for each batch. What it throws goes to the client's logger. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** Keeps events on disk until the service has accepted them: `add` resolves once they are there. */
  readonly outbox?: Outbox | undefined;
  /** Of a serverless platform: told of each promise that the platform should wait for. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

/** What has become of all that was added, in events and in batches, and what is held right now. */
export interface QueueStats {
  readonly events: Ledger;
  readonly batches: Ledger;
  /** Bytes of JSON held in memory. */
  readonly bufferedBytes: number;
  /** Calls of `add` that wait for room, or for the outbox to be open; what they bring is not counted yet. */
  readonly waitingAdds: number;
}

/** What a queue came to. */
export interface CloseReport {
  /** Events of each fate since the queue was made. */
  readonly accepted: number;
  readonly rejected: number;
  readonly undelivered: number;
  /** What was still pending when time was up, with the ids it was sent with: safe to send again. */
  readonly unsent: readonly Batch[];
}

/** An event as JSON, and its length in UTF-8. */
interface EventText {
  readonly text: string;
  readonly bytes: number;
}

/** A call of `add` whose turn has not come. */
interface WaitingAdd {
  readonly context: Context;
  readonly items: readonly EventText[];
  readonly bytes: number;
  /** What its caller was given. */
  readonly taken: Promise<void>;
  enter(): void;
  refuse(error: MParticleError): void;
}

/**
 * An outbox that is `recovering` is being opened and read: what is added waits, for what an earlier process left goes
 * first. `closed` is tried again by the next `add`, and `broken` is not.
 */
type OutboxState = "closed" | "recovering" | "open" | "broken";

type DefaultedOption = "flushIntervalMs" | "maxEventsPerBatch" | "maxBufferedBytes" | "concurrency" | "overflow";

/** The options with their defaults. */
type Settings = EventQueueOptions & { readonly [Option in DefaultedOption]: NonNullable<EventQueueOptions[Option]> };

/** Taken in at most before others get their turn: two or three milliseconds' worth. */
const YIELD_AFTER_BYTES = 64 * 1024;

/** As long as `drainOnExit` takes by default. */
const MAX_DRAIN_AT_END_MS = 10_000;

const DONE = /* @__PURE__ */ Promise.resolve();

/** What {@link drainOnExit} needs and nobody else. */
export interface QueueInternals {
  /** Names the input that its events are meant for. */
  readonly apiKey: string;
  readonly telemetry: Telemetry;
  readonly outbox: Outbox | undefined;
  /** Takes in what waits for room, and lets nothing join what is pending: an id that was kept stands for the same for ever. */
  readonly sealAll: () => void;
  /** All that is not settled, oldest first, and what `close` has handed back. */
  readonly pending: () => readonly StoredBatch[];
  /** Takes in what was pending in an earlier process; resolves when it is settled, with what was not delivered. */
  readonly restore: (batches: readonly StoredBatch[]) => Promise<readonly StoredBatch[]>;
}

const INTERNALS = /* @__PURE__ */ new WeakMap<EventQueue, QueueInternals>();

/** Not a member of the queue: it is no business of its users. */
export function internalsOfQueue(queue: EventQueue): QueueInternals {
  const internals = INTERNALS.get(queue);
  if (internals === undefined)
    throw new TypeError(`The queue is ${show(queue)}; expected an EventQueue of this copy of the package.`);
  return internals;
}

/**
 * Gathers events per user into batches, and batches of many users into bulk requests; sends them in the background.
 *
 * Each user's events keep their order to the wire. Nothing leaves silently: what is not accepted is an outcome.
 */
export class EventQueue {
  readonly #internals: ClientInternals;
  readonly #options: Settings;
  readonly #lanes = new Lanes();
  /** Open batches, oldest first. */
  readonly #openBatches = new Set<QueuedBatch>();
  /** Lanes with something to send and nothing travelling. */
  readonly #ready = new Set<Lane>();
  /** Everything that is not settled, oldest first. */
  readonly #unsettled = new Set<QueuedBatch>();
  readonly #waiting = new Fifo<WaitingAdd>();
  readonly #barrier = new Barrier();
  readonly #events = new Tally();
  readonly #batches = new Tally();
  readonly #abort = new AbortController();
  readonly #stopIdleExit: () => void;
  #bufferedBytes = 0;
  /** Of these, what is on its way. */
  #inFlightBytes = 0;
  #waitingBytes = 0;
  #bytesThisTurn = 0;
  #turn: Promise<void> | undefined;
  #requests = 0;
  #batchCount = 0;
  #sendScheduled = false;
  #stopTimer: (() => void) | undefined;
  #closing: Promise<CloseReport> | undefined;
  #closed = false;
  /** What a close out of time hands back. */
  readonly #unsent: StoredBatch[] = [];
  readonly #outbox: OutboxWriter | undefined;
  #outboxState: OutboxState = "open";
  /** Why it is broken. */
  #outboxError = new MParticleError("OUTBOX", "The outbox is not open.");
  #recovery: Promise<void> = DONE;
  /** Goes on with recovery when there may be room. */
  #wakeRecovery: () => void = () => undefined;
  #whenIdle: (() => void)[] = [];

  /**
   * @param client - sends the batches; several queues may share one.
   * @param options - see {@link EventQueueOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: EventQueueOptions = {}) {
    checkOptions(options, {
      flushIntervalMs: "any",
      maxEventsPerBatch: "any",
      maxBufferedBytes: "any",
      concurrency: "any",
      overflow: "any",
      onOutcome: "function",
      outbox: "any",
      waitUntil: "function",
    });
    this.#internals = internalsOf(client);
    const overflow = options.overflow ?? "wait";
    if (!["wait", "drop-newest", "drop-oldest", "reject"].includes(overflow)) {
      throw new TypeError(
        `\`overflow\` is ${JSON.stringify(overflow)}; expected "wait", "drop-newest", "drop-oldest" or "reject".`,
      );
    }
    this.#options = {
      ...options,
      flushIntervalMs: positive("flushIntervalMs", options.flushIntervalMs ?? 1_000),
      maxEventsPerBatch: wholeNumber("maxEventsPerBatch", options.maxEventsPerBatch ?? 100),
      maxBufferedBytes: positive("maxBufferedBytes", options.maxBufferedBytes ?? 16 * 1024 * 1024),
      concurrency: wholeNumber("concurrency", options.concurrency ?? 4),
      overflow,
    };
    requireOutbox(options.outbox);
    this.#stopIdleExit = onIdleExit(() => {
      if (this.#batches.pending > 0 || this.#waiting.size > 0) void this.#drainAtEnd();
    });
    INTERNALS.set(this, {
      apiKey: this.#internals.apiKey,
      telemetry: this.#internals.telemetry,
      outbox: options.outbox,
      sealAll: () => {
        this.#admitWaiting("room or not");
        for (const batch of this.#unsettled) if (batch.lane.open === batch) this.#seal(batch);
      },
      pending: () => [...Array.from(this.#unsettled, toStored), ...this.#unsent],
      restore: (batches) => this.#restoreAll(batches),
    });
    if (options.outbox !== undefined) {
      this.#outbox = new OutboxWriter(options.outbox, this.#internals.apiKey, this.#internals.telemetry);
      this.#startRecovery(this.#outbox);
    }
  }

  /**
   * Takes events of one user in.
   *
   * @param user - a batch without its events. Events of equal users share a batch; any difference starts a new one.
   * @param events - the events, oldest first; none sends what `user` says, such as attributes, to the user's profile.
   * @returns when they are taken in (with an outbox: stored). Await it: that is what keeps memory bounded.
   * @throws InvalidBatchError - one of them can never be sent; none is taken in. It is also reported as an outcome.
   * @throws MParticleError - `CLOSED`, `OVERFLOW` when told to reject, `OUTBOX` when they could not be stored.
   */
  add(user: UserContext, ...events: readonly Event[]): Promise<void> {
    if (this.#closed) return handled(Promise.reject(closedError()));
    let context: Context;
    let items: readonly EventText[];
    try {
      [context, items] = callUserCode(user, () => this.#read(user, events));
    } catch (error) {
      if (error instanceof InvalidBatchError) this.#reportNotTaken(user, events, { kind: "rejected", error });
      return handled(Promise.reject(error instanceof Error ? error : new Error(String(error))));
    }
    let bytes = items.length;
    for (const item of items) bytes += item.bytes;
    if (this.#outboxState === "closed" && this.#outbox !== undefined) this.#startRecovery(this.#outbox);
    if (this.#outboxState === "broken") return handled(Promise.reject(this.#outboxError));
    const { overflow } = this.#options;
    // What waits for the outbox to be open is held as well.
    if (overflow !== "wait" && this.#exceeds(this.#waitingBytes, bytes)) {
      if (overflow === "drop-oldest") this.#dropOldest(bytes);
      // What travels may have arrived and cannot be dropped: then the newest has to give way after all.
      if (this.#exceeds(this.#waitingBytes, bytes)) {
        const error = this.#overflowError(bytes);
        if (overflow === "reject") return handled(Promise.reject(error));
        this.#reportNotTaken(user, events, { kind: "undelivered", error });
        return DONE;
      }
    }
    if (this.#waiting.size > 0 || this.#outboxState !== "open" || this.#isFull(bytes)) {
      return this.#addLater(context, items, bytes);
    }
    const taken = this.#addToBatch(context, items);
    if (taken !== DONE) return taken;
    this.#bytesThisTurn += bytes;
    // Adding in a tight loop must let the event loop send, and serve others.
    return this.#bytesThisTurn < YIELD_AFTER_BYTES ? DONE : this.#nextTurn();
  }

  /**
   * Sends everything that was added before, without waiting for more.
   *
   * @param options.timeoutMs - how long to wait, such as the time a serverless function has left. `@default` no limit
   * @returns `true` when all of it is settled, `false` when time was up first; the rest stays in the queue.
   * @throws RangeError - when `timeoutMs` is below 0 or not a number.
   */
  async flush({ timeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
    if (timeoutMs !== undefined) atLeastZero("timeoutMs", timeoutMs);
    const settled = this.#settlePending();
    if (timeoutMs === undefined) return settled.then(() => true);
    let stopTimer: (() => void) | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      stopTimer = this.#internals.effects.startTimer(() => {
        resolve(false);
      }, timeoutMs);
    });
    const inTime = await Promise.race([settled.then(() => true), timeout]);
    stopTimer?.();
    return inTime;
  }

  /**
   * Takes nothing more in, sends what is held, and hands back what could not be sent in time.
   *
   * @param options.timeoutMs - how long to try, in milliseconds. `@default 30_000`
   * @throws RangeError - when `timeoutMs` is below 0 or not a number.
   */
  async close({ timeoutMs = 30_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(atLeastZero("timeoutMs", timeoutMs));
    return this.#closing;
  }

  /** Closes the queue with its default timeout: `await using queue = new EventQueue(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What has become of everything added so far. */
  stats(): QueueStats {
    return {
      events: this.#events.ledger,
      batches: this.#batches.ledger,
      bufferedBytes: this.#bufferedBytes,
      waitingAdds: this.#waiting.size,
    };
  }

  /** @throws InvalidBatchError - when it would be refused, altered or lost as it is. */
  #read(user: UserContext, events: readonly Event[]): [context: Context, items: readonly EventText[]] {
    requireObject(user, "a user");
    requireEnvironment(user);
    requireNoBatch(user);
    const { check, path, maxBatchBytes } = this.#internals.preparation;
    const context = this.#lanes.contextOf(user);
    const stamped = events.map((event) => stampEvent(event));
    if (check !== undefined) refuseFor(check.errorsOf({ ...user, events: stamped }, path), []);
    const emptyBytes = context.bytes + FRAME_BYTES;
    if (emptyBytes >= maxBatchBytes) {
      const message = `it is ${String(emptyBytes)} bytes without any event; expected less than ${String(maxBatchBytes)}.`;
      throw new InvalidBatchError([{ severity: "error", code: "batch-too-large", path: "", message }]);
    }
    return [context, stamped.map((event, index) => this.#serializeEvent(event, index, emptyBytes))];
  }

  #serializeEvent(event: Event, index: number, emptyBytes: number): EventText {
    const { maxBatchBytes } = this.#internals.preparation;
    const path = `/events/${String(index)}`;
    let text: string;
    try {
      text = serializeEvent(event);
    } catch (error) {
      if (!(error instanceof InvalidBatchError)) throw error;
      const findings = error.findings.map((finding) => ({ ...finding, path: `${path}${finding.path}` }));
      throw new InvalidBatchError(findings, { cause: error.cause });
    }
    const bytes = utf8Length(text);
    if (emptyBytes + bytes < maxBatchBytes) return { text, bytes };
    const message = `with its user it makes a batch of ${String(emptyBytes + bytes)} bytes; expected less than ${String(maxBatchBytes)}.`;
    throw new InvalidBatchError([{ severity: "error", code: "event-too-large", path, message }]);
  }

  /** Puts events into the open batch of their user. */
  #addToBatch(context: Context, items: readonly EventText[]): Promise<void> {
    const lane = this.#lanes.laneOf(context);
    const wasIdle = this.#batches.pending === 0;
    // What has to be stored.
    const taken = this.#outbox === undefined ? undefined : new Map<QueuedBatch, EventText[]>();
    if (lane.open !== undefined && lane.open.context.text !== context.text) this.#seal(lane.open);
    let batch = lane.open;
    batch ??= this.#open(context, lane);
    // Without any event as well: its user is stored with its first write.
    if (!batch.contextStored) taken?.set(batch, []);
    for (const item of items) {
      if (batch.events.length > 0 && !this.#hasRoom(batch, item)) {
        this.#seal(batch);
        batch = this.#open(context, lane);
      }
      this.#put(batch, item);
      const itsItems = taken?.get(batch);
      if (itsItems === undefined) taken?.set(batch, [item]);
      else itsItems.push(item);
    }
    const stored = this.#outbox === undefined || taken === undefined ? DONE : this.#store(this.#outbox, taken);
    if (batch.events.length >= this.#options.maxEventsPerBatch) this.#seal(batch);
    this.#armTimer();
    if (wasIdle) this.#callWaitUntil();
    return stored;
  }

  /** Asks a serverless platform to wait until there is nothing left to wait for. */
  #callWaitUntil(): void {
    const { waitUntil } = this.#options;
    if (waitUntil === undefined) return;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
    try {
      waitUntil(idle);
    } catch (error) {
      this.#internals.telemetry.reportError("`waitUntil` threw; the platform may not wait for what was added.", error);
    }
  }

  #hasRoom(batch: QueuedBatch, item: EventText): boolean {
    const { maxBatchBytes } = this.#internals.preparation;
    return batch.events.length < this.#options.maxEventsPerBatch && batch.bytes + item.bytes + 1 < maxBatchBytes;
  }

  #put(batch: QueuedBatch, item: EventText): void {
    batch.events.push(item.text);
    batch.bytes += item.bytes + 1;
    this.#bufferedBytes += item.bytes + 1;
    this.#events.enter(1);
  }

  #open(context: Context, lane: Lane): QueuedBatch {
    const batch = this.#makeBatch(SYSTEM_STAMPS.newId(), context, lane);
    lane.open = batch;
    this.#openBatches.add(batch);
    return batch;
  }

  #makeBatch(requestId: string, context: Context, lane: Lane): QueuedBatch {
    const batch: QueuedBatch = {
      requestId,
      context,
      lane,
      index: this.#batchCount++,
      generation: this.#barrier.enter(),
      events: [],
      bytes: context.bytes + FRAME_BYTES,
      openedAtMs: this.#internals.effects.now(),
      state: "open",
      stored: undefined,
      contextStored: false,
      onSettled: undefined,
    };
    this.#unsettled.add(batch);
    this.#batches.enter(1);
    this.#bufferedBytes += batch.bytes;
    return batch;
  }

  /**
   * The batch travels when its turn has come. Until then it still takes events, for the more a request has to wait, the
   * more it should carry; not with an outbox, where each of them would make it wait for the disk again.
   */
  #makeDue(batch: QueuedBatch): void {
    if (batch.state !== "open") return;
    batch.state = "due";
    this.#openBatches.delete(batch);
    const { lane } = batch;
    if (this.#outbox !== undefined) lane.open = undefined;
    lane.due.push(batch);
    this.#markReady(lane);
  }

  #makeAllDue(): void {
    for (const batch of this.#openBatches) this.#makeDue(batch);
    this.#armTimer();
  }

  /** Nothing joins the batch any more. */
  #seal(batch: QueuedBatch): void {
    this.#makeDue(batch);
    batch.lane.open = undefined;
  }

  /** Sends the lane's next batches as soon as the ones before are settled and they are stored. */
  #markReady(lane: Lane): void {
    const next = nextDue(lane);
    if (next === undefined || lane.travelling > 0) return;
    if (next.stored === undefined) {
      this.#ready.add(lane);
      this.#scheduleSend();
    } else {
      void next.stored.then(() => {
        this.#markReady(lane);
      });
    }
  }

  #scheduleSend(): void {
    if (this.#sendScheduled || this.#requests >= this.#options.concurrency || this.#ready.size === 0) return;
    this.#sendScheduled = true;
    runSoon(() => {
      this.#sendScheduled = false;
      const batches = this.#nextRequest();
      if (batches.length === 0) return;
      this.#send(batches);
      // One request a turn: several in one would hold up everything else for as long as they take to put together.
      this.#scheduleSend();
    });
  }

  /** The next request's worth of batches, the longest waiting user first. */
  #nextRequest(): readonly QueuedBatch[] {
    const batches: QueuedBatch[] = [];
    let bytes = 2;
    for (const lane of this.#ready) {
      for (let next = nextDue(lane); next !== undefined && next.stored === undefined; next = nextDue(lane)) {
        if (
          batches.length === LIMITS.bulkMaxBatches ||
          (batches.length > 0 && bytes + next.bytes + 1 >= LIMITS.requestMaxBytes)
        ) {
          // The rest of a user's batches waits for those that travel now.
          if (lane.travelling > 0) this.#ready.delete(lane);
          return batches;
        }
        takeNextDue(lane);
        if (lane.open === next) lane.open = undefined;
        next.state = "travelling";
        lane.travelling++;
        this.#inFlightBytes += next.bytes;
        bytes += next.bytes + 1;
        batches.push(next);
      }
      this.#ready.delete(lane);
    }
    return batches;
  }

  #send(batches: readonly QueuedBatch[]): void {
    const { dispatcher, effects } = this.#internals;
    const handedOverAtMs = effects.now();
    const outgoing = batches.map((batch): OutgoingBatch => {
      const { texts, bytes } = textsOf(batch);
      return {
        texts,
        bytes,
        handedOverAtMs,
        requestId: batch.requestId,
        lane: batch.lane,
        settle: (verdict) => {
          this.#settle(batch, verdict);
        },
      };
    });
    this.#requests++;
    const persistent = this.#outbox !== undefined;
    void dispatcher.dispatch(outgoing, { path: "/bulkevents", signal: this.#abort.signal, persistent }).then(() => {
      this.#requests--;
      this.#scheduleSend();
    });
  }

  #settle(batch: QueuedBatch, verdict: Verdict): void {
    if (batch.state === "settled") return;
    if (verdict.kind === "undelivered" && batch.state === "travelling" && this.#keepsTrying) {
      this.#requeue(batch);
      return;
    }
    this.#events.settle(verdict.kind, batch.events.length);
    this.#batches.settle(verdict.kind, 1);
    this.#outbox?.settle(batch.requestId, verdict, batch.stored);
    // The ledger is true whenever somebody can look: before anybody is called.
    this.#release(batch);
    this.#report(batch, verdict);
  }

  /** What is on disk is not given up while the process lives: it would only come back with the next start. */
  get #keepsTrying(): boolean {
    return this.#outbox !== undefined && !this.#abort.signal.aborted;
  }

  /** The batch waits for another turn, before what its user did later and behind all other users. */
  #requeue(batch: QueuedBatch): void {
    const { lane } = batch;
    lane.travelling--;
    this.#inFlightBytes -= batch.bytes;
    batch.state = "due";
    (lane.returned ??= new Fifo()).push(batch);
    this.#markReady(lane);
  }

  /** The batch is no longer ours: makes way for its user's next one, and for whoever waits. */
  #release(batch: QueuedBatch): void {
    const { lane } = batch;
    if (batch.state === "travelling") {
      lane.travelling--;
      this.#inFlightBytes -= batch.bytes;
    }
    batch.state = "settled";
    if (lane.open === batch) lane.open = undefined;
    this.#openBatches.delete(batch);
    this.#unsettled.delete(batch);
    this.#bufferedBytes -= batch.bytes;
    this.#markReady(lane);
    if (this.#lanes.removeIfIdle(lane)) this.#ready.delete(lane);
    this.#barrier.leave(batch.generation);
    this.#admitWaiting();
    if (this.#batches.pending > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #report(batch: QueuedBatch, verdict: Verdict): void {
    if (this.#abort.signal.aborted && verdict.kind === "undelivered") this.#unsent.push(toStored(batch));
    batch.onSettled?.(verdict);
    const { telemetry } = this.#internals;
    // An object with a getter of its own costs as much as all else at the end of a batch.
    if (verdict.kind === "accepted" && !telemetry.hasOutcomeListener(this.#options.onOutcome)) return;
    let parsed: Batch | undefined;
    const outcome: Outcome = {
      ...verdict,
      index: batch.index,
      get batch() {
        // Read from its own text, and only when somebody asks: most never do.
        return (parsed ??= toBatch(toStored(batch)));
      },
    };
    telemetry.outcomeOfQueue(outcome, this.#options.onOutcome);
  }

  /** An outcome for events that never became part of a batch. */
  #reportNotTaken(user: UserContext, events: readonly Event[], verdict: Verdict): void {
    this.#events.refuse(verdict.kind, events.length);
    this.#batches.refuse(verdict.kind, 1);
    const outcome: Outcome = {
      ...verdict,
      index: this.#batchCount++,
      get batch() {
        // Read when somebody asks: that may be what threw.
        return { ...user, events };
      },
    };
    const { telemetry } = this.#internals;
    // Who adds is told of a rejection.
    if (verdict.kind === "rejected") telemetry.outcome(outcome, this.#options.onOutcome);
    else telemetry.outcomeOfQueue(outcome, this.#options.onOutcome);
  }

  #isFull(bytes: number): boolean {
    return this.#exceeds(0, bytes);
  }

  /** Whether there is no room for so many bytes more, when so many wait already. */
  #exceeds(waitingBytes: number, bytes: number): boolean {
    const held = this.#bufferedBytes + waitingBytes;
    // One that is larger than the whole buffer is taken in alone.
    return held > 0 && held + bytes > this.#options.maxBufferedBytes;
  }

  #addLater(context: Context, items: readonly EventText[], bytes: number): Promise<void> {
    let enter: () => void = () => undefined;
    let refuse: (error: MParticleError) => void = () => undefined;
    const taken = new Promise<void>((resolve, reject) => {
      enter = () => {
        resolve(this.#addToBatch(context, items));
      };
      refuse = reject;
    });
    this.#waiting.push({ context, items, bytes, taken, enter, refuse });
    this.#waitingBytes += bytes;
    this.#makeAllDue();
    return handled(taken);
  }

  /** Lets those in that wait, in turn, as far as there is room. */
  #admitWaiting(whether: "room" | "room or not" = "room"): void {
    if (this.#outboxState === "recovering") {
      this.#wakeRecovery();
      return;
    }
    let admitted = false;
    for (
      let next = this.#waiting.peek();
      next !== undefined && (whether === "room or not" || !this.#isFull(next.bytes));
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift();
      this.#waitingBytes -= next.bytes;
      next.enter();
      admitted = true;
    }
    // Others still wait: what came in must go out for them.
    if (admitted && this.#waiting.size > 0) this.#makeAllDue();
  }

  #refuseWaiting(error: MParticleError): void {
    for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift()) {
      waiting.refuse(error);
    }
    this.#waitingBytes = 0;
  }

  /** Makes room, if dropping can: in vain nothing is dropped. */
  #dropOldest(bytes: number): void {
    if (this.#exceeds(this.#waitingBytes - (this.#bufferedBytes - this.#inFlightBytes), bytes)) return;
    for (const batch of this.#unsettled) {
      if (!this.#exceeds(this.#waitingBytes, bytes)) return;
      // One that is on its way may have arrived.
      if (batch.state === "travelling") continue;
      this.#settle(batch, { kind: "undelivered", error: this.#overflowError(bytes, batch.requestId) });
    }
  }

  #overflowError(bytes: number, requestId?: string): MParticleError {
    const held = `${String(this.#bufferedBytes)} of \`maxBufferedBytes\` ${String(this.#options.maxBufferedBytes)}`;
    return new MParticleError("OVERFLOW", `No room for ${String(bytes)} bytes more: ${held} are held.`, {
      requestIds: requestId === undefined ? [] : [requestId],
    });
  }

  #nextTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      runSoon(() => {
        this.#turn = undefined;
        this.#bytesThisTurn = 0;
        resolve();
      });
    });
    return this.#turn;
  }

  /** Wakes for the batch that has been open longest. Does not keep the process alive: its end drains the queue. */
  #armTimer(): void {
    const [oldest] = this.#openBatches;
    if (oldest === undefined || this.#stopTimer !== undefined) return;
    const { effects } = this.#internals;
    const delayMs = Math.max(0, oldest.openedAtMs + this.#options.flushIntervalMs - effects.now());
    this.#stopTimer = effects.startTimer(
      () => {
        this.#stopTimer = undefined;
        const dueMs = effects.now() - this.#options.flushIntervalMs;
        for (const batch of this.#openBatches) {
          if (batch.openedAtMs > dueMs) break;
          this.#makeDue(batch);
        }
        this.#armTimer();
      },
      delayMs,
      "idle",
    );
  }

  /** Resolves when all that was added before is settled, what waits for room included. */
  async #settlePending(): Promise<void> {
    if (this.#outboxState === "recovering") await this.#recovery;
    this.#makeAllDue();
    const last = this.#waiting.peekLast();
    if (last !== undefined) {
      // They are taken in, or refused, in their order.
      await last.taken.catch(ignore);
      this.#makeAllDue();
    }
    await this.#barrier.wait();
  }

  /** The process has nothing else to do. What is on disk is no reason to keep it alive for as long as the service is down. */
  async #drainAtEnd(): Promise<void> {
    const drained = await this.flush(this.#outbox === undefined ? {} : { timeoutMs: MAX_DRAIN_AT_END_MS });
    if (!drained) await this.close({ timeoutMs: 0 });
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    this.#closed = true;
    if (!(await this.flush({ timeoutMs }))) {
      this.#abort.abort(closedError());
      this.#wakeRecovery();
      // Nobody may be left to hear of the refusal: what waits is handed back as all the rest.
      for (const waiting of this.#waiting) this.#settleWaiting(waiting);
      this.#refuseWaiting(closedError());
      for (const batch of this.#unsettled) {
        if (batch.state !== "travelling")
          this.#settle(batch, { kind: "undelivered", error: closedError([batch.requestId]) });
      }
      await this.#barrier.wait();
    }
    this.#stopIdleExit();
    this.#stopTimer?.();
    try {
      await this.#outbox?.close();
    } catch (error) {
      this.#internals.telemetry.reportError("The outbox could not be closed.", error);
    }
    const { accepted, rejected, undelivered } = this.#events.ledger;
    return { accepted, rejected, undelivered, unsent: this.#unsent.map(toBatch) };
  }

  /** The outcome of an `add` that still waits when the queue is closed. */
  #settleWaiting({ context, items }: WaitingAdd): void {
    const events = items.map(({ text }) => text);
    const stored: StoredBatch = { requestId: SYSTEM_STAMPS.newId(), context: context.text, events };
    this.#events.refuse("undelivered", events.length);
    this.#batches.refuse("undelivered", 1);
    this.#unsent.push(stored);
    const error = closedError([stored.requestId]);
    const outcome: Outcome = { kind: "undelivered", error, index: this.#batchCount++, batch: toBatch(stored) };
    this.#internals.telemetry.outcomeOfQueue(outcome, this.#options.onOutcome);
  }

  /** Writes what was added to the outbox; it leaves its batch again when that fails, for then it was not taken in. */
  #store(outbox: OutboxWriter, taken: ReadonlyMap<QueuedBatch, readonly EventText[]>): Promise<void> {
    if (taken.size === 0) return DONE;
    const entries = [...taken].map(([{ requestId, context, contextStored }, items]): OutboxEntry => ({
      requestId,
      context: contextStored ? undefined : context.text,
      events: items.map(({ text }) => text),
    }));
    const stored = outbox.append(entries).then(
      () => {
        for (const batch of taken.keys()) batch.contextStored = true;
      },
      (error: unknown) => {
        for (const [batch, items] of taken) for (const item of items) this.#removeUnstored(batch, item);
        throw error;
      },
    );
    for (const batch of taken.keys()) {
      const settled = stored.then(ignore, ignore).then(() => {
        if (batch.stored === settled) batch.stored = undefined;
        if (batch.state === "settled") return;
        // Nothing of it could be stored: it never was a batch.
        if (batch.contextStored) this.#markReady(batch.lane);
        else if (batch.events.length === 0) this.#discardUnstored(batch);
      });
      batch.stored = settled;
    }
    return handled(stored);
  }

  #removeUnstored(batch: QueuedBatch, item: EventText): void {
    // Given up in the meantime, and reported as that.
    if (batch.state === "settled") return;
    batch.events.splice(batch.events.lastIndexOf(item.text), 1);
    batch.bytes -= item.bytes + 1;
    this.#bufferedBytes -= item.bytes + 1;
    this.#events.takeBack(1);
  }

  #discardUnstored(batch: QueuedBatch): void {
    this.#batches.takeBack(1);
    this.#release(batch);
  }

  #startRecovery(outbox: OutboxWriter): void {
    this.#outboxState = "recovering";
    this.#recovery = this.#recover(outbox).then(
      () => {
        this.#outboxState = "open";
        this.#admitWaiting();
      },
      (error: unknown) => {
        this.#outboxState = outbox.isOpen ? "broken" : "closed";
        if (this.#abort.signal.aborted) return;
        this.#outboxError = asOutboxError(error);
        this.#internals.telemetry.reportError("The outbox could not be opened or read; nothing was added.", error);
        this.#refuseWaiting(this.#outboxError);
      },
    );
  }

  async #recover(outbox: OutboxWriter): Promise<void> {
    for await (const stored of outbox.recover()) {
      const bytes = stored.events.reduce((sum, event) => sum + utf8Length(event) + 1, 0);
      while (this.#isFull(bytes) && !this.#abort.signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wakeRecovery = resolve;
        });
      }
      // It stays where it is, for the next start.
      if (this.#abort.signal.aborted) return;
      this.#restore(stored).contextStored = true;
    }
  }

  async #restoreAll(batches: readonly StoredBatch[]): Promise<readonly StoredBatch[]> {
    const undelivered: StoredBatch[] = [];
    for (const stored of batches) {
      this.#restore(stored).onSettled = ({ kind }) => {
        if (kind === "undelivered") undelivered.push(stored);
      };
    }
    await this.#barrier.wait();
    return undelivered;
  }

  /** Takes in a batch that was pending before, as it was. */
  #restore({ requestId, context: text, events }: StoredBatch): QueuedBatch {
    // Our own text of a context, written by an earlier process.
    const context = this.#lanes.contextOf(parseExact(text) as UserContext, text);
    const batch = this.#makeBatch(requestId, context, this.#lanes.laneOf(context));
    for (const event of events) this.#put(batch, { text: event, bytes: utf8Length(event) });
    this.#makeDue(batch);
    return batch;
  }
}

/** @param stored - our own text of it. */
function toBatch(stored: StoredBatch): Batch {
  return parseExact(textOfBatch(stored)) as Batch;
}

const OUTBOX_METHODS = ["open", "recover", "append", "remove", "setAside", "close"] as const;

/** @throws TypeError - for what JavaScript passes instead. */
function requireOutbox(outbox: unknown): void {
  if (outbox === undefined) return;
  const given: object = typeof outbox === "object" && outbox !== null ? outbox : {};
  const missing = OUTBOX_METHODS.filter((name) => typeof Reflect.get(given, name) !== "function");
  if (missing.length === 0) return;
  throw new TypeError(
    `\`outbox\` is ${show(outbox)} without \`${missing.join("`, `")}\`; expected an Outbox such as sqliteOutbox("events.db").`,
  );
}

/** A whole batch fits where a user is expected; its events would be lost. */
function requireNoBatch(user: UserContext): void {
  const { events }: Readonly<Partial<Record<keyof Batch, unknown>>> = user;
  if (events === undefined || events === null) return;
  const message = `it is ${show(events)}; expected none in a user.`;
  const hint = "Pass events after the user. A whole batch goes to `upload` or `uploadBulk`, which keep its id.";
  throw new InvalidBatchError([{ severity: "error", code: "batch-for-user", path: "/events", message, hint }]);
}

function closedError(requestIds?: readonly string[]): MParticleError {
  return new MParticleError("CLOSED", "The queue was closed before this was sent; sending it again is safe.", {
    requestIds,
  });
}

function ignore(): undefined {
  return undefined;
}

/** Whoever awaits it is told; whoever does not must not end the process for it. */
function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(ignore);
  return promise;
}
