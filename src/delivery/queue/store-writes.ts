import type { MParticleError } from "../../errors.ts";
import { LinkedList } from "../../transport/linked-list.ts";

/** What is being written to a store, and who waits for it. */
export class StoreWrites {
  readonly #underWay = new LinkedList<Promise<void>>();
  /** Ends the waits of those who added what is being written. */
  readonly #waiting = new LinkedList<(error: MParticleError) => void>();

  /** Starts a write at once, whatever becomes of it; {@link ended} waits for it. */
  track(start: () => Promise<void>): Promise<void> {
    // A store that is not ours may give no promise, or throw instead of rejecting.
    const write = new Promise<void>((resolve) => {
      resolve(start());
    });
    const tracked = this.#underWay.add(write);
    const end = (): void => {
      this.#underWay.remove(tracked);
    };
    write.then(end, end);
    return write;
  }

  /** As `write`, unless nobody waits for it any more: see {@link giveUp}. */
  waitFor(write: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.add(reject);
      const end = (): void => {
        this.#waiting.remove(waiting);
      };
      write.then(end, end);
      write.then(resolve, reject);
    });
  }

  /** Resolves when nothing is being written any more. */
  async ended(): Promise<void> {
    while (this.#underWay.first !== undefined) await Promise.allSettled(this.#underWay.toArray());
  }

  /** Ends all waits: the writes may go on, but nobody waits for them. */
  giveUp(error: MParticleError): void {
    for (const reject of this.#waiting.toArray()) reject(error);
  }
}
