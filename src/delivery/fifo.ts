/** First in, first out, in constant time at any length; `Array.prototype.shift` moves every item that is left. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  *[Symbol.iterator](): Generator<Item, void> {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at];
      if (item !== undefined) yield item;
    }
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The oldest item, which stays. */
  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  /** The newest item, which stays. */
  peekLast(): Item | undefined {
    // What has left is undefined in its place.
    return this.#items.at(-1);
  }

  /** The oldest item, which leaves. */
  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#items[this.#head++] = undefined;
    // Moving the rest only when it is no longer than what has left keeps the cost per item constant.
    if (this.#head > 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
