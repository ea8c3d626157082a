import { EXIT } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

type InterruptHandler = Parameters<Terminal["onInterrupt"]>[0];

/** What becomes of a command whose output nobody reads any more: it ends in order, and never with 0. */
export class CutOff {
  readonly #handlers = new Set<InterruptHandler>();
  #isCutOff = false;
  #exitCode: number | undefined;

  /** Nobody reads any more. A command that goes on until it is interrupted is interrupted, once. */
  happened(): void {
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    for (const handler of [...this.#handlers]) handler("SIGTERM");
  }

  /** Calls `handler` when nobody reads any more; the returned function forgets it. */
  onCutOff(handler: InterruptHandler): () => void {
    this.#handlers.add(handler);
    // Not at once: who registers may not be ready yet.
    if (this.#isCutOff) {
      queueMicrotask(() => {
        if (this.#handlers.has(handler)) handler("SIGTERM");
      });
    }
    return () => this.#handlers.delete(handler);
  }

  /** The command came to this; what it wrote last may still be on its way. */
  settle(exitCode: number): void {
    this.#exitCode = exitCode;
  }

  /** The code that says what the command found. Where that is nothing, and somebody did not see all of it, it says so. */
  get exitCode(): number | undefined {
    return this.#exitCode === EXIT.clean && this.#isCutOff ? EXIT.cutOff : this.#exitCode;
  }
}
