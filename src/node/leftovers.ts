import type { StoredBatch } from "../delivery/outbox.ts";
import { isHeld } from "../delivery/queue/held-adds.ts";
import type { QueueInternals } from "../delivery/queue/queue-internals.ts";
import type { SpilledPart } from "../delivery/queue/spilled-batches.ts";
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

  /** Gives the queue what earlier processes have left: some of it at once, the rest in turns and as there is room. */
  loadSpilled(): void {
    const { telemetry, restore } = this.#queue;
    const spills: Spill[] = [];
    const ids = new Set<string>();
    const claimed = new Set<string>();
    this.#earlier = { spills, ids };
    restore(this.#read(spills, ids, claimed))
      .then(async ({ isWhole, undelivered }) => {
        // What nobody has read stays where it is, and with it what is in the same files: it is known by its ids.
        if (isWhole) await this.#keep(undelivered);
      })
      .catch((error: unknown) => {
        telemetry.loss(`${this.#path} could not be taken in; it stays for the next start.`, error);
      })
      .finally(() => {
        for (const id of claimed) inUse.delete(id);
      });
  }

  *#read(spills: Spill[], ids: Set<string>, claimed: Set<string>): Generator<SpilledPart, void> {
    const parts = this.#files.read((id) => {
      if (inUse.has(id)) return false;
      inUse.add(id);
      claimed.add(id);
      return true;
    });
    for (const part of parts) {
      switch (part.kind) {
        case "problem":
          this.#queue.telemetry.loss(part.problem);
          break;
        case "spill":
          spills.push(part.spill);
          break;
        case "batch":
          // A process that died as it wrote anew what it had written before has left some twice.
          if (ids.has(part.batch.requestId)) break;
          // What is held is spilled again, for as long as it is.
          if (!isHeld(part.batch)) ids.add(part.batch.requestId);
          yield part;
          break;
        case "progress":
          yield part;
      }
    }
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
  async #keep(undelivered: readonly StoredBatch[]): Promise<void> {
    const { spills, ids } = this.#earlier;
    const known = new Map(undelivered.map((stored) => [stored.requestId, stored]));
    // In their order, and not in that in which they were given up.
    const rest = [...ids].flatMap((id) => known.get(id) ?? []);
    if (rest.length === ids.size && ids.size > 0) return;
    const kept = rest.length === 0 ? [] : [await this.#files.writeInTurns(rest)];
    this.#earlier = { spills: kept, ids: new Set(rest.map(({ requestId }) => requestId)) };
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
