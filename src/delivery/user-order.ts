import { LIMITS } from "../../generated/contract.ts";
import { MParticleError } from "../errors.ts";
import { BLANK } from "../rules/objects.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import { Fifo } from "./fifo.ts";
import type { OutgoingLine } from "./outgoing-line.ts";
import type { Verdict } from "./outcome.ts";

/** How many batches may be read ahead of those that have to wait for their user's earlier ones. */
export interface LookAhead {
  readonly maxBatches: number;
  readonly maxBytes: number;
}

/** All that waits of one user. */
interface UserLane {
  readonly key: string;
  readonly waiting: Fifo<OutgoingBatch>;
  inFlight: boolean;
}

/** Users that are remembered as held back. When there are more, the fault is not theirs and everything is held back. */
const MAX_HELD_USERS = 10_000;

/**
 * Keeps the order of each user's batches: one of them is in flight at a time, and one that was not delivered holds back
 * all that follow.
 */
export class UserOrder implements OutgoingLine {
  readonly #lookAhead: LookAhead;
  readonly #lanes = new Map<string, UserLane>();
  /** Lanes with something to send and nothing in flight, the longest waiting first. */
  readonly #ready = new Set<UserLane>();
  /** Of the first batch of each lane that is ready. */
  #readyBytes = 0;
  #size = 0;
  #bytes = 0;
  /** Users with a batch that was not delivered, and why. */
  readonly #held = new Map<string, MParticleError>();
  /** Set when everybody is held back. */
  #heldAll: MParticleError | undefined;

  constructor(lookAhead: LookAhead = { maxBatches: Infinity, maxBytes: Infinity }) {
    this.#lookAhead = lookAhead;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#lookAhead.maxBatches || this.#bytes >= this.#lookAhead.maxBytes;
  }

  add(batch: OutgoingBatch, key: string): void {
    const cause = this.#heldAll ?? this.#held.get(key);
    if (cause !== undefined) {
      batch.settle(heldBack(batch, cause));
      return;
    }
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, waiting: new Fifo(), inFlight: false };
      this.#lanes.set(key, lane);
    }
    lane.waiting.push(batch);
    this.#size++;
    this.#bytes += batch.bytes;
    if (!lane.inFlight && lane.waiting.size === 1) this.#markReady(lane, batch);
  }

  take(partial: boolean): readonly OutgoingBatch[] | undefined {
    const isFull =
      this.#ready.size >= LIMITS.bulkMaxBatches || this.#readyBytes + this.#ready.size >= LIMITS.requestMaxBytes;
    if (this.#ready.size === 0 || !(partial || isFull)) return undefined;
    const batches: OutgoingBatch[] = [];
    // The brackets; with each batch a comma, which the first one does not have.
    let bytes = 1;
    for (const lane of this.#ready) {
      const next = lane.waiting.peek();
      if (next === undefined) continue;
      const fits = bytes + next.bytes + 1 < LIMITS.requestMaxBytes;
      if (batches.length >= LIMITS.bulkMaxBatches || (batches.length > 0 && !fits)) break;
      bytes += next.bytes + 1;
      batches.push(this.#start(lane, next));
    }
    return batches;
  }

  takeAll(): readonly OutgoingBatch[] {
    const batches: OutgoingBatch[] = [];
    for (const { waiting } of this.#lanes.values()) {
      for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) batches.push(batch);
    }
    this.#lanes.clear();
    this.#ready.clear();
    this.#size = this.#bytes = this.#readyBytes = 0;
    return batches;
  }

  #markReady(lane: UserLane, first: OutgoingBatch): void {
    this.#ready.add(lane);
    this.#readyBytes += first.bytes;
  }

  #start(lane: UserLane, batch: OutgoingBatch): OutgoingBatch {
    lane.waiting.shift();
    lane.inFlight = true;
    this.#ready.delete(lane);
    this.#readyBytes -= batch.bytes;
    this.#size--;
    this.#bytes -= batch.bytes;
    return {
      ...BLANK,
      ...batch,
      settle: (verdict) => {
        batch.settle(verdict);
        this.#settled(lane, verdict);
      },
    };
  }

  #settled(lane: UserLane, verdict: Verdict): void {
    lane.inFlight = false;
    if (verdict.kind === "undelivered") this.#holdBack(lane, verdict.error);
    const next = lane.waiting.peek();
    if (next === undefined) this.#lanes.delete(lane.key);
    else this.#markReady(lane, next);
  }

  #holdBack({ key, waiting }: UserLane, cause: MParticleError): void {
    this.#held.set(key, cause);
    if (this.#held.size >= MAX_HELD_USERS) this.#heldAll = cause;
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      this.#size--;
      this.#bytes -= batch.bytes;
      batch.settle(heldBack(batch, cause));
    }
  }
}

function heldBack({ requestId }: OutgoingBatch, cause: MParticleError): Verdict {
  const message = `Held back, because an earlier batch of its user was not delivered. ${cause.message}`;
  return { kind: "undelivered", error: new MParticleError(cause.code, message, { requestIds: [requestId], cause }) };
}
