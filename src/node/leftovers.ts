import type { StoredBatch } from "../delivery/outbox.ts";
import type { QueueInternals } from "../delivery/queue/queue-internals.ts";
import type { Spill, SpillFiles } from "./spill-files.ts";

/** Ids of the spills whose batches a queue of this process has: no other is to send them as well. */
const inUse = new Set<string>();

/** What a queue leaves to the next start, and what the last one has left to it. */
export class Leftovers {
  readonly #queue: QueueInternals;
  readonly #path: string;
  readonly #files: SpillFiles;
  /** Of earlier processes, with the ids of their batches: they stay until each of these is accepted or rejected. */
  #earlier: { readonly spills: readonly Spill[]; readonly ids: ReadonlySet<string> } = { spills: [], ids: new Set() };
  /** What this process has left so far. */
  #own: readonly Spill[] = [];

  /** @param path - of `files`, for messages. */
  constructor(queue: QueueInternals, path: string, files: SpillFiles) {
    this.#queue = queue;
    this.#path = path;
    this.#files = files;
  }

  /** Gives the queue what earlier processes have left. */
  loadSpilled(): void {
    const { telemetry, restore } = this.#queue;
    const { spills, batches: found, problems } = this.#files.read((id) => !inUse.has(id));
    for (const problem of problems) telemetry.loss(problem);
    if (spills.length === 0) return;
    for (const { id } of spills) inUse.add(id);
    // A process that died as it wrote anew what it had written before has left some twice; the newer one has grown.
    const batches = [...new Map(found.map((batch) => [batch.requestId, batch])).values()];
    this.#earlier = { spills, ids: idsOf(batches) };
    restore(batches)
      .then((undelivered) => {
        if (undelivered.length === batches.length && batches.length > 0) return;
        const ids = idsOf(undelivered);
        // In their order, and not in that in which they were given up.
        this.#keep(batches.filter(({ requestId }) => ids.has(requestId)));
      })
      .catch((error: unknown) => {
        telemetry.loss(`${this.#path} could not be taken in; it stays for the next start.`, error);
      })
      .finally(() => {
        for (const { id } of spills) inUse.delete(id);
      });
  }

  /**
   * Runs at the end, maybe more than once: what was written before is replaced, or removed when nothing is left. What
   * earlier processes have left stays in their files for as long as it is not settled.
   *
   * @param isLast - a failure now is a loss; before, there is time to send what could not be written.
   */
  writeSpill(batches: readonly StoredBatch[], isLast: boolean): void {
    const rest = batches.filter(({ requestId }) => !this.#earlier.ids.has(requestId));
    const old = this.#own;
    if (rest.length === 0 && old.length === 0) return;
    try {
      this.#own = rest.length === 0 ? [] : [this.#files.write(rest)];
      for (const { id } of this.#own) inUse.add(id);
    } catch (error) {
      if (!isLast) return;
      const lost = `${String(countEvents(rest))} events are lost`;
      this.#queue.telemetry.loss(`${lost}: ${this.#path} could not be written.`, error);
      return;
    }
    if (old.length > 0) this.#remove(old);
  }

  /** Of what earlier processes have left, only this still has to be delivered. */
  #keep(undelivered: readonly StoredBatch[]): void {
    const { spills } = this.#earlier;
    const kept = undelivered.length === 0 ? [] : [this.#files.write(undelivered)];
    this.#earlier = { spills: kept, ids: idsOf(undelivered) };
    this.#remove(spills);
  }

  #remove(spills: readonly Spill[]): void {
    try {
      this.#files.remove(spills);
    } catch (error) {
      const what = `A spill file of ${this.#path} could not be removed`;
      this.#queue.telemetry.reportError(`${what}; the next start sends once more what is in it.`, error);
    }
  }
}

export function countEvents(batches: readonly StoredBatch[]): number {
  return batches.reduce((sum, { events }) => sum + events.length, 0);
}

function idsOf(batches: readonly StoredBatch[]): ReadonlySet<string> {
  return new Set(batches.map(({ requestId }) => requestId));
}
