import { comparable } from "../rules/comparable.ts";
import { isObject } from "../rules/objects.ts";

/** The first batch of a series that had an id. */
interface Earlier {
  readonly index: number;
  readonly fingerprint: number;
}

/**
 * Remembers the `source_request_id`s of a series of batches: the service takes a second batch of the same id for a
 * repetition of the first, and drops it. Of each it keeps the id and a number, not the batch.
 */
export class RequestIds {
  readonly #earlier = new Map<string, Earlier>();
  #count = 0;

  /**
   * Takes note of the next batch.
   *
   * @returns the index of the first batch that has its id and says something else; undefined when there is none.
   */
  note(batch: unknown): number | undefined {
    const index = this.#count++;
    const read = readBatch(batch);
    if (read === undefined) return undefined;
    const { id, fingerprint } = read;
    const earlier = this.#earlier.get(id);
    if (earlier === undefined) this.#earlier.set(id, { index, fingerprint });
    // The very same batch again is what a file holds that was written twice: one of the two is to be dropped.
    return earlier === undefined || earlier.fingerprint === fingerprint ? undefined : earlier.index;
  }
}

/** The id of a batch and a number for its content; undefined when it has none, or cannot be read, of which others tell. */
function readBatch(batch: unknown): { readonly id: string; readonly fingerprint: number } | undefined {
  try {
    const id = isObject(batch) ? batch["source_request_id"] : undefined;
    if (typeof id !== "string" || id === "") return undefined;
    return { id, fingerprint: hash(JSON.stringify(batch, comparable)) };
  } catch {
    return undefined;
  }
}

/** 53 bits of FNV-1a, in two halves: of a million different texts under one id two are taken for the same once in a lifetime. */
function hash(text: string): number {
  let [low, high] = [0x811c9dc5, 0x01000193];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995) ^ (high >>> 15);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
