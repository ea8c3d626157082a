import { utf8Length } from "#platform";
import type { AnySignal } from "../../transport/abort.ts";
import type { StoredBatch } from "../outbox.ts";
import type { Verdict } from "../outcome.ts";
import type { QueuedBatch } from "./queued-batch.ts";
import type { Turns } from "../turns.ts";

/** What comes of the reading of what an earlier process has spilled. */
export type SpilledPart =
  | { readonly kind: "batch"; readonly batch: StoredBatch }
  /** So much was looked at without finding one. */
  | { readonly kind: "progress"; readonly bytes: number };

/** What has become of all that an earlier process has spilled. */
export interface SpilledEnd {
  /** Whether all of it was read: a queue that gives up leaves the rest where it is. */
  readonly isWhole: boolean;
  /** What was read and neither accepted nor rejected. */
  readonly undelivered: readonly StoredBatch[];
}

export interface SpilledOptions {
  readonly turns: Turns;
  /** Aborted when the queue gives up. */
  readonly signal: AnySignal;
  /** Whether the buffer is too full for so many bytes more. */
  readonly isFull: (bytes: number) => boolean;
  /** Takes in a stored batch that was held back; says whether it was. */
  readonly restoreHeld: (stored: StoredBatch) => boolean;
  readonly restore: (stored: StoredBatch) => QueuedBatch;
  /** Nothing is being read any more. */
  readonly onRead: () => void;
}

/** What is read was written by us, and is only looked at: half the work. So each turn has a request's worth of it. */
const READ_BYTES_AS_ONE = 2;

/**
 * Takes in what an earlier process has spilled: a turn's worth at a time, and as there is room. What is added meanwhile
 * waits, because what was added before goes first.
 */
export class SpilledBatches {
  readonly #options: SpilledOptions;
  readonly #open = new Map<QueuedBatch, (verdict: Verdict) => void>();
  #reading = 0;
  #whenRead: Promise<unknown> = Promise.resolve();
  /** Go on with reading when there may be room. */
  #waiting: (() => void)[] = [];

  constructor(options: SpilledOptions) {
    this.#options = options;
  }

  get isReading(): boolean {
    return this.#reading > 0;
  }

  /** Resolves when what is being read now is taken in, or the queue has given up. */
  get whenRead(): Promise<unknown> {
    return this.#whenRead;
  }

  /** There may be room for more. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }

  /** @returns when all of it is settled, as far as it was read. */
  async restore(parts: Iterable<SpilledPart>): Promise<SpilledEnd> {
    const undelivered: StoredBatch[] = [];
    const settled: Promise<void>[] = [];
    this.#reading++;
    const read = this.#read(parts, (stored) => {
      settled.push(
        new Promise((resolve) => {
          this.#open.set(this.#options.restore(stored), ({ kind }) => {
            if (kind === "undelivered") undelivered.push(stored);
            resolve();
          });
        }),
      );
    });
    const before = this.#whenRead;
    this.#whenRead = Promise.allSettled([before, read]);
    const isWhole = await read;
    await Promise.all(settled);
    return { isWhole, undelivered };
  }

  /** A batch was settled, whether it is one of these or not. */
  settled(batch: QueuedBatch, verdict: Verdict): void {
    this.#open.get(batch)?.(verdict);
    this.#open.delete(batch);
  }

  async #read(parts: Iterable<SpilledPart>, takeIn: (stored: StoredBatch) => void): Promise<boolean> {
    const { turns, signal, isFull, restoreHeld, onRead } = this.#options;
    try {
      for (const part of parts) {
        if (part.kind === "progress") {
          const turn = turns.spend(part.bytes / READ_BYTES_AS_ONE);
          if (turn !== undefined) await turn;
        } else {
          const { batch } = part;
          const bytes = batch.events.reduce((sum, event) => sum + utf8Length(event) + 1, 0);
          while (isFull(bytes) && !signal.aborted) {
            await new Promise<void>((resolve) => {
              this.#waiting.push(resolve);
            });
          }
          if (signal.aborted) return false;
          if (!restoreHeld(batch)) takeIn(batch);
        }
        if (signal.aborted) return false;
      }
      return true;
    } finally {
      this.#reading--;
      onRead();
    }
  }
}
