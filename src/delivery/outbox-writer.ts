import { MParticleError } from "../errors.ts";
import type { Outbox, OutboxEntry, StoredBatch } from "./outbox.ts";
import type { Verdict } from "./outcome.ts";
import type { Telemetry } from "./telemetry.ts";

/** Keeps an outbox in step with what becomes of its batches. */
export class OutboxWriter {
  readonly #outbox: Outbox;
  readonly #apiKey: string;
  readonly #telemetry: Telemetry;
  /** What need not be sent any more and is still stored. */
  readonly #removable = new Set<string>();
  #removalScheduled = false;
  #writes: Promise<unknown> = Promise.resolve();
  #isOpen = false;

  /** @param apiKey - names the input that the events are meant for. */
  constructor(outbox: Outbox, apiKey: string, telemetry: Telemetry) {
    this.#outbox = outbox;
    this.#apiKey = apiKey;
    this.#telemetry = telemetry;
  }

  /** Whether the store was taken over. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Takes the store over, and reads what an earlier owner left pending, oldest first.
   *
   * @throws MParticleError - `OUTBOX`, saying what is wrong with it.
   */
  async *recover(): AsyncGenerator<StoredBatch, void> {
    try {
      const warn = (message: string, error?: unknown): void => {
        this.#telemetry.loss(message, error);
      };
      await this.#outbox.open({ apiKey: this.#apiKey, warn });
      this.#isOpen = true;
      yield* this.#outbox.recover();
    } catch (error) {
      throw asOutboxError(error);
    }
  }

  /**
   * Resolves when the entries are stored.
   *
   * @throws MParticleError - `OUTBOX`; none of them is stored then.
   */
  async append(entries: readonly OutboxEntry[]): Promise<void> {
    try {
      await this.#outbox.append(entries);
    } catch (error) {
      throw asOutboxError(error);
    }
  }

  /**
   * What was accepted, or dropped by policy, leaves the store; what was refused is set aside; the rest stays for the
   * next start.
   *
   * @param stored - settles when the last write of the batch has ended, should it still be under way.
   */
  settle(requestId: string, verdict: Verdict, stored?: Promise<unknown>): void {
    if (stored !== undefined) {
      // A removal that overtakes it would find nothing to remove.
      this.#write(async () => {
        await stored;
        this.settle(requestId, verdict);
      });
    } else if (verdict.kind === "rejected") {
      const { code, message } = verdict.error;
      this.#write(async () => {
        await this.#outbox.setAside([{ requestId, reason: { code, message, atMs: Date.now() } }]);
      });
    } else if (verdict.kind === "accepted" || verdict.error.code === "OVERFLOW") {
      this.#removable.add(requestId);
      if (this.#removalScheduled) return;
      this.#removalScheduled = true;
      // All batches of a request are settled in one go, and leave the store in one write.
      queueMicrotask(() => {
        this.#removalScheduled = false;
        this.#remove();
      });
    }
  }

  /** Finishes what is being written and gives the store up. */
  async close(): Promise<void> {
    await Promise.resolve(); // the removals of this turn
    await this.#writes;
    if (this.#removable.size > 0) this.#remove();
    await this.#writes;
    await this.#outbox.close();
  }

  #remove(): void {
    const requestIds = [...this.#removable];
    this.#removable.clear();
    this.#write(async () => {
      try {
        await this.#outbox.remove(requestIds);
      } catch (error) {
        // Tried again with those that come next: a disk that is full now may have room then.
        for (const requestId of requestIds) this.#removable.add(requestId);
        throw error;
      }
    });
  }

  /** Nobody awaits it: should it fail to the end, the batch is sent again after the next start, and known by its id. */
  #write(write: () => Promise<void>): void {
    const finished = write().catch((error: unknown) => {
      this.#telemetry.reportError("The outbox could not be updated.", error);
    });
    this.#writes = Promise.all([this.#writes, finished]);
  }
}

/** Stores throw what they like; who adds is told that it was the store. */
export function asOutboxError(error: unknown): MParticleError {
  if (error instanceof MParticleError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new MParticleError("OUTBOX", `The outbox failed: ${said}`, { cause: error });
}
