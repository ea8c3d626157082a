import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { prepareBatch, prepareTogether, workOf, type Prepared, type PrepareOptions } from "./prepare.ts";
import type { Turns } from "./turns.ts";

/** So many batches are prepared together before it is known how large they are. */
const FIRST_GROUP = 10;

/** The batches of a list, as many of them prepared together as about fill a request: one by one they take twice as long. */
export class PreparedGroups {
  readonly #batches: readonly Batch[];
  readonly #preparation: PrepareOptions;
  readonly #turns: Turns;
  /** Of the batches from an index on. */
  #given: readonly Batch[] = [];
  #prepared: (Prepared | undefined)[] = [];
  #start = 0;
  #size = FIRST_GROUP;

  /** @param batches - a list that its owner may change meanwhile. */
  constructor(batches: readonly Batch[], preparation: PrepareOptions, turns: Turns) {
    this.#batches = batches;
    this.#preparation = preparation;
    this.#turns = turns;
  }

  /**
   * One batch, together with those around it where that can be.
   *
   * @param index - in the list; they are asked for in order.
   * @param batch - what is there.
   * @throws InvalidBatchError, MParticleError - as {@link prepareBatch}.
   */
  prepare(index: number, batch: Batch): Prepared {
    if (index >= this.#start + this.#given.length) this.#prepareFrom(index);
    const at = index - this.#start;
    const prepared = this.#given[at] === batch ? this.#prepared[at] : undefined;
    if (prepared === undefined) return prepareAlone(batch, this.#preparation, this.#turns);
    // Its text goes when the batch is settled.
    this.#prepared[at] = undefined;
    return prepared;
  }

  #prepareFrom(start: number): void {
    const batches = this.#batches.slice(start, start + this.#size);
    const { prepared, written } = prepareTogether(batches, this.#preparation);
    this.#given = batches;
    this.#prepared = prepared;
    this.#start = start;
    this.#turns.note(written);
    // The texts of large batches would wait for many requests.
    const fitting = Math.floor((batches.length * LIMITS.requestMaxBytes) / Math.max(written, 1));
    this.#size = Math.min(Math.max(fitting, 2), LIMITS.bulkMaxBatches);
  }
}

/** A batch by itself. @throws InvalidBatchError, MParticleError - as {@link prepareBatch}. */
export function prepareAlone(batch: Batch, preparation: PrepareOptions, turns: Turns): Prepared {
  const prepared = prepareBatch(batch, preparation);
  turns.note(workOf(prepared));
  return prepared;
}
