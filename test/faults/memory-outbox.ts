import type { DeadLetter, Outbox, OutboxEntry, StoredBatch } from "mparticle-events";

/** An outbox that outlives its queue, as one on disk outlives a process. */
export class MemoryOutbox implements Outbox {
  readonly stored = new Map<
    string,
    { readonly requestId: string; readonly context: string; readonly events: string[] }
  >();
  readonly deadLetters: DeadLetter[] = [];

  open(): Promise<void> {
    return Promise.resolve();
  }

  async *recover(): AsyncGenerator<StoredBatch> {
    await Promise.resolve();
    for (const batch of [...this.stored.values()]) yield { ...batch, events: [...batch.events] };
  }

  async append(entries: readonly OutboxEntry[]): Promise<void> {
    // As a disk does: later, and all that came meanwhile at once.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { requestId, context = "", events } of entries) {
      const batch = this.stored.get(requestId) ?? { requestId, context, events: [] };
      batch.events.push(...events);
      this.stored.set(requestId, batch);
    }
  }

  remove(requestIds: readonly string[]): Promise<void> {
    for (const requestId of requestIds) this.stored.delete(requestId);
    return Promise.resolve();
  }

  setAside(letters: readonly DeadLetter[]): Promise<void> {
    this.deadLetters.push(...letters);
    return this.remove(letters.map(({ requestId }) => requestId));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
