import { onIdleExit, runSoon, utf8Length } from "#platform";
import { LIMITS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { stampEvent, SYSTEM_STAMPS } from "../model/stamp.ts";
import type { UserContext } from "../model/types.ts";
import { parseExact, serializeEvent } from "../transport/json.ts";
import { positive, wholeNumber } from "../transport/option-checks.ts";
import { Barrier } from "./barrier.ts";
import { internalsOf, type ClientInternals, type EventsClient } from "./client.ts";
import type { Parcel } from "./dispatcher.ts";
import { Fifo } from "./fifo.ts";
import {
  FRAME_BYTES,
  Lanes,
  makeContext,
  nextDue,
  toStored,
  type Context,
  type Item,
  type Lane,
  type QueuedBatch,
} from "./lane.ts";
import { OutboxWriter } from "./outbox-writer.ts";
import { textOfBatch, textsOfBatch, type Outbox, type OutboxEntry, type StoredBatch } from "./outbox.ts";
import type { Outcome, Verdict } from "./outcome.ts";
import { requireEnvironment } from "./prepare.ts";
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

/** Counts of one kind; `added` is the sum of the others, always. */
export interface Ledger {
  readonly added: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly undelivered: number;
  readonly pending: number;
}

/** What has become of all that was added, in events and in batches, and what is held right now. */
export interface QueueStats {
  readonly events: Ledger;
  readonly batches: Ledger;
  /** Bytes of JSON held in memory. */
  readonly bufferedBytes: number;
  /** Calls of `add` that wait for room. */
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

interface WaitingAdd {
  readonly bytes: number;
  proceed(refusal?: MParticleError): void;
}

type Settled = "flushIntervalMs" | "maxEventsPerBatch" | "maxBufferedBytes" | "concurrency" | "overflow";

/** The options with their defaults. */
type Settings = EventQueueOptions & { readonly [Option in Settled]: NonNullable<EventQueueOptions[Option]> };

/** Counts of one kind, `added` being their sum. */
type Counts = Record<Exclude<keyof Ledger, "added">, number>;

/** Taken in at most before others get their turn: two or three milliseconds' worth. */
const BYTES_PER_TURN = 64 * 1024;

const DONE = Promise.resolve();

/** What {@link drainOnExit} needs and nobody else. */
export interface QueueInternals {
  readonly telemetry: Telemetry;
  readonly outbox: Outbox | undefined;
  /** All that is neither accepted nor refused nor given up, oldest first. */
  readonly pending: () => readonly StoredBatch[];
  /** Takes in what was pending in an earlier process, and resolves when it is settled. */
  readonly restore: (batches: readonly StoredBatch[]) => Promise<void>;
}

/** Not a member of the queue: it is no business of its users. */
export let internalsOfQueue: (queue: EventQueue) => QueueInternals;

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
  readonly #events: Counts = { accepted: 0, rejected: 0, undelivered: 0, pending: 0 };
  readonly #batches: Counts = { accepted: 0, rejected: 0, undelivered: 0, pending: 0 };
  readonly #abort = new AbortController();
  readonly #stopIdleExit: () => void;
  #bufferedBytes = 0;
  #bytesThisTurn = 0;
  #turn: Promise<void> | undefined;
  #requests = 0;
  #batchCount = 0;
  #sendScheduled = false;
  #stopTimer: (() => void) | undefined;
  #closing: Promise<CloseReport> | undefined;
  #closed = false;
  /** Gathers what a close out of time has to hand back. */
  #closeUnsent: Outcome[] | undefined;
  readonly #outbox: OutboxWriter | undefined;
  #recovery: Promise<void> | undefined;
  #whenIdle: (() => void)[] = [];

  static {
    internalsOfQueue = (queue) => ({
      telemetry: queue.#internals.telemetry,
      outbox: queue.#options.outbox,
      pending: () => Array.from(queue.#unsettled, toStored),
      restore: (batches) => {
        for (const batch of batches) queue.#restore(batch);
        return queue.#barrier.wait();
      },
    });
  }

  /**
   * @param client - sends the batches; several queues may share one.
   * @param options - see {@link EventQueueOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: EventQueueOptions = {}) {
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
    this.#stopIdleExit = onIdleExit(() => {
      if (this.#batches.pending > 0) void this.flush();
    });
    if (options.outbox !== undefined) {
      this.#outbox = new OutboxWriter(options.outbox, this.#internals.telemetry);
      this.#recovery = handled(this.#recover(this.#outbox));
    }
  }

  /**
   * Takes events of one user in.
   *
   * @param user - a batch without its events. Events of equal users share a batch; any difference starts a new one.
   * @param events - the events, oldest first.
   * @returns when they are taken in (with an outbox: stored). Await it: that is what keeps memory bounded.
   * @throws InvalidBatchError - one of them can never be sent; none is taken in. It is also reported as an outcome.
   * @throws MParticleError - `CLOSED`, `OVERFLOW` when told to reject, `OUTBOX` when they could not be stored.
   */
  add(user: UserContext, ...events: readonly Event[]): Promise<void> {
    if (this.#closed) return handled(Promise.reject(closedError()));
    // What an earlier process left goes first, for each user's order.
    if (this.#recovery !== undefined) return handled(this.#recovery.then(() => this.add(user, ...events)));
    let context: Context;
    let items: readonly Item[];
    try {
      requireEnvironment(user);
      context = this.#lanes.contextOf(user);
      items = this.#serialize(user, context, events);
    } catch (error) {
      if (error instanceof InvalidBatchError) this.#reportNotTaken(user, events, { kind: "rejected", error });
      return handled(Promise.reject(error instanceof Error ? error : new Error(String(error))));
    }
    if (items.length === 0) return DONE;
    let bytes = items.length;
    for (const item of items) bytes += item.bytes;
    if (this.#waiting.size > 0 || this.#isFull(bytes)) {
      switch (this.#options.overflow) {
        case "wait":
          return this.#addLater(context, items, bytes);
        case "drop-oldest":
          this.#dropOldest(bytes);
          break;
        case "drop-newest":
          this.#reportNotTaken(user, events, { kind: "undelivered", error: this.#overflowError(bytes) });
          return DONE;
        case "reject":
          return handled(Promise.reject(this.#overflowError(bytes)));
      }
    }
    const taken = this.#take(context, items);
    if (taken !== DONE) return taken;
    this.#bytesThisTurn += bytes;
    // Adding in a tight loop must let the event loop send, and serve others.
    return this.#bytesThisTurn < BYTES_PER_TURN ? DONE : this.#nextTurn();
  }

  /**
   * Sends everything that was added before, without waiting for more.
   *
   * @param options.timeoutMs - how long to wait, such as the time a serverless function has left. `@default` no limit
   * @returns `true` when all of it is settled, `false` when time was up first; the rest stays in the queue.
   */
  async flush({ timeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
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
   */
  close({ timeoutMs = 30_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  /** Closes the queue with its default timeout: `await using queue = new EventQueue(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What has become of everything added so far. */
  stats(): QueueStats {
    return {
      events: toLedger(this.#events),
      batches: toLedger(this.#batches),
      bufferedBytes: this.#bufferedBytes,
      waitingAdds: this.#waiting.size,
    };
  }

  #serialize(user: UserContext, context: Context, events: readonly Event[]): readonly Item[] {
    const { validate, maxBatchBytes } = this.#internals.preparation;
    const stamped = events.map((event) => stampEvent(event));
    const findings = validate?.({ ...user, events: stamped }).filter(({ severity }) => severity === "error") ?? [];
    if (findings.length > 0) throw new InvalidBatchError(findings);
    return stamped.map((event, index) => {
      const text = serializeEvent(event);
      const bytes = utf8Length(text);
      const batchBytes = context.bytes + FRAME_BYTES + bytes;
      if (batchBytes < maxBatchBytes) return { text, bytes };
      const message = `with its user it makes a batch of ${String(batchBytes)} bytes; expected less than ${String(maxBatchBytes)}.`;
      throw new InvalidBatchError([
        { severity: "error", code: "event-too-large", path: `/events/${String(index)}`, message },
      ]);
    });
  }

  /** Puts events into the open batch of their user. */
  #take(context: Context, items: readonly Item[]): Promise<void> {
    const lane = this.#lanes.enter(context);
    const { waitUntil, maxEventsPerBatch } = this.#options;
    // What has to be stored.
    const taken = this.#outbox === undefined ? undefined : new Map<QueuedBatch, Item[]>();
    const wasIdle = this.#batches.pending === 0;
    for (const item of items) {
      const open = lane.open;
      if (open !== undefined && (open.context.text !== context.text || !this.#hasRoom(open, item))) this.#seal(open);
      const batch = lane.open ?? this.#open(context, lane);
      this.#put(batch, item);
      const itsItems = taken?.get(batch);
      if (itsItems === undefined) taken?.set(batch, [item]);
      else itsItems.push(item);
    }
    const stored = this.#outbox === undefined || taken === undefined ? DONE : this.#store(this.#outbox, taken);
    if (lane.open !== undefined && lane.open.items.length >= maxEventsPerBatch) this.#seal(lane.open);
    this.#armTimer();
    if (wasIdle && waitUntil !== undefined) {
      waitUntil(
        new Promise<void>((resolve) => {
          this.#whenIdle.push(resolve);
        }),
      );
    }
    return stored;
  }

  #hasRoom(batch: QueuedBatch, item: Item): boolean {
    const { maxBatchBytes } = this.#internals.preparation;
    return batch.items.length < this.#options.maxEventsPerBatch && batch.bytes + item.bytes + 1 < maxBatchBytes;
  }

  #put(batch: QueuedBatch, item: Item): void {
    batch.items.push(item);
    batch.bytes += item.bytes + 1;
    this.#bufferedBytes += item.bytes + 1;
    this.#events.pending++;
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
      items: [],
      bytes: context.bytes + FRAME_BYTES,
      openedAtMs: this.#internals.effects.now(),
      state: "open",
      stored: undefined,
      contextStored: false,
    };
    this.#unsettled.add(batch);
    this.#batches.pending++;
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
    this.#offer(lane);
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
  #offer(lane: Lane): void {
    const next = nextDue(lane);
    if (next === undefined || lane.travelling > 0) return;
    if (next.stored === undefined) {
      this.#ready.add(lane);
      this.#scheduleSend();
    } else {
      void next.stored.then(() => {
        this.#offer(lane);
      });
    }
  }

  #scheduleSend(): void {
    if (this.#sendScheduled || this.#requests >= this.#options.concurrency || this.#ready.size === 0) return;
    this.#sendScheduled = true;
    runSoon(() => {
      this.#sendScheduled = false;
      const batches = this.#takeRequest();
      if (batches.length === 0) return;
      this.#send(batches);
      // One request a turn: several in one would hold up everything else for as long as they take to put together.
      this.#scheduleSend();
    });
  }

  /** The next request's worth of batches, the longest waiting user first. */
  #takeRequest(): readonly QueuedBatch[] {
    const batches: QueuedBatch[] = [];
    let bytes = 2;
    for (const lane of this.#ready) {
      for (let next = nextDue(lane); next !== undefined && next.stored === undefined; next = nextDue(lane)) {
        if (
          batches.length === LIMITS.bulkMaxBatches ||
          (batches.length > 0 && bytes + next.bytes + 1 >= LIMITS.requestMaxBytes)
        ) {
          return batches;
        }
        lane.due.shift();
        if (lane.open === next) lane.open = undefined;
        next.state = "travelling";
        lane.travelling++;
        bytes += next.bytes + 1;
        batches.push(next);
      }
      this.#ready.delete(lane);
    }
    return batches;
  }

  #send(batches: readonly QueuedBatch[]): void {
    const { dispatcher } = this.#internals;
    const parcels = batches.map((batch): Parcel => {
      const texts = textsOfBatch(toStored(batch));
      // The events know their bytes; there are commas between them, and two characters behind.
      let bytes = utf8Length(texts[0]) + Math.max(0, batch.items.length - 1) + 2;
      for (const item of batch.items) bytes += item.bytes;
      return {
        texts,
        bytes,
        requestId: batch.requestId,
        settle: (verdict) => {
          this.#settle(batch, verdict);
        },
      };
    });
    this.#requests++;
    // What is on disk is never given up: it would only come back with the next start.
    const maxElapsedMs = this.#options.outbox === undefined ? undefined : Infinity;
    void dispatcher.dispatch(parcels, { path: "/bulkevents", signal: this.#abort.signal, maxElapsedMs }).then(() => {
      this.#requests--;
      this.#scheduleSend();
    });
  }

  #settle(batch: QueuedBatch, verdict: Verdict): void {
    if (batch.state === "settled") return;
    this.#events.pending -= batch.items.length;
    this.#count(verdict, batch.items.length);
    this.#outbox?.settle(batch.requestId, verdict);
    // The ledger is true whenever somebody can look: before anybody is called.
    this.#release(batch);
    this.#report(batch, verdict);
  }

  /** The batch is no longer ours: makes way for its user's next one, and for whoever waits. */
  #release(batch: QueuedBatch): void {
    const { lane } = batch;
    if (batch.state === "travelling") lane.travelling--;
    batch.state = "settled";
    if (lane.open === batch) lane.open = undefined;
    this.#openBatches.delete(batch);
    this.#unsettled.delete(batch);
    this.#bufferedBytes -= batch.bytes;
    this.#batches.pending--;
    this.#offer(lane);
    if (this.#lanes.leave(lane)) this.#ready.delete(lane);
    this.#barrier.leave(batch.generation);
    this.#admitWaiting();
    if (this.#batches.pending > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #count({ kind }: Verdict, events: number): void {
    this.#batches[kind]++;
    this.#events[kind] += events;
  }

  #report(batch: QueuedBatch, verdict: Verdict): void {
    const { onOutcome } = this.#options;
    let parsed: Batch | undefined;
    const outcome: Outcome = {
      ...verdict,
      index: batch.index,
      get batch() {
        // Read from its own text, and only when somebody asks: most never do.
        return (parsed ??= parseExact(textOfBatch(toStored(batch))) as Batch);
      },
    };
    if (this.#closeUnsent !== undefined && verdict.kind === "undelivered") this.#closeUnsent.push(outcome);
    this.#internals.telemetry.outcome(outcome, onOutcome);
  }

  /** An outcome for events that never became part of a batch. */
  #reportNotTaken(user: UserContext, events: readonly Event[], verdict: Verdict): void {
    this.#count(verdict, events.length);
    const { onOutcome } = this.#options;
    this.#internals.telemetry.outcome({ ...verdict, index: this.#batchCount++, batch: { ...user, events } }, onOutcome);
  }

  #isFull(bytes: number): boolean {
    // One that is larger than the whole buffer is taken in alone.
    return this.#bufferedBytes > 0 && this.#bufferedBytes + bytes > this.#options.maxBufferedBytes;
  }

  #addLater(context: Context, items: readonly Item[], bytes: number): Promise<void> {
    const room = this.#room(bytes) ?? DONE;
    this.#makeAllDue();
    return handled(room.then(() => this.#take(context, items)));
  }

  #admitWaiting(): void {
    let admitted = false;
    for (
      let next = this.#waiting.peek();
      next !== undefined && !this.#isFull(next.bytes);
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift();
      next.proceed();
      admitted = true;
    }
    // Others still wait: what came in must go out for them.
    if (admitted && this.#waiting.size > 0) this.#makeAllDue();
  }

  #dropOldest(bytes: number): void {
    for (const batch of this.#unsettled) {
      if (!this.#isFull(bytes)) return;
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
    await this.#recovery?.catch(ignore);
    this.#makeAllDue();
    // What waits for room was added before; it becomes due when its turn has come.
    if (this.#waiting.size > 0) await this.#room(0)?.catch(ignore);
    this.#makeAllDue();
    await this.#barrier.wait();
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    this.#closed = true;
    const unsent: Outcome[] = [];
    if (!(await this.flush({ timeoutMs }))) {
      this.#closeUnsent = unsent;
      for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift())
        waiting.proceed(closedError());
      for (const batch of this.#unsettled) {
        if (batch.state !== "travelling")
          this.#settle(batch, { kind: "undelivered", error: closedError([batch.requestId]) });
      }
      this.#abort.abort(closedError());
      await this.#barrier.wait();
    }
    this.#stopIdleExit();
    this.#stopTimer?.();
    await this.#outbox?.close();
    const { accepted, rejected, undelivered } = this.#events;
    return { accepted, rejected, undelivered, unsent: unsent.map(({ batch }) => batch) };
  }

  /** Writes what was added to the outbox; it leaves its batch again when that fails, for then it was not taken in. */
  #store(outbox: OutboxWriter, taken: ReadonlyMap<QueuedBatch, readonly Item[]>): Promise<void> {
    const entries = [...taken].map(([{ requestId, context, contextStored }, items]): OutboxEntry => ({
      requestId,
      ...(!contextStored && { context: context.text }),
      events: items.map(({ text }) => text),
    }));
    const stored = outbox.append(entries).then(
      () => {
        for (const batch of taken.keys()) batch.contextStored = true;
      },
      (error: unknown) => {
        for (const [batch, items] of taken) for (const item of items) this.#takeBack(batch, item);
        throw error;
      },
    );
    for (const batch of taken.keys()) {
      const settled = stored.then(ignore, ignore).then(() => {
        if (batch.stored === settled) batch.stored = undefined;
        // Nothing of it could be stored: it never was a batch.
        if (batch.items.length === 0 && batch.state !== "settled") this.#release(batch);
      });
      batch.stored = settled;
    }
    return handled(stored);
  }

  #takeBack(batch: QueuedBatch, item: Item): void {
    batch.items.splice(batch.items.indexOf(item), 1);
    batch.bytes -= item.bytes + 1;
    this.#bufferedBytes -= item.bytes + 1;
    this.#events.pending--;
  }

  async #recover(outbox: OutboxWriter): Promise<void> {
    try {
      for await (const stored of outbox.recover()) {
        await this.#room(stored.events.reduce((sum, event) => sum + utf8Length(event) + 1, 0));
        this.#restore(stored).contextStored = true;
      }
    } catch (error) {
      this.#internals.telemetry.trouble("The outbox could not be opened; nothing can be added.", error);
      throw error;
    }
    this.#recovery = undefined;
  }

  /** Takes in a batch that was pending before, as it was. */
  #restore({ requestId, context: text, events }: StoredBatch): QueuedBatch {
    // Our own text of a context, written by an earlier process.
    const context = makeContext(text, parseExact(text) as UserContext);
    const batch = this.#makeBatch(requestId, context, this.#lanes.enter(context));
    for (const event of events) this.#put(batch, { text: event, bytes: utf8Length(event) });
    this.#makeDue(batch);
    return batch;
  }

  /** Resolves when there is room, in turn. */
  #room(bytes: number): Promise<void> | undefined {
    if (this.#waiting.size === 0 && !this.#isFull(bytes)) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        bytes,
        proceed: (refusal) => {
          if (refusal === undefined) resolve();
          else reject(refusal);
        },
      });
    });
  }
}

function toLedger(counts: Counts): Ledger {
  return { added: counts.accepted + counts.rejected + counts.undelivered + counts.pending, ...counts };
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
