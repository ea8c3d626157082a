import type { Event } from "../../../generated/schema.ts";
import { InvalidBatchError, type MParticleError } from "../../errors.ts";
import type { UserContext } from "../../model/types.ts";
import { BLANK } from "../../rules/objects.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Verdict } from "../outcome.ts";
import type { Admission, Addition, WaitingAdd } from "./admission.ts";
import { AddReader, EVENTS_PER_TURN, type ReadOptions, type TurnReader } from "./event-texts.ts";
import type { FlushTimer } from "./flush-timer.ts";
import type { LastWord } from "./last-word.ts";
import type { OutboxLink } from "./outbox-link.ts";
import type { OutcomeReports } from "./outcome-reports.ts";
import type { BatchParts, PendingBatches } from "./pending-batches.ts";
import { handled } from "./promises.ts";
import { closedError, overflowError } from "./queue-errors.ts";
import type { Settings } from "./queue-options.ts";
import type { EventText, QueuedBatch } from "./queued-batch.ts";
import { SteppedReader } from "./stepped-reader.ts";
import { nextTurn, REFUSAL_BYTES, type Turns } from "../turns.ts";

export interface IntakeOptions {
  readonly settings: Settings;
  /** The steps of `beforeSend`, if there are any. */
  readonly lastWord: LastWord | undefined;
  readonly reading: ReadOptions;
  readonly pending: PendingBatches;
  readonly admission: Admission;
  readonly outbox: OutboxLink | undefined;
  /** Whether what an earlier process left is being taken in. */
  readonly isTakingIn: () => boolean;
  /** Resolves when it is taken in, or cannot be. */
  readonly whenTakenIn: () => Promise<unknown>;
  /** Called when there may be room for more of that. */
  readonly onRoom: () => void;
  readonly reports: OutcomeReports;
  readonly telemetry: Telemetry;
  readonly flushTimer: FlushTimer;
  readonly turns: Turns;
  /** Ends a batch that is dropped to make room. */
  readonly settle: (batch: QueuedBatch, verdict: Verdict) => void;
  /** Called when there is something pending again. */
  readonly onBusy: () => void;
}

/** So many events of one list are put into batches in one turn of the event loop. */
const TAKEN_PER_TURN = 5_000;

/** So many batches are dropped in one turn of the event loop. */
const DROPS_PER_TURN = 500;

/** So many that wait are refused in one turn when the queue is closed. */
const REFUSED_PER_TURN = 500;

const DONE = /* @__PURE__ */ Promise.resolve();

/**
 * The way of events into batches. An `add` takes one of these ways:
 *
 * 1. The queue is closed, or its outbox has failed: `add` rejects, and nothing is counted.
 * 2. `beforeSend` keeps the events back, or decides later: {@link LastWord} has them, and says what `add` resolves with.
 * 3. The events are not valid, or a step of `beforeSend` throws: `add` rejects, and they are reported as rejected.
 * 4. Reading them takes longer than one turn of the event loop: the `add` waits in line while it is read, and takes one of
 *    the ways 3, 5 and 6 when its turn comes.
 * 5. There is room: the events join a batch, after the `add`s that are in line, and once the outbox has been opened. With an
 *    outbox, `add` resolves when they are stored.
 * 6. There is no room. `overflow` decides: `"wait"` puts the `add` in line; `"reject"` rejects, and nothing is counted;
 *    `"drop-newest"` reports these events as undelivered; `"drop-oldest"` drops batches until there is room, and these
 *    events alone if that cannot make room.
 *
 * Whoever is in line is let in by {@link Intake.admitWaiting}, in the order of the calls.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #isClosed = false;
  /** The first of a long list is taken in, and the rest waits for another turn. */
  #waitsForTurn = false;
  /** Adds that are being read, in turns. */
  readonly #reading = new Set<Promise<void>>();
  /** The last of those that go through the steps of `beforeSend` in turns. */
  #lastStepped: SteppedReader | undefined;
  /** What is added is read without waiting for what an earlier process left: there is no time for that. */
  #isInHurry = false;
  #hurry: () => void = () => undefined;
  readonly #hurried = new Promise<void>((resolve) => (this.#hurry = resolve));

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** See `EventQueue.add`. */
  add(user: UserContext, events: readonly Event[]): Promise<void> {
    try {
      return this.#add(user, events);
    } catch (error) {
      if (error instanceof InvalidBatchError) this.refuse(user, events, { kind: "rejected", error });
      return this.#inTurn(REFUSAL_BYTES, handled(Promise.reject(error as Error))); // as #add throws
    }
  }

  /** Resolves when all that was added is read. */
  get whenRead(): Promise<unknown> {
    return Promise.all(this.#reading);
  }

  /** Lets nothing wait for what an earlier process left. */
  hurry(): void {
    this.#isInHurry = true;
    this.#hurry();
  }

  /** Takes nothing in any more but what waits. */
  close(): void {
    this.#isClosed = true;
  }

  /** Lets those in that wait, in turn, as far as there is room. */
  admitWaiting(whether: "room" | "room or not" = "room"): void {
    const { admission, isTakingIn, onRoom } = this.#options;
    onRoom();
    if (whether === "room" && (isTakingIn() || this.#waitsForTurn)) return;
    let admitted = false;
    for (let next = admission.first(whether); next !== undefined; next = admission.first(whether)) {
      if (whether === "room" && next.items.length > TAKEN_PER_TURN) {
        this.#takeFirstIn(next);
        return;
      }
      admission.takeFirst();
      if (next.instead === undefined) next.resolve(this.#takeIn(next));
      else next.instead();
      admitted = true;
    }
    // Others still wait: what came in must go out for them.
    if (admitted && admission.waitingAdds > 0) this.makeAllDue();
  }

  /** Of a long list: the rest follows in later turns of the event loop, before all that waits behind it. */
  #takeFirstIn(waiting: WaitingAdd): void {
    const { items } = waiting;
    const parts: BatchParts = waiting.parts ?? [];
    const first = items.slice(0, TAKEN_PER_TURN);
    const bytes = first.reduce((sum, item) => sum + item.bytes + 1, 0);
    this.#put(waiting, first, parts);
    // None of it is sent before all of it is stored: it is taken in as a whole or not at all.
    this.#options.outbox?.hold(parts);
    this.#options.admission.setBegun(waiting, parts, {
      items: items.slice(TAKEN_PER_TURN),
      bytes: waiting.bytes - bytes,
    });
    this.#waitsForTurn = true;
    void nextTurn().then(() => {
      this.#waitsForTurn = false;
      this.admitWaiting();
    });
  }

  refuseWaiting(error: MParticleError): void {
    for (const waiting of this.#options.admission.takeAll()) refuseAdd(waiting, error);
  }

  /**
   * As {@link refuseWaiting}, in turns of the event loop. Until its turn comes each waits as before, so that a process that
   * ends meanwhile finds it there.
   *
   * @param onEach - told of each before its caller is.
   */
  async refuseWaitingInTurns(error: MParticleError, onEach: (waiting: WaitingAdd) => void): Promise<void> {
    const { admission } = this.#options;
    let refused = 0;
    for (let waiting = admission.takeFirst(); waiting !== undefined; waiting = admission.takeFirst()) {
      refuseAdd(waiting, error, onEach);
      if (++refused % REFUSED_PER_TURN === 0) await nextTurn();
    }
  }

  /** Sends all that is in a batch, without waiting for more. */
  makeAllDue(): void {
    this.#options.pending.makeDue();
    this.#options.flushTimer.start();
  }

  /** @throws InvalidBatchError, MParticleError - as {@link add} rejects. */
  #add(user: UserContext, events: readonly Event[]): Promise<void> {
    const { settings, lastWord, reading, admission, outbox, reports, telemetry } = this.#options;
    this.#requireOpen();
    const before = this.#lastStepped?.isOver === false ? this.#lastStepped : undefined;
    // What the steps let go must not be stored, or sent, before what an earlier process left.
    const mustWait = before !== undefined || this.#options.isTakingIn();
    const isStepped = lastWord !== undefined && (events.length > EVENTS_PER_TURN || mustWait);
    const said = isStepped ? undefined : lastWord?.on(user, events);
    if (said?.kind === "done") return this.#inTurn(REFUSAL_BYTES, handled(said.taken));
    const reader = isStepped
      ? new SteppedReader(user, events, { lastWord, reading, before })
      : new AddReader(said?.user ?? user, said?.events ?? events, reading);
    const origin = telemetry.origin();
    const read = reader.addition;
    const addition = origin === undefined ? read : { ...BLANK, ...read, origin };
    // What was read is not ours, and may have closed the queue.
    this.#requireOpen();
    outbox?.open();
    if (outbox?.failure !== undefined) throw outbox.failure;
    if (reader instanceof SteppedReader) this.#lastStepped = reader;
    if (!reader.isDone) return this.#addInTurns(reader, addition, user, events);
    if (settings.overflow !== "drop-oldest" || admission.hasRoom(addition.bytes)) {
      return this.#admit(addition, user, events);
    }
    return reports.holdDuring(() => {
      // A large event may need the room of many small batches.
      if (!this.#dropOldest(addition.bytes)) return this.#addInTurns(reader, addition, user, events);
      return this.#admit(addition, user, events);
    });
  }

  /** What takes long to read waits in line while it is read, so that the order stays and none of it is taken in alone. */
  #addInTurns(reader: TurnReader, addition: Addition, user: UserContext, events: readonly Event[]): Promise<void> {
    const { admission } = this.#options;
    const waiting = admission.wait(addition, () => {
      try {
        reader.readRest();
        this.#setRead(waiting, reader);
      } catch (error) {
        this.#refuseRead(waiting, user, events, error);
      }
    });
    const isRead = this.#readInTurns(waiting, reader, user, events).finally(() => this.#reading.delete(isRead));
    this.#reading.add(isRead);
    return handled(waiting.taken);
  }

  async #readInTurns(
    waiting: WaitingAdd,
    reader: TurnReader,
    user: UserContext,
    events: readonly Event[],
  ): Promise<void> {
    const { admission, settings } = this.#options;
    try {
      while (!reader.isDone) {
        if (this.#mustWait(reader)) await Promise.race([this.#options.whenTakenIn(), this.#hurried]);
        await nextTurn();
        if (waiting.isGone) return;
        if (!this.#mustWait(reader)) reader.readTurn();
      }
      const { bytes } = reader.addition;
      if (settings.overflow === "drop-oldest" && reader.ended === undefined) await this.#dropOldestInTurns(bytes);
      if (waiting.isGone) return;
      if (reader.ended !== undefined || settings.overflow === "wait" || admission.hasRoom(bytes)) {
        this.#setRead(waiting, reader);
      } else {
        waiting.instead = () => {
          this.#refuseForRoom(waiting, bytes, user, events);
        };
      }
    } catch (error) {
      this.#refuseRead(waiting, user, events, error);
    } finally {
      reader.giveUp?.();
    }
    this.admitWaiting();
  }

  #mustWait(reader: TurnReader): boolean {
    return reader instanceof SteppedReader && !reader.isOver && !this.#isInHurry && this.#options.isTakingIn();
  }

  #setRead(waiting: WaitingAdd, { ended, addition }: TurnReader): void {
    this.#options.admission.setRead(waiting, addition);
    if (ended !== undefined) {
      waiting.instead = () => {
        waiting.resolve(ended);
      };
    }
  }

  /** The `add` keeps its place in line, because what was added before it is reported first. */
  #refuseRead(waiting: WaitingAdd, user: UserContext, events: readonly Event[], error: unknown): void {
    waiting.instead = () => {
      if (error instanceof InvalidBatchError) this.refuse(user, events, { kind: "rejected", error });
      waiting.reject(error as MParticleError); // as #add throws
    };
  }

  #refuseForRoom(waiting: WaitingAdd, bytes: number, user: UserContext, events: readonly Event[]): void {
    const error = this.#overflowError(bytes);
    if (this.#options.settings.overflow === "reject") {
      waiting.reject(error);
      return;
    }
    this.refuse(user, events, { kind: "undelivered", error });
    waiting.resolve(DONE);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closedError();
  }

  #admit(addition: Addition, user: UserContext, events: readonly Event[]): Promise<void> {
    const { admission } = this.#options;
    switch (admission.decide(addition)) {
      case "in":
        return this.#takeIn(addition);
      case "wait": {
        const { taken } = admission.wait(addition);
        this.makeAllDue();
        return handled(taken);
      }
      case "reject":
        throw this.#overflowError(addition.bytes);
      case "drop":
        this.refuse(user, events, { kind: "undelivered", error: this.#overflowError(addition.bytes) });
        return this.#inTurn(REFUSAL_BYTES, DONE);
    }
  }

  /**
   * Puts events into batches. Resolves when more may come: once they are stored, if there is an outbox.
   *
   * @param addition - `parts` has what of it was put into batches before.
   */
  #takeIn(addition: Addition & { readonly parts?: BatchParts | undefined }): Promise<void> {
    const { outbox } = this.#options;
    const { context, items, bytes } = addition;
    if (outbox === undefined) {
      this.#put(addition, items, undefined);
      return this.#inTurn(context.bytes + bytes, DONE);
    }
    const parts = addition.parts ?? [];
    this.#put(addition, items, parts);
    return handled(outbox.store(parts, this.#options.turns.spend(context.bytes + bytes)));
  }

  #put({ context, origin }: Addition, items: readonly EventText[], parts: BatchParts | undefined): void {
    const { pending, flushTimer, onBusy } = this.#options;
    const wasIdle = pending.batches.pending === 0;
    pending.put(context, items, parts, origin);
    flushTimer.start();
    if (wasIdle) onBusy();
  }

  /** Adding in a tight loop must let the event loop send, and serve others, whatever becomes of what is added. */
  #inTurn(bytes: number, ended: Promise<void>): Promise<void> {
    const turn = this.#options.turns.spend(bytes);
    if (turn === undefined) return ended;
    return ended === DONE ? turn : handled(turn.then(() => ended));
  }

  /** Counts and reports events that never became part of a batch. */
  refuse(user: UserContext, events: readonly Event[], verdict: Verdict): void {
    const { pending, reports } = this.#options;
    pending.events.refuse(verdict.kind, events.length);
    pending.batches.refuse(verdict.kind, 1);
    reports.refused(user, events, pending.takeIndex(), verdict);
  }

  /**
   * Makes room, if dropping can: in vain nothing is dropped.
   *
   * @returns false when there is more to drop than one turn of the event loop has time for.
   */
  #dropOldest(bytes: number): boolean {
    const { pending, admission, settle } = this.#options;
    if (!admission.couldMakeRoom(bytes)) return true;
    for (let dropped = 0; !admission.hasRoom(bytes); dropped++) {
      const oldest = pending.oldestToSend;
      if (oldest === undefined) return true;
      if (dropped === DROPS_PER_TURN) return false;
      settle(oldest, { kind: "undelivered", error: this.#overflowError(bytes, oldest.requestId) });
    }
    return true;
  }

  async #dropOldestInTurns(bytes: number): Promise<void> {
    const { reports } = this.#options;
    // This turn has read, or dropped, as much as it may.
    do await nextTurn();
    while (!reports.holdDuring(() => this.#dropOldest(bytes)));
  }

  #overflowError(bytes: number, requestId?: string): MParticleError {
    const { pending, settings } = this.#options;
    return overflowError(bytes, pending.bufferedBytes, settings.maxBufferedBytes, requestId);
  }
}

function refuseAdd(waiting: WaitingAdd, error: MParticleError, onEach?: (waiting: WaitingAdd) => void): void {
  if (waiting.instead !== undefined) {
    waiting.instead();
    return;
  }
  onEach?.(waiting);
  waiting.reject(error);
}
