/** An item's place in a {@link LinkedList}: what takes it out again. */
export interface Link<Item> {
  readonly item: Item;
  /** Its neighbours, as long as it is in the list. */
  previous: Link<Item> | undefined;
  next: Link<Item> | undefined;
  isIn: boolean;
}

/**
 * Items in the order in which they came, any of which may leave at any time: what each request enters and leaves again.
 *
 * Not a Map or a Set. One that lives long gets a new table after every few changes, and V8 lets each table refer to the
 * next: the collector of young objects then keeps every table, and whatever was in it, until old objects are collected
 * as well. With 64 requests in flight that was half of all requests, and a third of what each of them cost.
 */
export class LinkedList<Item> {
  #first: Link<Item> | undefined;
  #last: Link<Item> | undefined;

  /** What came first of all that is in it. */
  get first(): Link<Item> | undefined {
    return this.#first;
  }

  /** Those that are in it now. */
  toArray(): Item[] {
    const items: Item[] = [];
    for (let link = this.#first; link !== undefined; link = link.next) items.push(link.item);
    return items;
  }

  add(item: Item): Link<Item> {
    const link: Link<Item> = { item, previous: this.#last, next: undefined, isIn: true };
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    return link;
  }

  /** Takes an item out; nothing where it has left already. */
  remove(link: Link<Item>): void {
    if (!link.isIn) return;
    const { previous, next } = link;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    link.isIn = false;
    // One that has left must hold none of those that are still there.
    link.previous = undefined;
    link.next = undefined;
  }
}
