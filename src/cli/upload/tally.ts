/** What became of the batches so far. */
export interface Tally {
  accepted: number;
  rejected: number;
  undelivered: number;
  eventsAccepted: number;
}

/** Batches a second, over the last seconds and not since the beginning. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly count: number }[] = [];

  /** Batches a second, after `count` in all. */
  rate(atMs: number, count: number): number {
    this.#samples.push({ atMs, count });
    while (this.#samples.length > 2 && atMs - (this.#samples[0]?.atMs ?? 0) > WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || atMs <= first.atMs) return 0;
    return ((count - first.count) * 1000) / (atMs - first.atMs);
  }
}

const WINDOW_MS = 10_000;

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min ${String(seconds % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
