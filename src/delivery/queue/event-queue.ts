import { onIdleExit } from "#platform";
import type { Event } from "../../../generated/schema.ts";
import { InvalidBatchError, type MParticleError } from "../../errors.ts";
import { SYSTEM_STAMPS } from "../../model/stamp.ts";
import type { UserContext } from "../../model/types.ts";
import { atLeastZero } from "../../transport/option-checks.ts";
import { internalsOf, type ClientInternals, type EventsClient } from "../client.ts";
import type { StoredBatch } from "../outbox.ts";
import type { Verdict } from "../outcome.ts";
import { Admission, type Addition, type WaitingAdd } from "./admission.ts";
import { readAdd } from "./event-texts.ts";
import { FlushTimer } from "./flush-timer.ts";
import { contextOf } from "./user-context.ts";
import { lastWordOf } from "./held-release.ts";
import type { LastWord } from "./last-word.ts";
import { OutboxLink, restoreBatch } from "./outbox-link.ts";
import { OutcomeReports } from "./outcome-reports.ts";
import { PendingBatches, type BatchParts } from "./pending-batches.ts";
import { closedError, overflowError } from "./queue-errors.ts";
import { shareInternals } from "./queue-internals.ts";
import type { CloseReport, QueueStats } from "./queue-stats.ts";
import { resolveQueueOptions, type EventQueueOptions, type Settings } from "./queue-options.ts";
import { toBatch, toStored, type QueuedBatch } from "./queued-batch.ts";
import { Sender } from "./sender.ts";
import { withPending } from "./tally.ts";
import { endsInTime } from "./time-limit.ts";
import { Turns } from "./turns.ts";

const MAX_DRAIN_AT_END_MS = 10_000; // as long as `drainOnExit` takes by default

const DONE = /* @__PURE__ */ Promise.resolve();

/**
 * Gathers events per user into batches, and batches of many users into bulk requests; sends them in the background.
 *
 * Each user's events keep their order to the wire. Nothing leaves silently: what is not accepted is an outcome.
 */
export class EventQueue {
  readonly #internals: ClientInternals;
  readonly #settings: Settings;
  readonly #pending: PendingBatches;
  readonly #admission: Admission;
  readonly #sender: Sender;
  readonly #outbox: OutboxLink | undefined;
  readonly #reports: OutcomeReports;
  readonly #lastWord: LastWord | undefined;
  readonly #turns = new Turns();
  readonly #abort = new AbortController();
  readonly #stopIdleExit: () => void;
  readonly #flushTimer: FlushTimer;
  #closing: Promise<CloseReport> | undefined;
  #isClosed = false;
  /** What a close out of time hands back. */
  readonly #unsent: StoredBatch[] = [];
  /** Batches of an earlier process that somebody waits for. */
  readonly #restored = new Map<QueuedBatch, (verdict: Verdict) => void>();

  /**
   * @param client - sends the batches; several queues may share one.
   * @param options - see {@link EventQueueOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: EventQueueOptions = {}) {
    const internals = internalsOf(client);
    const settings = resolveQueueOptions(options);
    const { dispatcher, effects, telemetry, preparation } = internals;
    const { signal } = this.#abort;
    const { outbox } = settings;
    this.#internals = internals;
    this.#settings = settings;
    this.#reports = new OutcomeReports(telemetry, settings.onOutcome);
    this.#pending = new PendingBatches({
      maxEventsPerBatch: settings.maxEventsPerBatch,
      maxBatchBytes: preparation.maxBatchBytes,
      growsWhenDue: outbox === undefined,
      now: effects.now,
      onReady: () => {
        this.#sender.schedule();
      },
    });
    this.#lastWord = lastWordOf({
      settings,
      preparation,
      pending: this.#pending,
      reports: this.#reports,
      outbox: () => this.#outbox,
      refuse: (user, events, verdict) => {
        this.#refuse(user, events, verdict);
      },
      onRelease: () => {
        this.#flushTimer.start();
      },
    });
    this.#flushTimer = new FlushTimer(this.#pending, effects, settings.flushIntervalMs);
    this.#sender = new Sender(this.#pending, {
      dispatcher,
      now: effects.now,
      concurrency: settings.concurrency,
      persistent: outbox !== undefined,
      signal,
      settle: (batch, verdict) => {
        this.#sent(batch, verdict);
      },
    });
    this.#admission = new Admission({
      maxBufferedBytes: settings.maxBufferedBytes,
      overflow: settings.overflow,
      held: this.#pending,
      isOpen: () => this.#outbox?.isOpen ?? true,
    });
    this.#stopIdleExit = onIdleExit(() => {
      if (this.#pending.batches.pending > 0 || this.#admission.waitingAdds > 0) void this.#drainAtEnd();
    });
    shareInternals(this, {
      apiKey: internals.apiKey,
      telemetry,
      outbox,
      sealAll: () => {
        this.#admitWaiting("room or not");
        this.#pending.closeAll();
      },
      pending: () => [...this.#pending.list().map(toStored), ...this.#unsent, ...(this.#lastWord?.stored() ?? [])],
      restore: (batches) => this.#restoreAll(batches),
    });
    this.#outbox =
      outbox &&
      new OutboxLink({
        outbox,
        apiKey: internals.apiKey,
        pending: this.#pending,
        telemetry,
        turns: this.#turns,
        restoreHeld: (stored) => this.#lastWord?.restore(stored) ?? false,
        signal,
        isFull: (bytes) => this.#admission.isFull(bytes),
        onOpen: () => {
          this.#admitWaiting();
        },
        onFailure: (error) => {
          this.#refuseWaiting(error);
        },
      });
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
    if (this.#isClosed) return rejected(closedError());
    let addition: Addition;
    try {
      const said = this.#lastWord?.on(user, events);
      if (said?.kind === "done") return handled(said.taken);
      addition = readAdd(said?.user ?? user, said?.events ?? events, {
        preparation: this.#internals.preparation,
        contextOf: (one) => contextOf(this.#pending.lanes, one),
      });
    } catch (error) {
      if (error instanceof InvalidBatchError) this.#refuse(user, events, { kind: "rejected", error });
      return rejected(error instanceof Error ? error : new Error(String(error)));
    }
    this.#outbox?.open();
    if (this.#outbox?.failure !== undefined) return rejected(this.#outbox.failure);
    if (this.#settings.overflow === "drop-oldest") this.#dropOldest(addition.bytes);
    switch (this.#admission.decide(addition)) {
      case "in":
        return this.#takeIn(addition);
      case "wait": {
        const taken = this.#admission.wait(addition);
        this.#makeAllDue();
        return handled(taken);
      }
      case "reject":
        return rejected(this.#overflowError(addition.bytes));
      case "drop":
        this.#refuse(user, events, { kind: "undelivered", error: this.#overflowError(addition.bytes) });
        return DONE;
    }
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
    return endsInTime(this.#settlePending(), timeoutMs, this.#internals.effects);
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
    const { events = 0, batches = 0 } = this.#lastWord?.held.counts ?? {};
    return {
      events: withPending(this.#pending.events.ledger, events),
      batches: withPending(this.#pending.batches.ledger, batches),
      bufferedBytes: this.#pending.bufferedBytes + (this.#lastWord?.held.bytes ?? 0),
      waitingAdds: this.#admission.waitingAdds,
    };
  }

  /** Puts events into batches. Resolves when more may come: once they are stored, if there is an outbox. */
  #takeIn({ context, items, bytes }: Addition): Promise<void> {
    const wasIdle = this.#pending.batches.pending === 0;
    const parts: BatchParts | undefined = this.#outbox && new Map();
    this.#pending.put(context, items, parts);
    const stored = parts && this.#outbox && handled(this.#outbox.store(parts));
    this.#flushTimer.start();
    if (wasIdle) this.#callWaitUntil();
    // Adding in a tight loop must let the event loop send, and serve others.
    return stored ?? this.#turns.spend(bytes) ?? DONE;
  }

  /** Asks a serverless platform to wait until there is nothing left to wait for. */
  #callWaitUntil(): void {
    const { waitUntil } = this.#settings;
    if (waitUntil === undefined) return;
    const untilIdle = async (): Promise<void> => {
      while (this.#pending.batches.pending > 0) await this.#pending.allSettled();
    };
    try {
      waitUntil(untilIdle());
    } catch (error) {
      this.#internals.telemetry.reportError("`waitUntil` threw; the platform may not wait for what was added.", error);
    }
  }

  /** The service, or the end of its time, has decided about a batch that was sent. */
  #sent(batch: QueuedBatch, verdict: Verdict): void {
    // What is on disk is not given up while the process lives: it would only come back with the next start.
    const isKept = this.#outbox !== undefined && !this.#abort.signal.aborted;
    // By a client that is closed it would be refused again at once, for ever.
    const mayReturn = verdict.kind === "undelivered" && verdict.error.code !== "CLOSED";
    if (isKept && mayReturn && batch.state === "in flight") this.#pending.retry(batch);
    else this.#settled(batch, verdict);
  }

  /** The end of a batch: the ledger is true, and others are let in, before anybody is told. */
  #settled(batch: QueuedBatch, verdict: Verdict): void {
    if (batch.state === "settled") return;
    this.#pending.settle(batch, verdict.kind);
    this.#outbox?.settled(batch, verdict);
    this.#admitWaiting();
    if (this.#abort.signal.aborted && verdict.kind === "undelivered") this.#unsent.push(toStored(batch));
    this.#restored.get(batch)?.(verdict);
    this.#restored.delete(batch);
    this.#reports.settled(batch, verdict);
  }

  /** The end of events that never became part of a batch. */
  #refuse(user: UserContext, events: readonly Event[], verdict: Verdict): void {
    this.#pending.events.refuse(verdict.kind, events.length);
    this.#pending.batches.refuse(verdict.kind, 1);
    this.#reports.refused(user, events, this.#pending.takeIndex(), verdict);
  }

  /** Lets those in that wait, in turn, as far as there is room. */
  #admitWaiting(whether: "room" | "room or not" = "room"): void {
    this.#outbox?.wake();
    if (whether === "room" && this.#outbox?.isOpen === false) return;
    let admitted = false;
    for (let next = this.#admission.next(whether); next !== undefined; next = this.#admission.next(whether)) {
      next.resolve(this.#takeIn(next));
      admitted = true;
    }
    // Others still wait: what came in must go out for them.
    if (admitted && this.#admission.waitingAdds > 0) this.#makeAllDue();
  }

  #refuseWaiting(error: MParticleError, onEach?: (waiting: WaitingAdd) => void): void {
    for (const waiting of this.#admission.takeAll()) {
      onEach?.(waiting);
      waiting.reject(error);
    }
  }

  /** Makes room, if dropping can: in vain nothing is dropped. */
  #dropOldest(bytes: number): void {
    if (!this.#admission.couldMakeRoom(bytes)) return;
    while (!this.#admission.hasRoom(bytes)) {
      const oldest = this.#pending.oldestToSend;
      if (oldest === undefined) return;
      this.#settled(oldest, { kind: "undelivered", error: this.#overflowError(bytes, oldest.requestId) });
    }
  }

  #overflowError(bytes: number, requestId?: string): MParticleError {
    return overflowError(bytes, this.#pending.bufferedBytes, this.#settings.maxBufferedBytes, requestId);
  }

  #makeAllDue(): void {
    this.#pending.makeDue();
    this.#flushTimer.start();
  }

  /** Resolves when all that was added before is settled, what waits for room included. */
  async #settlePending(): Promise<void> {
    if (this.#outbox?.isOpen === false) await this.#outbox.recovery;
    this.#makeAllDue();
    const waiting = this.#admission.lastWaiting;
    if (waiting !== undefined) {
      await waiting.catch(ignore);
      this.#makeAllDue();
    }
    await this.#pending.allSettled();
  }

  /** The process has nothing else to do. What is on disk is no reason to keep it alive for as long as the service is down. */
  async #drainAtEnd(): Promise<void> {
    const drained = await this.flush(this.#outbox === undefined ? {} : { timeoutMs: MAX_DRAIN_AT_END_MS });
    if (!drained) await this.close({ timeoutMs: 0 });
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    this.#isClosed = true;
    if (!(await this.flush({ timeoutMs }))) {
      this.#abort.abort(closedError());
      this.#outbox?.wake();
      // Nobody may be left to hear of the refusal: what waits is handed back as all the rest.
      this.#refuseWaiting(closedError(), (waiting) => {
        this.#settleWaiting(waiting);
      });
      for (let batch = this.#pending.oldestToSend; batch !== undefined; batch = this.#pending.oldestToSend) {
        this.#settled(batch, { kind: "undelivered", error: closedError([batch.requestId]) });
      }
      await this.#pending.allSettled();
    }
    this.#stopIdleExit();
    this.#flushTimer.stop();
    try {
      await this.#outbox?.close();
    } catch (error) {
      this.#internals.telemetry.reportError("The outbox could not be closed.", error);
    }
    const held = this.#lastWord?.handBack() ?? [];
    const { accepted, rejected, undelivered } = this.#pending.events.ledger;
    return { accepted, rejected, undelivered, unsent: [...this.#unsent, ...held].map(toBatch) };
  }

  /** The outcome of an `add` that still waits when the queue is closed. */
  #settleWaiting({ context, items }: WaitingAdd): void {
    const stored: StoredBatch = {
      requestId: SYSTEM_STAMPS.newId(),
      context: context.text,
      events: items.map(({ text }) => text),
    };
    this.#pending.events.refuse("undelivered", items.length);
    this.#pending.batches.refuse("undelivered", 1);
    this.#unsent.push(stored);
    const error = closedError([stored.requestId]);
    this.#reports.unsent(stored, this.#pending.takeIndex(), { kind: "undelivered", error });
  }

  async #restoreAll(batches: readonly StoredBatch[]): Promise<readonly StoredBatch[]> {
    const undelivered: StoredBatch[] = [];
    for (const stored of batches) {
      this.#restored.set(restoreBatch(this.#pending, stored, false), ({ kind }) => {
        if (kind === "undelivered") undelivered.push(stored);
      });
    }
    await this.#pending.allSettled();
    return undelivered;
  }
}

function ignore(): undefined {
  return undefined;
}

function rejected(error: Error): Promise<never> {
  return handled(Promise.reject(error));
}

/** Whoever awaits it is told; whoever does not must not end the process for it. */
function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(ignore);
  return promise;
}
