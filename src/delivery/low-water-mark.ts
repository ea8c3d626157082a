/**
 * Counts how many of the first batches of a source are done, whatever the order in which they end. Its memory grows with
 * the gaps between those that are done, and so with what is in flight, not with the source.
 */
export class LowWaterMark {
  #settledThrough = 0;
  /** Nothing at or above it counts: the batch at it was not delivered, and has to be sent again. */
  #limit = Infinity;
  /** Runs of batches that are done, above a gap: the index after the last of a run by its first, and the reverse. */
  readonly #endByStart = new Map<number, number>();
  readonly #startByEnd = new Map<number, number>();

  /** All batches with an index below it are accepted or rejected. */
  get settledThrough(): number {
    return this.#settledThrough;
  }

  /** Runs of batches that it remembers. */
  get runs(): number {
    return this.#endByStart.size;
  }

  /** A batch was accepted or rejected; called once for each index. */
  done(index: number): void {
    if (index > this.#limit) return;
    const start = this.#startByEnd.get(index) ?? index;
    const end = this.#endByStart.get(index + 1) ?? index + 1;
    this.#startByEnd.delete(index);
    this.#endByStart.delete(index + 1);
    this.#endByStart.delete(start);
    this.#startByEnd.delete(end);
    if (start === this.#settledThrough) {
      this.#settledThrough = end;
    } else {
      this.#endByStart.set(start, end);
      this.#startByEnd.set(end, start);
    }
  }

  /** A batch was not delivered: the mark stays at or below it. */
  undelivered(index: number): void {
    if (index >= this.#limit) return;
    this.#limit = index;
    for (const [start, end] of this.#endByStart) {
      if (start < index) continue;
      this.#endByStart.delete(start);
      this.#startByEnd.delete(end);
    }
  }
}
