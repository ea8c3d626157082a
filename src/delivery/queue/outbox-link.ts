import { utf8Length } from "#platform";
import { readableError } from "../../rules/readable-error.ts";
import { MParticleError } from "../../errors.ts";
import type { UserContext } from "../../model/types.ts";
import { onAbort, type AnySignal } from "../../transport/abort.ts";
import { isObject } from "../../rules/objects.ts";
import { parseExact } from "../../transport/json.ts";
import type { Outbox, OutboxEntry, StoredBatch } from "../outbox.ts";
import type { Verdict } from "../outcome.ts";
import type { Effects } from "../effects.ts";
import type { Telemetry } from "../telemetry.ts";
import { contextOf } from "./user-context.ts";
import { onePieceOf, piecesOf } from "./outbox-pieces.ts";
import type { BatchParts, PendingBatches } from "./pending-batches.ts";
import { closedError } from "./queue-errors.ts";
import type { QueuedBatch } from "./queued-batch.ts";
import { problemOfRecord } from "../stored-record.ts";
import { StoreWrites } from "./store-writes.ts";
import { endsInTime } from "../time-limit.ts";
import type { Turns } from "../turns.ts";

export interface OutboxLinkOptions {
  readonly outbox: Outbox;
  /** Names the input that the events are meant for. */
  readonly apiKey: string;
  readonly pending: PendingBatches;
  readonly telemetry: Telemetry;
  readonly effects: Effects;
  readonly turns: Turns;
  /** Takes in a stored batch that was held back; says whether it was. */
  readonly restoreHeld: (stored: StoredBatch) => boolean;
  /** Aborted when the queue gives up: what is not recovered by then stays where it is. */
  readonly signal: AnySignal;
  /** Whether the buffer is too full for so many bytes more. */
  readonly isFull: (bytes: number) => boolean;
  /** The outbox is open, and what an earlier process left is taken in. */
  readonly onOpen: () => void;
  /** It could not be opened or read. */
  readonly onFailure: (error: MParticleError) => void;
}

/**
 * While an outbox is `recovering` it is opened and read: what is added waits, because what an earlier process left goes
 * first. One that is `closed` is tried again by the next `add`; one that is `broken` is not.
 */
type State = "closed" | "recovering" | "open" | "broken";

/** What a record that is set aside counts for: its write takes about as long as so much JSON. */
const UNREADABLE_BYTES = 1_024;

/** So many batches leave the store in one write. */
const REMOVED_AT_ONCE = 1_000;

/** So many ids of what may be stored, and must not, are remembered. */
const MAX_DOUBTFUL = 1_000;

/** Keeps an outbox in step with what becomes of the batches in it. */
export class OutboxLink {
  readonly #options: OutboxLinkOptions;
  #state: State = "closed";
  #failure = new MParticleError("OUTBOX", "The outbox is not open.");
  #recovery: Promise<void> = Promise.resolve();
  /** Goes on with recovery when there may be room. */
  #wake: () => void = () => undefined;
  /** Batches that were settled while a write of them was under way: a removal that overtakes it would find nothing. */
  readonly #settledEarly = new Map<QueuedBatch, Verdict>();
  /** Batches of a long list, which is put into them in several turns. */
  readonly #heldBack = new WeakMap<BatchParts, Set<QueuedBatch>>();
  /** A list is being stored in several writes. */
  #longAppend: Promise<void> | undefined;
  /** What need not be sent any more and is still stored. */
  readonly #removable = new Set<string>();
  #removalScheduled = false;
  readonly #writes = new StoreWrites();

  constructor(options: OutboxLinkOptions) {
    this.#options = options;
    this.open();
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Why nothing can be added any more. */
  get failure(): MParticleError | undefined {
    return this.#state === "broken" ? this.#failure : undefined;
  }

  /** Resolves when it is no longer being opened and read, or the queue has given up. */
  get recovery(): Promise<void> {
    return this.#recovery;
  }

  /** Takes the store over and takes in what an earlier owner left, unless that was done or is under way. */
  open(): void {
    if (this.#state !== "closed") return;
    this.#state = "recovering";
    let isOurs = false;
    const takeOver = async (): Promise<void> => {
      const { outbox, apiKey, telemetry } = this.#options;
      const warn = (message: string, error?: unknown): void => {
        telemetry.loss(message, error);
      };
      await outbox.open({ apiKey, warn });
      isOurs = true;
      await this.#takeInStored();
    };
    const takenOver = takeOver().then(
      () => {
        this.#state = "open";
        this.#options.onOpen();
      },
      (error: unknown) => {
        this.#state = isOurs ? "broken" : "closed";
        if (this.#options.signal.aborted) return;
        this.#failure = asOutboxError(error);
        const { telemetry, onFailure } = this.#options;
        telemetry.reportError("The outbox could not be opened or read; nothing was added.", error);
        onFailure(this.#failure);
      },
    );
    this.#recovery = new Promise((resolve) => {
      // A store that hangs keeps nobody waiting who waits for what was given up.
      const ignoreAbort = onAbort(this.#options.signal, resolve);
      void takenOver.then(() => {
        ignoreAbort();
        resolve();
      });
    });
  }

  /** There may be room for more of what is stored. */
  wake(): void {
    this.#wake();
  }

  /** Keeps batches from being sent before {@link store} of the same parts has ended. */
  hold(parts: BatchParts): void {
    const held = this.#heldBack.get(parts) ?? new Set();
    this.#heldBack.set(parts, held);
    for (const { batch } of parts) {
      if (held.has(batch)) continue;
      held.add(batch);
      this.#options.pending.beginWrite(batch);
    }
  }

  /**
   * Resolves when what was put into batches is stored.
   *
   * @param turn - nobody is told before it.
   * @throws MParticleError - `OUTBOX`. It has left its batches then, because it was not taken in.
   */
  store(parts: BatchParts, turn?: Promise<void>): Promise<void> {
    if (parts.length === 0) return turn ?? Promise.resolve();
    const { pending } = this.#options;
    const held = this.#heldBack.get(parts);
    for (const { batch } of parts) if (held?.has(batch) !== true) pending.beginWrite(batch);
    return this.#writes.waitFor(this.#appendPieces(parts), {
      turn,
      onStored: () => {
        for (const { batch } of parts) pending.endWrite(batch);
        this.#settleWritten(parts);
      },
      onFailed: (error) => {
        for (const { batch, items } of parts) pending.endWrite(batch, items);
        this.#removeDoubtful(parts);
        this.#settleWritten(parts);
        return asOutboxError(error);
      },
    });
  }

  /** One write, or several for a long list: a store does each of them in one go. */
  #appendPieces(parts: BatchParts): Promise<void> {
    // What was added later must not be stored between the pieces of it.
    if (this.#longAppend !== undefined) return this.#longAppend.then(() => this.#appendPieces(parts));
    const whole = onePieceOf(parts);
    if (whole !== undefined) return this.#writes.track(() => this.#options.outbox.append(whole));
    return this.#appendLong(piecesOf(parts));
  }

  async #appendLong(pieces: Iterable<readonly OutboxEntry[]>): Promise<void> {
    const { outbox } = this.#options;
    let end: () => void = () => undefined;
    this.#longAppend = new Promise((resolve) => (end = resolve));
    try {
      for (const piece of pieces) await this.#writes.track(() => outbox.append(piece));
    } finally {
      this.#longAppend = undefined;
      end();
    }
  }

  /**
   * A store may reject although it has stored: a connection that is lost after the commit, a disk that is full after the
   * write. Who added is told that it failed, and adds again, under another id; so what may be there must not come back.
   */
  #removeDoubtful(parts: BatchParts): void {
    // One that was settled meanwhile is for that to decide.
    const isDiscarded = (batch: QueuedBatch): boolean =>
      batch.openWrites === 0 && !batch.contextStored && !this.#settledEarly.has(batch);
    const requestIds = parts.filter(({ batch }) => isDiscarded(batch)).map(({ batch }) => batch.requestId);
    if (requestIds.length > 0) this.#forgetDoubtful(requestIds);
  }

  #forgetDoubtful(requestIds: readonly string[]): void {
    this.#writes
      .track(() => this.#options.outbox.remove(requestIds))
      .catch(() => {
        // They leave with the next that do, unless there are too many: a store may be down for long.
        for (const requestId of requestIds) if (this.#removable.size < MAX_DOUBTFUL) this.#removable.add(requestId);
      });
  }

  /**
   * Resolves when what is held back is stored.
   *
   * @throws MParticleError - `OUTBOX`.
   */
  async keep(held: StoredBatch): Promise<void> {
    await this.#recovery;
    if (this.failure !== undefined) throw this.failure;
    // The queue has given up before there was a store: it hands back what it holds.
    if (this.#options.signal.aborted && !this.isOpen) return;
    try {
      await this.#writes.track(() => this.#options.outbox.append([held]));
    } catch (error) {
      this.#forgetDoubtful([held.requestId]);
      throw asOutboxError(error);
    }
  }

  /** What was held back need not be stored any more. */
  forget(requestId: string): void {
    this.#remove(requestId);
  }

  /**
   * What was accepted, or dropped by policy, leaves the store; what was refused is set aside; the rest stays for the
   * next start.
   */
  settled(batch: QueuedBatch, verdict: Verdict): void {
    const { requestId, openWrites } = batch;
    if (openWrites > 0) {
      this.#settledEarly.set(batch, verdict);
    } else if (verdict.kind === "rejected") {
      // What was spilled without an outbox is in none, and would be looked for in all of it.
      if (!batch.contextStored) return;
      const { code, message } = verdict.error;
      this.#setAside(requestId, code, message);
    } else if (verdict.kind === "accepted" || verdict.error.code === "OVERFLOW") {
      this.#remove(requestId);
    }
  }

  /**
   * Finishes what is being written and gives the store up.
   *
   * @param timeoutMs - how long to wait: the store is not ours, and may hang. It may go on then, but nobody waits for it.
   */
  async close(timeoutMs: number): Promise<void> {
    const { effects, telemetry } = this.#options;
    const closed = this.#close().catch((error: unknown) => {
      telemetry.reportError("The outbox could not be closed.", error);
    });
    if (await endsInTime(closed, timeoutMs, effects)) return;
    telemetry.reportError(`The outbox did not close within ${String(timeoutMs)} ms.`);
    this.#writes.giveUp(closedError());
  }

  async #close(): Promise<void> {
    await this.#writes.ended();
    try {
      await this.#removeAll();
    } finally {
      await this.#options.outbox.close();
    }
  }

  async #takeInStored(): Promise<void> {
    const { outbox, signal, isFull, turns, restoreHeld } = this.#options;
    // One that is a promise as well, as of an `async` function, is waited for.
    const recovered: unknown = await (outbox.recover() as unknown);
    for await (const record of recovered as AsyncIterable<unknown>) {
      const problem = problemOfRecord(record);
      if (problem !== undefined) {
        this.#setAsideUnreadable(record, problem);
        await turns.spend(UNREADABLE_BYTES);
        continue;
      }
      const stored = record as StoredBatch; // there is no problem with it
      const bytes = stored.events.reduce((sum, event) => sum + utf8Length(event) + 1, 0);
      while (isFull(bytes) && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      // It stays where it is, for the next start.
      if (signal.aborted) return;
      if (!restoreHeld(stored)) restoreBatch(this.#options.pending, stored, true);
      await turns.spend(bytes);
    }
  }

  /** It would be there again after each start, and the others must not wait for it. */
  #setAsideUnreadable(record: unknown, problem: string): void {
    const requestId: unknown = isObject(record) ? record["requestId"] : undefined;
    const isNamed = typeof requestId === "string" && requestId !== "";
    if (isNamed) this.#setAside(requestId, "UNREADABLE", `It cannot be sent: ${problem}`);
    this.#options.telemetry.loss(
      `A batch in the outbox${isNamed ? `, ${requestId},` : ""} cannot be sent and ${isNamed ? "was set aside" : "stays there"}: ${problem}`,
    );
  }

  #setAside(requestId: string, code: string, message: string): void {
    this.#write(() => this.#options.outbox.setAside([{ requestId, reason: { code, message, atMs: Date.now() } }]));
  }

  /** Batches that were settled before they were written can leave the store now. */
  #settleWritten(parts: BatchParts): void {
    for (const { batch } of parts) {
      const verdict = this.#settledEarly.get(batch);
      if (verdict === undefined) continue;
      this.#settledEarly.delete(batch);
      this.settled(batch, verdict); // which waits for the last of its writes
    }
  }

  #remove(requestId: string): void {
    this.#removable.add(requestId);
    if (this.#removalScheduled) return;
    this.#removalScheduled = true;
    // All batches of a request are settled in one go, and leave the store in one write.
    this.#write(async () => {
      await Promise.resolve();
      this.#removalScheduled = false;
      await this.#removeAll();
    });
  }

  async #removeAll(): Promise<void> {
    const requestIds = [...this.#removable];
    this.#removable.clear();
    for (let start = 0; start < requestIds.length; start += REMOVED_AT_ONCE) {
      try {
        await this.#options.outbox.remove(requestIds.slice(start, start + REMOVED_AT_ONCE));
      } catch (error) {
        // Tried again with those that come next: a disk that is full now may have room then.
        for (const requestId of requestIds.slice(start)) this.#removable.add(requestId);
        throw error;
      }
    }
  }

  /** Nobody awaits it: should it fail to the end, the batch is sent again after the next start, and known by its id. */
  #write(write: () => Promise<void>): void {
    this.#writes.track(write).catch((error: unknown) => {
      this.#options.telemetry.reportError("The outbox could not be updated.", error);
    });
  }
}

/** Takes in a batch that was pending before, as it was. */
export function restoreBatch(
  pending: PendingBatches,
  { requestId, context: text, events }: StoredBatch,
  contextStored: boolean,
): QueuedBatch {
  // Our own text of a context, written by an earlier process.
  const context = contextOf(pending.lanes, parseExact(text) as UserContext, text);
  const items = events.map((event) => ({ text: event, bytes: utf8Length(event) }));
  return pending.restore(requestId, context, items, contextStored);
}

/** Stores throw what they like; who adds is told that it was the store. */
function asOutboxError(thrown: unknown): MParticleError {
  const error = readableError(thrown);
  if (error instanceof MParticleError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new MParticleError("OUTBOX", `The outbox failed: ${said}`, { cause: error });
}
