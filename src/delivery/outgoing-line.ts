import { RequestPacker } from "./chunk.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import { Fifo } from "./fifo.ts";

/** Batches of one delivery that wait to be sent, and which of them travel next. */
export interface OutgoingLine {
  /** Above 0 where batches wait; those of a full request may count as one. */
  readonly size: number;
  /** Nothing more is to be read until something of it is sent. */
  readonly isFull: boolean;
  /** @param userKey - whose batch it is; read where the order of users matters. */
  add(batch: OutgoingBatch, userKey: string): void;
  /** The next request: a full one, or what there is when that is `partial`. */
  take(partial: boolean): readonly OutgoingBatch[] | undefined;
  /** Everything that waits: the delivery has ended. */
  takeAll(): readonly OutgoingBatch[];
}

/** In the order in which they came, as many in a request as it may hold. */
export class UnorderedLine implements OutgoingLine {
  readonly #packer = new RequestPacker<OutgoingBatch>();
  /** Full requests: a batch that had to be split may make several at once. */
  readonly #full = new Fifo<readonly OutgoingBatch[]>();

  get size(): number {
    return this.#packer.size + this.#full.size;
  }

  get isFull(): boolean {
    return this.#full.size > 0;
  }

  add(batch: OutgoingBatch): void {
    const full = this.#packer.add(batch);
    if (full !== undefined) this.#full.push(full);
  }

  take(partial: boolean): readonly OutgoingBatch[] | undefined {
    return this.#full.shift() ?? (partial ? this.#packer.flush() : undefined);
  }

  takeAll(): readonly OutgoingBatch[] {
    const batches: OutgoingBatch[] = [];
    for (let full = this.take(true); full !== undefined; full = this.take(true)) batches.push(...full);
    return batches;
  }
}
