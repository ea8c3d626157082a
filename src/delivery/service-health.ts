import { ApiError, type MParticleError } from "../errors.ts";
import type { AttemptResult } from "../transport/attempt.ts";

/** What the answers say about the service: since when it fails, with what, and when it last accepted something. */
export class ServiceHealth {
  #failingSinceMs: number | undefined;
  #lastFailure: MParticleError | undefined;
  #lastAcceptedMs = -Infinity;

  /** Since when no answer but "later" has come; an outage ends the wait of requests that never got a turn. */
  get failingSinceMs(): number {
    return this.#failingSinceMs ?? Infinity;
  }

  /** What the service, or the network, last said when it failed. */
  get lastFailure(): MParticleError | undefined {
    return this.#lastFailure;
  }

  get lastAcceptedMs(): number {
    return this.#lastAcceptedMs;
  }

  /**
   * Takes in what an attempt came to.
   *
   * @param duringPause - it was sent before a pause began, and says nothing about what comes after it.
   */
  observe(result: AttemptResult, now: number, duringPause: boolean): void {
    if (result.kind === "accepted") this.#lastAcceptedMs = now;
    // A refusal is an answer: the service is up again.
    if (result.kind === "accepted" || (result.error instanceof ApiError && !result.error.retryable)) {
      if (!duringPause) this.#failingSinceMs = undefined;
    } else if (result.error.retryable) {
      this.#failingSinceMs ??= now;
      this.#lastFailure = result.error;
    }
  }
}
