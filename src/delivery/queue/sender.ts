import { runSoon } from "#platform";
import { LIMITS } from "../../../generated/contract.ts";
import type { AnySignal } from "../../transport/abort.ts";
import { runOutside } from "../attempt-start.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Verdict } from "../outcome.ts";
import type { OutgoingBatch } from "../outgoing-batch.ts";
import type { PendingBatches } from "./pending-batches.ts";
import { textsOf, type QueuedBatch } from "./queued-batch.ts";

export interface SenderOptions {
  readonly dispatcher: Dispatcher;
  readonly now: () => number;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** Whether what is sent is stored, so that it is tried again whatever the fault. */
  readonly persistent: boolean;
  readonly signal: AnySignal;
  readonly settle: (batch: QueuedBatch, verdict: Verdict) => void;
}

/** Sends what is due: so many requests at once, each with the batches of the users who have waited longest. */
export class Sender {
  readonly #pending: PendingBatches;
  readonly #options: SenderOptions;
  #requests = 0;
  #isScheduled = false;

  constructor(pending: PendingBatches, options: SenderOptions) {
    this.#pending = pending;
    this.#options = options;
  }

  /** Sends soon what is ready by then, unless all requests are in flight: the end of one sends the next. */
  schedule(): void {
    if (this.#isScheduled || this.#requests >= this.#options.concurrency || this.#pending.readyLanes.size === 0) return;
    this.#isScheduled = true;
    runSoon(() => {
      this.#isScheduled = false;
      const batches = this.#nextRequest();
      if (batches.length === 0) return;
      // In the context of none of those who added: it is a request for all of them.
      runOutside(() => {
        this.#send(batches);
      });
      // One request a turn: several in one would hold up everything else for as long as they take to put together.
      this.schedule();
    });
  }

  /** The next request's worth of batches, the longest waiting user first. */
  #nextRequest(): readonly QueuedBatch[] {
    const batches: QueuedBatch[] = [];
    let bytes = 2;
    for (const { first } of this.#pending.readyLanes) {
      for (let batch = first; batch?.state === "due" && batch.openWrites === 0; batch = batch.nextInLane) {
        const isFull = batches.length === LIMITS.bulkMaxBatches || bytes + batch.bytes + 1 >= LIMITS.requestMaxBytes;
        // The rest of a user's batches waits for those that are in flight now.
        if (isFull && batches.length > 0) return batches;
        this.#pending.start(batch);
        bytes += batch.bytes + 1;
        batches.push(batch);
      }
    }
    return batches;
  }

  #send(batches: readonly QueuedBatch[]): void {
    const { dispatcher, now, persistent, signal, settle } = this.#options;
    const handedOverAtMs = now();
    const outgoing = batches.map((batch): OutgoingBatch => {
      const { texts, bytes } = textsOf(batch);
      return {
        texts,
        bytes,
        handedOverAtMs,
        requestId: batch.requestId,
        lane: batch.lane,
        origins: batch.origins,
        settle: (verdict) => {
          settle(batch, verdict);
        },
      };
    });
    this.#requests++;
    void dispatcher.dispatch(outgoing, { path: "/bulkevents", signal, background: true, persistent }).then(() => {
      this.#requests--;
      this.schedule();
    });
  }
}
