import type { Batch } from "../../generated/schema.ts";
import { MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { RequestPacker } from "./chunk.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Fifo } from "./fifo.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import type { Outcome, Verdict } from "./outcome.ts";
import { combineVerdicts, idsOf, requestIdOf, verdictOfUnprepared, type PrepareOptions } from "./prepare.ts";
import { PreparedGroups } from "./prepared-groups.ts";
import type { RequestIds } from "./request-ids.ts";
import { REFUSAL_BYTES, type Turns } from "./turns.ts";

export interface BulkUploadOptions {
  readonly dispatcher: Dispatcher;
  readonly requestIds: RequestIds;
  readonly preparation: PrepareOptions;
  readonly turns: Turns;
  /** Requests of this call in flight at most. */
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  /** When all of it was handed over. */
  readonly handedOverAtMs: number;
  readonly report: (outcome: Outcome) => void;
}

/**
 * Sends a list of batches that is there as a whole: it is read by index, a request's worth at a time and in turns of the
 * event loop, and outcomes settle into a list.
 *
 * No closure, promise or generator for each batch: what a list of a hundred takes is little more than its JSON, and a
 * process that sends only a few lists never gets to run anything else at full speed.
 */
export class BulkUpload {
  readonly options: BulkUploadOptions;
  readonly #batches: readonly Batch[];
  readonly #outcomes: (Outcome | undefined)[];
  readonly #packer = new RequestPacker<OutgoingBatch>();
  /** Full requests: a batch that had to be split may make several at once. */
  readonly #full = new Fifo<readonly OutgoingBatch[]>();
  #nextIndex = 0;
  readonly #groups: PreparedGroups;
  #inFlight = 0;
  /** Called when a request has ended. */
  #onRoom: () => void = () => undefined;
  #unsettled: number;
  #whenSettled: () => void = () => undefined;

  constructor(batches: readonly Batch[], options: BulkUploadOptions) {
    this.options = options;
    this.#batches = batches;
    this.#outcomes = new Array<Outcome | undefined>(batches.length);
    this.#groups = new PreparedGroups(batches, options.preparation, options.turns);
    this.#unsettled = batches.length;
  }

  /** @returns the outcomes, in the order of the batches. */
  async run(): Promise<Outcome[]> {
    await this.#sendAll();
    await this.#settleUnread();
    // Some may be on their way in another call.
    if (this.#unsettled > 0) await new Promise<void>((resolve) => (this.#whenSettled = resolve));
    return this.#outcomes as Outcome[]; // all of them are settled
  }

  /** The verdict of the batch at an index; called once for each. */
  settle(index: number, batch: Batch, verdict: Verdict): void {
    const outcome: Outcome =
      verdict.kind === "accepted"
        ? { batch, index, kind: "accepted", receipt: verdict.receipt }
        : { batch, index, ...verdict };
    this.#outcomes[index] = outcome;
    this.options.report(outcome);
    if (--this.#unsettled === 0) this.#whenSettled();
  }

  /** As {@link settle}, of a batch that was on its way. */
  settleSent(index: number, batch: Batch, requestId: string, verdict: Verdict): void {
    const given = this.#batches[index];
    if (verdict.kind === "accepted" && given !== undefined) forgetStamps(given);
    this.settle(index, batch, verdict);
    this.options.requestIds.leave(requestId, verdict);
  }

  async #sendAll(): Promise<void> {
    const { concurrency, turns } = this.options;
    while (this.#inFlight > 0 || this.#hasMore()) {
      if (this.#inFlight >= concurrency || !this.#hasMore()) {
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
        continue;
      }
      const request = this.#nextRequest();
      if (request !== undefined) this.#send(request);
      if (turns.isSpent && this.#hasMore()) await turns.share();
    }
  }

  /** Whether there is something that is not sent yet, or not even read, and no signal against it. */
  #hasMore(): boolean {
    if (this.#full.size > 0 || this.#packer.size > 0) return true;
    return this.#nextIndex < this.#batches.length && this.options.signal?.aborted !== true;
  }

  #send(request: readonly OutgoingBatch[]): void {
    const { dispatcher, preparation, signal } = this.options;
    this.#inFlight++;
    void dispatcher.dispatch(request, { path: preparation.path, signal }).then(this.#onEnd);
  }

  readonly #onEnd = (): void => {
    this.#inFlight--;
    this.#onRoom();
  };

  /** @returns `undefined` when all is read, and when this turn has had its share of work before a request was full. */
  #nextRequest(): readonly OutgoingBatch[] | undefined {
    const { signal, turns } = this.options;
    while (this.#full.size === 0 && this.#nextIndex < this.#batches.length && signal?.aborted !== true) {
      if (turns.isSpent) return undefined;
      this.#take(this.#nextIndex++);
    }
    return this.#full.shift() ?? this.#packer.flush();
  }

  #take(index: number): void {
    const { requestIds, handedOverAtMs, turns } = this.options;
    const given = this.#batchAt(index);
    try {
      const { batch, text, parts } = this.#groups.prepare(index, given);
      const requestId = requestIdOf(batch);
      if (!requestIds.enter(requestId, text, given)) {
        this.#join(index, batch, requestId);
        return;
      }
      const part = parts[0];
      if (parts.length === 1 && part !== undefined) {
        this.#pack(new WholeBatch(this, index, batch, part.texts, part.bytes, requestId, handedOverAtMs));
        return;
      }
      const verdicts: Verdict[] = [];
      const settle = (verdict: Verdict): void => {
        verdicts.push(verdict);
        if (verdicts.length < parts.length) return;
        this.settleSent(index, batch, requestId, combineVerdicts(requestId, verdicts));
      };
      for (const { texts, bytes, requestId } of parts) this.#pack({ texts, bytes, requestId, handedOverAtMs, settle });
    } catch (error) {
      turns.note(REFUSAL_BYTES);
      const verdict = verdictOfUnprepared(error);
      if (verdict === undefined) throw error;
      this.settle(index, given, verdict);
    }
  }

  #pack(batch: OutgoingBatch): void {
    const full = this.#packer.add(batch);
    if (full !== undefined) this.#full.push(full);
  }

  /** The very same batch is on its way already: one delivery, and an outcome for each. */
  #join(index: number, batch: Batch, requestId: string): void {
    const { requestIds, signal } = this.options;
    requestIds.join(requestId, {
      signal,
      settle: (verdict) => {
        this.settle(index, batch, verdict);
      },
      again: () => {
        this.#take(index);
        this.#sendPacked();
      },
    });
  }

  /** All parts of what was read. */
  #sendPacked(): void {
    for (;;) {
      const request = this.#full.shift() ?? this.#packer.flush();
      if (request === undefined) return;
      this.#send(request);
    }
  }

  #batchAt(index: number): Batch {
    const batch: unknown = this.#batches[index];
    return batch as Batch; // whatever the caller put there: preparing it names what is none
  }

  /** An abort leaves none without an outcome. */
  async #settleUnread(): Promise<void> {
    const { turns } = this.options;
    for (; this.#nextIndex < this.#batches.length; this.#nextIndex++) {
      if (turns.isSpent) await turns.share();
      turns.note(REFUSAL_BYTES);
      const batch = this.#batchAt(this.#nextIndex);
      this.settle(this.#nextIndex, batch, abortedUnread(batch, this.options.signal));
    }
  }
}

/** Of a batch that nobody came to before the signal aborted. */
export function abortedUnread(batch: Batch, signal: AbortSignal | undefined): Verdict {
  const facts = { requestIds: idsOf(batch), cause: signal?.reason as unknown };
  const error = new MParticleError("ABORTED", "Aborted by its signal before it was sent.", facts);
  return { kind: "undelivered", error };
}

/** A batch that travels in one part. A class, because its one method is shared where a closure would be made for each. */
class WholeBatch implements OutgoingBatch {
  readonly #upload: BulkUpload;
  readonly #index: number;
  readonly #batch: Batch;
  readonly texts: readonly string[];
  readonly bytes: number;
  readonly requestId: string;
  readonly handedOverAtMs: number;

  constructor(
    upload: BulkUpload,
    index: number,
    batch: Batch,
    texts: readonly string[],
    bytes: number,
    requestId: string,
    handedOverAtMs: number,
  ) {
    this.#upload = upload;
    this.#index = index;
    this.#batch = batch;
    this.texts = texts;
    this.bytes = bytes;
    this.requestId = requestId;
    this.handedOverAtMs = handedOverAtMs;
  }

  settle(verdict: Verdict): void {
    this.#upload.settleSent(this.#index, this.#batch, this.requestId, verdict);
  }
}
