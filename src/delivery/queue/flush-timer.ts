import type { Effects } from "../effects.ts";
import type { PendingBatches } from "./pending-batches.ts";

/** Makes each batch due when it has been open for as long as `flushIntervalMs`. */
export class FlushTimer {
  readonly #pending: PendingBatches;
  readonly #effects: Effects;
  readonly #intervalMs: number;
  #stop: (() => void) | undefined;

  constructor(pending: PendingBatches, effects: Effects, intervalMs: number) {
    this.#pending = pending;
    this.#effects = effects;
    this.#intervalMs = intervalMs;
  }

  /** Waits for the batch that was opened first, unless it does already. Keeps no process alive: its end drains the queue. */
  start(): void {
    if (this.#stop !== undefined) return;
    const { oldestOpen } = this.#pending;
    if (oldestOpen === undefined) return;
    const dueAtMs = oldestOpen.openedAtMs + this.#intervalMs;
    this.#stop = this.#effects.startTimer(
      () => {
        this.#stop = undefined;
        this.#pending.makeDue(this.#effects.now() - this.#intervalMs);
        this.start();
      },
      Math.max(0, dueAtMs - this.#effects.now()),
      "idle",
    );
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
