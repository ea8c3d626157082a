import type { MParticleError } from "../../errors.ts";
import { readableError } from "../../rules/readable-error.ts";
import { LinkedList } from "../../transport/linked-list.ts";
import { InFlightCount } from "../in-flight-count.ts";

/** What becomes of a write when it ends. */
export interface WriteEnd {
  /** Who waits is told after it: whoever adds in a loop must let others have their turn. */
  readonly turn: Promise<void> | undefined;
  readonly onStored: () => void;
  /** @returns what who waits is told. */
  readonly onFailed: (error: unknown) => MParticleError;
}

/**
 * What is being written to a store, and who waits for it. As few promises for each write as there can be, because
 * thousands wait at the same time: what they leave to the garbage collector costs more than SQLite does.
 */
export class StoreWrites {
  readonly #underWay = new InFlightCount();
  /** Ends the waits of those who added what is being written. */
  readonly #waiting = new LinkedList<(error: MParticleError) => void>();

  /** Starts a write at once, whatever becomes of it; {@link ended} waits for it. */
  track(start: () => Promise<void>): Promise<void> {
    this.#underWay.enter();
    const write = promiseOf(start);
    write.then(this.#end, this.#end);
    return write;
  }

  /** As `write`, unless nobody waits for it any more: see {@link giveUp}. */
  waitFor(write: Promise<void>, { turn, onStored, onFailed }: WriteEnd): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.add(reject);
      write.then(
        () => {
          this.#waiting.remove(waiting);
          onStored();
          resolve(turn);
        },
        (cause: unknown) => {
          this.#waiting.remove(waiting);
          const error = onFailed(cause);
          if (turn === undefined) reject(error);
          else
            void turn.then(() => {
              reject(error);
            });
        },
      );
    });
  }

  /** Resolves when nothing is being written any more. */
  ended(): Promise<void> {
    return this.#underWay.idle();
  }

  /** Ends all waits: the writes may go on, but nobody waits for them. */
  giveUp(error: MParticleError): void {
    for (const reject of this.#waiting.toArray()) reject(error);
  }

  readonly #end = (): void => {
    this.#underWay.leave();
  };
}

/** A store that is not ours may give no promise, or throw instead of rejecting. One of its own is not wrapped. */
function promiseOf(start: () => Promise<void>): Promise<void> {
  try {
    return Promise.resolve(start());
  } catch (error) {
    const readable = readableError(error);
    return Promise.reject(readable instanceof Error ? readable : new Error(String(readable)));
  }
}
