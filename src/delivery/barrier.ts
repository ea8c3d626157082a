/** Everything that entered between two waits. */
export interface Generation {
  inside: number;
  /** Set once somebody waits for it; nobody enters any more then. */
  emptied: Promise<void> | undefined;
  resolve: () => void;
}

/** Lets anybody wait for all that entered before, and for nothing that enters after. */
export class Barrier {
  /** The oldest first; the last one is open. */
  readonly #generations: Generation[] = [makeGeneration()];

  enter(): Generation {
    const generation = this.#newest;
    generation.inside++;
    return generation;
  }

  leave(generation: Generation): void {
    generation.inside--;
    this.#settle();
  }

  /** Resolves when all that is inside now has left. */
  wait(): Promise<void> {
    const newest = this.#newest;
    // Nobody entered since the last wait: it is the same wait.
    const last = newest.inside > 0 ? newest : this.#generations.at(-2);
    if (last === undefined) return Promise.resolve();
    if (last === newest) {
      newest.emptied = new Promise((resolve) => {
        newest.resolve = resolve;
      });
      this.#generations.push(makeGeneration());
    }
    return last.emptied ?? Promise.resolve();
  }

  get #newest(): Generation {
    const newest = this.#generations.at(-1);
    if (newest === undefined) throw new Error("there is always an open generation");
    return newest;
  }

  #settle(): void {
    for (
      let oldest = this.#generations[0];
      oldest?.emptied !== undefined && oldest.inside === 0;
      oldest = this.#generations[0]
    ) {
      this.#generations.shift();
      oldest.resolve();
    }
  }
}

function makeGeneration(): Generation {
  return { inside: 0, emptied: undefined, resolve: () => undefined };
}
