/** Counts turns of the event loop: a turn is what runs between two calls of `setImmediate`. */
export class TurnCounter {
  #turn = 0;
  #isRunning = true;
  readonly #noted = new Map<number, number>();

  constructor() {
    const next = (): void => {
      this.#turn++;
      if (this.#isRunning) setImmediate(next);
    };
    setImmediate(next);
  }

  /** Something was done in this turn. */
  note(): void {
    this.#noted.set(this.#turn, (this.#noted.get(this.#turn) ?? 0) + 1);
  }

  /** Most that was done in one turn, all of it, and in how many turns. */
  stop(): { readonly most: number; readonly all: number; readonly turns: number } {
    this.#isRunning = false;
    const counts = [...this.#noted.values()];
    return { most: Math.max(...counts), all: counts.reduce((sum, count) => sum + count, 0), turns: counts.length };
  }
}
