import { LIMITS } from "../../generated/contract.ts";

/** What a request is packed from: anything that knows the bytes of its text. */
export interface Packable {
  /** Bytes of the JSON text in UTF-8. */
  readonly bytes: number;
}

/** What a bulk request may hold. */
export interface PackLimits {
  /** `@default 100` */
  readonly maxBatches?: number | undefined;
  /** The whole array, brackets and commas included, stays below it. `@default 256_000` */
  readonly maxBytes?: number | undefined;
}

const BRACKETS_BYTES = 2;
const COMMA_BYTES = 1;

/**
 * Gathers batches for one bulk request after the other, in order. A batch that is too large for any request travels
 * alone: whether it is sent at all is not decided here.
 */
export class RequestPacker<Item extends Packable> {
  readonly #maxBatches: number;
  readonly #maxBytes: number;
  #items: Item[] = [];
  /** Of the array with one more comma, as the next item would need it. */
  #bytes = BRACKETS_BYTES;

  constructor(limits: PackLimits = {}) {
    this.#maxBatches = limits.maxBatches ?? LIMITS.bulkMaxBatches;
    this.#maxBytes = limits.maxBytes ?? LIMITS.requestMaxBytes;
  }

  /** Batches gathered so far. */
  get size(): number {
    return this.#items.length;
  }

  /** @returns a request that is complete: with this item when it fills the count, without it when it did not fit. */
  add(item: Item): Item[] | undefined {
    const fits = this.#bytes + item.bytes < this.#maxBytes;
    const complete = fits ? undefined : this.flush();
    this.#bytes += item.bytes + COMMA_BYTES;
    this.#items.push(item);
    return complete ?? (this.#items.length >= this.#maxBatches ? this.flush() : undefined);
  }

  /** @returns what was gathered, if anything. */
  flush(): Item[] | undefined {
    if (this.#items.length === 0) return undefined;
    const items = this.#items;
    this.#items = [];
    this.#bytes = BRACKETS_BYTES;
    return items;
  }
}

/** Packs batches into bulk requests, in order: as few as that allows. */
export function packRequests<Item extends Packable>(items: Iterable<Item>, limits?: PackLimits): Item[][] {
  const packer = new RequestPacker<Item>(limits);
  const requests: Item[][] = [];
  for (const item of items) {
    const complete = packer.add(item);
    if (complete !== undefined) requests.push(complete);
  }
  const rest = packer.flush();
  if (rest !== undefined) requests.push(rest);
  return requests;
}
