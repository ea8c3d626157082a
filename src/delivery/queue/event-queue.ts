import { onIdleExit } from "#platform";
import type { Event } from "../../../generated/schema.ts";
import { SYSTEM_STAMPS } from "../../model/stamp.ts";
import type { UserContext } from "../../model/types.ts";
import { EndSignal } from "../../transport/abort.ts";
import { internalsOf, type ClientInternals, type EventsClient } from "../client.ts";
import type { StoredBatch } from "../outbox.ts";
import type { Verdict } from "../outcome.ts";
import { callQuietly } from "../call-quietly.ts";
import { Admission, type WaitingAdd } from "./admission.ts";
import { FlushTimer } from "./flush-timer.ts";
import { Intake } from "./intake.ts";
import { contextOf } from "./user-context.ts";
import { asToBeSent } from "./held-adds.ts";
import { lastWordOf } from "./held-release.ts";
import type { LastWord } from "./last-word.ts";
import { OutboxLink, restoreBatch } from "./outbox-link.ts";
import { OutcomeReports } from "./outcome-reports.ts";
import { PendingBatches } from "./pending-batches.ts";
import { closedError } from "./queue-errors.ts";
import { answerMeasurements } from "./queue-measurement.ts";
import { shareInternals } from "./queue-internals.ts";
import {
  readTimeout,
  resolveQueueOptions,
  type EventQueueOptions,
  type Settings,
  type WaitOptions,
} from "./queue-options.ts";
import { toBatches, toStored, type QueuedBatch } from "./queued-batch.ts";
import type { CloseReport, QueueStats } from "./queue-stats.ts";
import { Sender } from "./sender.ts";
import { SpilledBatches } from "./spilled-batches.ts";
import { withPending } from "./tally.ts";
import { endsInTime } from "../time-limit.ts";
import { nextTurn } from "../turns.ts";

/** As long as `drainOnExit` takes by default. */
const MAX_DRAIN_AT_END_MS = 10_000;

/** So many batches are given up in one turn of the event loop. */
const SETTLED_PER_TURN = 500;

/** An outbox has this long to close, even when all the time of a `close` was needed for other things. */
const MIN_CLOSE_MS = 1_000;

/**
 * Gathers events per user into batches, and batches of many users into bulk requests; sends them in the background.
 *
 * Each user's events keep their order to the wire. Nothing leaves silently: what is not accepted is an outcome.
 */
export class EventQueue {
  readonly #internals: ClientInternals;
  readonly #waitUntil: Settings["waitUntil"];
  readonly #pending: PendingBatches;
  readonly #admission: Admission;
  readonly #sender: Sender;
  readonly #outbox: OutboxLink | undefined;
  readonly #reports: OutcomeReports;
  readonly #lastWord: LastWord | undefined;
  readonly #intake: Intake;
  readonly #abort = new EndSignal();
  readonly #stopIdleExit: () => void;
  readonly #stopMeasurements: () => void;
  readonly #flushTimer: FlushTimer;
  #closing: Promise<CloseReport> | undefined;
  /** What a close out of time hands back. */
  readonly #unsent: StoredBatch[] = [];
  readonly #spilled: SpilledBatches;

  /**
   * @param client - sends the batches; several queues may share one.
   * @param options - see {@link EventQueueOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: EventQueueOptions = {}) {
    const internals = internalsOf(client);
    const settings = resolveQueueOptions(options);
    const { dispatcher, effects, telemetry, preparation, turns } = internals;
    const signal = this.#abort;
    const { outbox } = settings;
    this.#internals = internals;
    this.#waitUntil = settings.waitUntil;
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
      telemetry,
      outbox: () => this.#outbox,
      refuse: (user, events, verdict) => {
        this.#intake.refuse(user, events, verdict);
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
      isOpen: () => !this.#isTakingIn,
    });
    this.#stopIdleExit = onIdleExit(() => {
      if (this.#pending.batches.pending > 0 || this.#admission.waitingAdds > 0) void this.#drainAtEnd();
    });
    this.#stopMeasurements = answerMeasurements(() => {
      const { events, bufferedBytes, waitingAdds } = this.stats();
      return { pendingEvents: events.pending, bufferedBytes, waitingAdds, hasOutbox: outbox !== undefined };
    });
    shareInternals(this, {
      apiKey: internals.apiKey,
      telemetry,
      outbox,
      sealAll: () => {
        this.#intake.admitWaiting("room or not");
        this.#pending.closeAll();
      },
      pending: () => [...this.#pending.list().map(toStored), ...this.#unsent, ...(this.#lastWord?.stored() ?? [])],
      restore: (parts) => this.#spilled.restore(parts),
    });
    const isFull = (bytes: number): boolean => this.#admission.isFull(bytes);
    const restoreHeld = (stored: StoredBatch): boolean => this.#lastWord?.restore(stored) ?? false;
    this.#spilled = new SpilledBatches({
      turns,
      signal,
      isFull,
      restoreHeld,
      restore: (stored) => restoreBatch(this.#pending, asToBeSent(stored), false),
      onRead: () => {
        this.#intake.admitWaiting();
      },
    });
    const link =
      outbox &&
      new OutboxLink({
        outbox,
        apiKey: internals.apiKey,
        pending: this.#pending,
        telemetry,
        effects,
        turns,
        restoreHeld,
        signal,
        isFull,
        onOpen: () => {
          this.#intake.admitWaiting();
        },
        onFailure: (error) => {
          this.#intake.refuseWaiting(error);
        },
      });
    this.#outbox = link;
    this.#intake = new Intake({
      settings,
      lastWord: this.#lastWord,
      reading: { preparation, contextOf: (user) => contextOf(this.#pending.lanes, user) },
      pending: this.#pending,
      admission: this.#admission,
      outbox: link,
      isTakingIn: () => this.#isTakingIn,
      whenTakenIn: () => this.#takeIn(),
      onRoom: () => {
        link?.wake();
        this.#spilled.wake();
      },
      reports: this.#reports,
      telemetry,
      flushTimer: this.#flushTimer,
      turns,
      settle: (batch, verdict) => {
        this.#settled(batch, verdict);
      },
      onBusy: () => {
        this.#callWaitUntil();
      },
    });
  }

  /**
   * Takes events of one user in.
   *
   * @param user - a batch without its events. Events of equal users share a batch; any difference starts a new one.
   * @param events - the events, oldest first, one by one or as one list (JavaScript takes no more than some 100,000
   * arguments); none sends what `user` says, such as attributes, to the user's profile.
   * Of a long list the first 500 or so are read at once, the others in later turns of the event loop: leave them as they
   * are until this resolves.
   * @returns when they are taken in (with an outbox: stored). Await it: that is what keeps memory bounded.
   * @throws InvalidBatchError - one of them can never be sent; none is taken in. It is also reported as an outcome.
   * @throws MParticleError - `CLOSED`, `OVERFLOW` when told to reject, `OUTBOX` when they could not be stored.
   */
  add(user: UserContext, ...events: readonly Event[]): Promise<void>;
  add(user: UserContext, events: readonly Event[]): Promise<void>;
  add(user: UserContext, ...given: readonly Event[] | readonly [readonly Event[]]): Promise<void> {
    return this.#intake.add(user, isList(given) ? given[0] : given);
  }

  /**
   * Sends everything that was added before, without waiting for more. What a step of `beforeSend` holds back stays held.
   *
   * @param options.timeoutMs - how long to wait, such as the time a serverless function has left. `@default` no limit
   * @returns `true` when all of it is settled, `false` when time was up first; the rest stays in the queue.
   * @throws RangeError, TypeError - when `timeoutMs` is below 0 or not a number, and for an option that is none.
   */
  async flush(options: WaitOptions = {}): Promise<boolean> {
    const timeoutMs = readTimeout(options);
    return endsInTime(this.#settlePending(), timeoutMs, this.#internals.effects);
  }

  /**
   * Takes nothing more in, sends what is held, and hands back what could not be sent in time.
   *
   * @param options.timeoutMs - how long to try, in milliseconds. `@default 30_000`
   * @throws RangeError, TypeError - when `timeoutMs` is below 0 or not a number, and for an option that is none.
   */
  async close(options: WaitOptions = {}): Promise<CloseReport> {
    const timeoutMs = readTimeout(options) ?? 30_000;
    return (this.#closing ??= this.#close(timeoutMs));
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

  /** Asks a serverless platform to wait until there is nothing left to wait for. */
  #callWaitUntil(): void {
    if (this.#waitUntil === undefined) return;
    // Whatever its type says, it may give a promise that rejects.
    const waitUntil: (promise: Promise<unknown>) => unknown = this.#waitUntil;
    const untilIdle = async (): Promise<void> => {
      while (this.#pending.batches.pending > 0) await this.#pending.allSettled();
    };
    callQuietly(
      () => waitUntil(untilIdle()),
      (error) => {
        const message = "`waitUntil` threw; the platform may not wait for what was added.";
        this.#internals.telemetry.reportError(message, error);
      },
    );
  }

  /** The service, or the end of its time, has decided about a batch that was sent. */
  #sent(batch: QueuedBatch, verdict: Verdict): void {
    // What is on disk is not given up while the process lives: it would only come back with the next start.
    const isKept = this.#outbox !== undefined && !this.#abort.aborted;
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
    this.#intake.admitWaiting();
    if (this.#abort.aborted && verdict.kind === "undelivered") this.#unsent.push(toStored(batch));
    this.#spilled.settled(batch, verdict);
    this.#reports.settled(batch, verdict);
  }

  /** Whether what an earlier process left is being taken in: it goes before what is added. */
  get #isTakingIn(): boolean {
    return this.#outbox?.isOpen === false || this.#spilled.isReading;
  }

  /** Resolves when what an earlier process left is taken in, or cannot be. */
  async #takeIn(): Promise<void> {
    if (this.#outbox?.isOpen === false) await this.#outbox.recovery;
    if (this.#spilled.isReading) await this.#spilled.whenRead;
  }

  /** Resolves when all that was added before is settled, what waits for room included. */
  async #settlePending(): Promise<void> {
    await this.#takeIn();
    this.#intake.makeAllDue();
    const waiting = this.#admission.lastWaiting;
    if (waiting !== undefined) {
      await waiting.catch(() => undefined);
      this.#intake.makeAllDue();
    }
    await this.#pending.allSettled();
    await this.#reports.told;
  }

  /** The process has nothing else to do. What is on disk is no reason to keep it alive for as long as the service is down. */
  async #drainAtEnd(): Promise<void> {
    const drained = await this.flush(this.#outbox === undefined ? {} : { timeoutMs: MAX_DRAIN_AT_END_MS });
    if (!drained) await this.close({ timeoutMs: 0 });
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    const { now } = this.#internals.effects;
    const endsAtMs = now() + timeoutMs;
    this.#intake.close();
    if (!(await this.flush({ timeoutMs }))) {
      this.#intake.hurry();
      await this.#intake.whenRead;
      this.#abort.abort(closedError());
      this.#outbox?.wake();
      this.#spilled.wake();
      // Nobody may be left to hear of the refusal: what waits is handed back as all the rest.
      await this.#intake.refuseWaitingInTurns(closedError(), (waiting) => {
        this.#settleWaiting(waiting);
      });
      let given = 0;
      for (let batch = this.#pending.oldestToSend; batch !== undefined; batch = this.#pending.oldestToSend) {
        this.#settled(batch, { kind: "undelivered", error: closedError([batch.requestId]) });
        if (++given % SETTLED_PER_TURN === 0) await nextTurn();
      }
      await this.#pending.allSettled();
    }
    this.#stopIdleExit();
    this.#stopMeasurements();
    this.#flushTimer.stop();
    await this.#outbox?.close(Math.max(MIN_CLOSE_MS, endsAtMs - now()));
    const held = this.#lastWord?.handBack() ?? [];
    await this.#reports.told;
    const { accepted, rejected, undelivered } = this.#pending.events.ledger;
    return { accepted, rejected, undelivered, unsent: await toBatches([...this.#unsent, ...held]) };
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
}

/** As opposed to events one by one, none of which is a list. */
function isList(given: readonly Event[] | readonly [readonly Event[]]): given is readonly [readonly Event[]] {
  return given.length === 1 && Array.isArray(given[0]);
}
