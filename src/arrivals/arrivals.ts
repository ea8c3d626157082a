import type { Finding } from "../errors.ts";
import { matches, selectorsOf, type ArrivalFilter, type Selectors } from "./arrival-filter.ts";

/** What the real service said of the request that a batch was in. */
export interface ForwardedRequest {
  /** Where it was passed on to. */
  readonly to: string;
  readonly durationMs: number;
  /** None where there was no answer. */
  readonly status?: number | undefined;
  /** Those that say something about the answer, such as `retry-after`; lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The beginning of the answer, as text. */
  readonly body?: string | undefined;
  /** Why there was no answer. */
  readonly error?: string | undefined;
}

/** A batch that arrived, and what became of it. */
export interface BatchRecord {
  /** Position among all batches that arrived, from 0. */
  readonly index: number;
  /** Milliseconds since the Unix epoch. */
  readonly receivedAtMs: number;
  /** The path of the operation, such as `/v2/bulkevents`. */
  readonly path: string;
  /** As it was sent; integers that a number would round are digits. */
  readonly batch: unknown;
  /**
   * `refused` for what is wrong with it, or with another one of the same request; `failed` by `--fail`, or because the
   * service that it was passed on to did not answer, was out of order, or asked to wait.
   */
  readonly verdict: "accepted" | "refused" | "failed";
  readonly status: number;
  /** What `checkBatch` says of it: the errors it was refused for, and warnings. */
  readonly findings: readonly Finding[];
  /** Where the request was passed on to the real service. */
  readonly forwarded?: ForwardedRequest | undefined;
}

/** One that is kept: its text, and what filters ask for. */
export interface Arrival extends Selectors {
  /** Position among all that were ever kept, from 1. */
  readonly position: number;
  /** The JSON that is served. */
  readonly json: string;
}

/** How many batches arrived since the start, or the last reset. */
export interface ArrivalCounts {
  readonly total: number;
  readonly good: number;
  readonly bad: number;
}

/** How much is kept. */
export interface ArrivalLimits {
  /** `@default 1000` */
  readonly maxBatches?: number | undefined;
  /** Of JSON, all batches together. `@default 64_000_000` */
  readonly maxCharacters?: number | undefined;
}

/** Keeps the newest batches as text, so that its memory is bounded by the characters that are counted here. */
export class Arrivals {
  readonly #maxBatches: number;
  readonly #maxCharacters: number;
  readonly #listeners = new Set<() => void>();
  #kept: Arrival[] = [];
  #characters = 0;
  #next = 1;
  #resets = 0;
  #good = 0;
  #total = 0;

  constructor({ maxBatches = 1000, maxCharacters = 64_000_000 }: ArrivalLimits = {}) {
    this.#maxBatches = maxBatches;
    this.#maxCharacters = maxCharacters;
  }

  /** How often everything was forgotten. */
  get resets(): number {
    return this.#resets;
  }

  /** The position of the newest batch; 0 before the first. */
  get last(): number {
    return this.#next - 1;
  }

  add({ receivedAtMs, path, batch, verdict, status, findings, forwarded }: BatchRecord): void {
    const position = this.#next++;
    const receivedAt = new Date(receivedAtMs).toISOString();
    const json = textOf({ position, receivedAt, path, status, verdict, findings, forwarded, batch });
    this.#kept.push({ position, json, ...selectorsOf(batch, verdict) });
    this.#characters += json.length;
    this.#total += 1;
    if (verdict === "accepted") this.#good += 1;
    // The newest one stays whatever its size: a request is bounded already.
    while (this.#kept.length > 1 && (this.#kept.length > this.#maxBatches || this.#characters > this.#maxCharacters)) {
      this.#characters -= this.#kept.shift()?.json.length ?? 0;
    }
    this.#tell();
  }

  counts(): ArrivalCounts {
    return { total: this.#total, good: this.#good, bad: this.#total - this.#good };
  }

  /** Those that are kept and fit, oldest first. */
  select(filter: ArrivalFilter): readonly Arrival[] {
    return this.#kept.filter((arrival) => matches(arrival, filter));
  }

  /** The oldest one that is kept and came after `position`. */
  after(position: number): Arrival | undefined {
    const first = this.#kept[0]?.position ?? this.#next;
    return this.#kept[Math.max(0, position + 1 - first)];
  }

  /** Forgets all; positions go on, so that who has seen some of them is not shown others under the same number. */
  reset(): void {
    this.#kept = [];
    this.#characters = 0;
    this.#total = 0;
    this.#good = 0;
    this.#resets += 1;
    this.#tell();
  }

  /** Tells that something arrived or was forgotten; the returned function ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A text of the service is read as deep as it is; what is deeper than can be written is told of all the same. */
function textOf(record: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(record);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return JSON.stringify({ ...record, batch: "nested too deeply to be shown" });
  }
}
