import { SYSTEM_STAMPS } from "../../model/stamp.ts";
import type { RunInContext } from "../attempt-start.ts";
import { Fifo } from "../fifo.ts";
import type { Verdict } from "../outcome.ts";
import { FRAME_BYTES, type Context, type EventText, type Lane, type QueuedBatch } from "./queued-batch.ts";
import { Tally } from "./tally.ts";

export interface PendingOptions {
  readonly maxEventsPerBatch: number;
  /** A batch stays below it. */
  readonly maxBatchBytes: number;
  /**
   * Whether a batch that is due still takes events. The more a request has to wait, the more it should carry; but with an
   * outbox each of them would make it wait for the disk again.
   */
  readonly growsWhenDue: boolean;
  readonly now: () => number;
  /** Called when there is a lane to send from that was not there before. */
  readonly onReady: () => void;
}

/** What was put into which batch, each of them once. A list, because most have one, and a Map costs every `add` more. */
export type BatchParts = { readonly batch: QueuedBatch; readonly items: EventText[] }[];

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** A batch as it is changed here, with its neighbours among all that are pending. */
interface OwnBatch extends Writable<Omit<QueuedBatch, "events" | "lane" | "nextInLane" | "origins">> {
  events: string[];
  origins: RunInContext[] | undefined;
  readonly lane: OwnLane;
  nextInLane: OwnBatch | undefined;
  older: OwnBatch | undefined;
  newer: OwnBatch | undefined;
}

interface OwnLane extends Writable<Omit<Lane, "first">> {
  first: OwnBatch | undefined;
  last: OwnBatch | undefined;
  /** The last one, as long as it takes events; it may be due already. */
  taking: OwnBatch | undefined;
}

/** Waits for all batches with a lower index. */
interface SettledWaiter {
  readonly belowIndex: number;
  readonly settled: Promise<void>;
  readonly resolve: () => void;
}

/**
 * All batches that are not settled, and the only writer of their state:
 * open → due → in flight → settled, and back from in flight to due when another attempt is to be made.
 *
 * A batch has its place among all others and in the lane of its user until it is settled, and counts in the ledger, in
 * the bytes that are held and among those that a flush waits for. All of that changes here, in one step.
 */
export class PendingBatches {
  readonly events = new Tally();
  readonly batches = new Tally();
  readonly #options: PendingOptions;
  readonly #lanes = new Map<string, OwnLane>();
  readonly #ready = new Set<OwnLane>();
  readonly #waiters = new Fifo<SettledWaiter>();
  #oldest: OwnBatch | undefined;
  #newest: OwnBatch | undefined;
  /** None before it is open: it only moves on, because what was open once is never open again. */
  #firstOpen: OwnBatch | undefined;
  #nextIndex = 0;
  #bufferedBytes = 0;
  #inFlightBytes = 0;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** Bytes of JSON of all batches. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Of these, what is on its way. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Users of whom something is pending, by the key of their lane. */
  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes;
  }

  /** Lanes with a batch that may be sent now, the longest waiting one first. */
  get readyLanes(): ReadonlySet<Lane> {
    return this.#ready;
  }

  /** All of them, oldest first. */
  list(): QueuedBatch[] {
    const all: QueuedBatch[] = [];
    for (let batch = this.#oldest; batch !== undefined; batch = batch.newer) all.push(batch);
    return all;
  }

  /** The oldest of those that can still be taken back: what is in flight may have arrived. */
  get oldestToSend(): QueuedBatch | undefined {
    let batch = this.#oldest;
    while (batch?.state === "in flight") batch = batch.newer;
    return batch;
  }

  /** The open batch that is due first. */
  get oldestOpen(): QueuedBatch | undefined {
    while (this.#firstOpen !== undefined && this.#firstOpen.state !== "open") this.#firstOpen = this.#firstOpen.newer;
    return this.#firstOpen;
  }

  /** For what has an outcome without having been a batch here. */
  takeIndex(): number {
    return this.#nextIndex++;
  }

  /**
   * Puts events into the open batch of their user, and into further ones as each is full.
   *
   * @param parts - takes what was put where, if somebody wants to know.
   * @param origin - the context of who added them, if somebody wants to know.
   */
  put(context: Context, items: readonly EventText[], parts?: BatchParts, origin?: RunInContext): void {
    const lane = this.#laneOf(context);
    // A user without any event is sent as well.
    if (items.length === 0) {
      const batch = this.#batchFor(lane, context);
      if (origin !== undefined) addOrigin(batch, origin);
      if (!batch.contextStored) parts?.push({ batch, items: [] });
    }
    for (const item of items) {
      const batch = this.#batchFor(lane, context, item);
      if (origin !== undefined) addOrigin(batch, origin);
      if (parts !== undefined) {
        const last = parts.at(-1);
        // None that is closed is opened again.
        if (last?.batch === batch) last.items.push(item);
        else parts.push({ batch, items: [item] });
      }
      this.#add(batch, item);
      if (batch.events.length >= this.#options.maxEventsPerBatch) this.#close(batch);
    }
  }

  /** Takes in a batch of an earlier process, as it was. */
  restore(requestId: string, context: Context, items: readonly EventText[], contextStored: boolean): QueuedBatch {
    const lane = this.#laneOf(context);
    // What comes later must not be put before it.
    if (lane.taking !== undefined) this.#close(lane.taking);
    const batch = this.#append(requestId, context, lane);
    batch.contextStored = contextStored;
    for (const item of items) this.#add(batch, item);
    this.#makeDue(batch);
    return batch;
  }

  /** Makes those due that were opened at that time or before. */
  makeDue(openedAtMs = Infinity): void {
    for (let batch = this.oldestOpen; batch !== undefined; batch = this.oldestOpen) {
      if (batch.openedAtMs > openedAtMs) return;
      this.#makeDue(batch as OwnBatch); // made here
    }
  }

  /** Lets nothing join what is pending. */
  closeAll(): void {
    for (const { taking } of this.#lanes.values()) if (taking !== undefined) this.#close(taking);
  }

  /** The batch is sent: due → in flight. */
  start(given: QueuedBatch): void {
    const batch = given as OwnBatch; // made here
    const { lane } = batch;
    batch.state = "in flight";
    lane.inFlight++;
    this.#inFlightBytes += batch.bytes;
    if (lane.taking === batch) lane.taking = undefined;
    this.#ready.delete(lane);
  }

  /** The batch is to be sent once more: in flight → due. It goes before what its user did later, and behind all other users. */
  retry(given: QueuedBatch): void {
    const batch = given as OwnBatch; // made here
    this.#land(batch);
    batch.state = "due";
    this.#updateReady(batch.lane);
  }

  /** The batch is no longer ours, whatever its state: makes way for its user's next one. */
  settle(batch: QueuedBatch, kind: Verdict["kind"]): void {
    this.events.settle(kind, batch.events.length);
    this.batches.settle(kind, 1);
    this.#remove(batch as OwnBatch); // made here
  }

  /** A write of the batch to the outbox is under way. */
  beginWrite(batch: QueuedBatch): void {
    const own = batch as OwnBatch; // made here
    own.openWrites++;
    this.#updateReady(own.lane);
  }

  /**
   * A write has ended.
   *
   * @param unstored - what could not be stored. It was not taken in, then, and leaves the batch.
   */
  endWrite(given: QueuedBatch, unstored?: readonly EventText[]): void {
    const batch = given as OwnBatch; // made here
    batch.openWrites--;
    if (unstored === undefined) batch.contextStored = true;
    // It was given up in the meantime, and reported as undelivered.
    if (batch.state === "settled") return;
    if (unstored !== undefined) this.#removeUnstored(batch, unstored);
    if (batch.openWrites > 0) return;
    if (batch.contextStored) this.#updateReady(batch.lane);
    else this.#discard(batch);
  }

  /** Resolves when all that is pending now is settled. */
  allSettled(): Promise<void> {
    const newest = this.#waiters.peekLast();
    if (newest?.belowIndex === this.#nextIndex) return newest.settled;
    if (this.#oldest === undefined) return Promise.resolve();
    let resolve: () => void = () => undefined;
    const settled = new Promise<void>((done) => {
      resolve = done;
    });
    this.#waiters.push({ belowIndex: this.#nextIndex, settled, resolve });
    return settled;
  }

  #laneOf(context: Context): OwnLane {
    const { laneKey: key } = context;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, context, first: undefined, last: undefined, taking: undefined, inFlight: 0 };
      this.#lanes.set(key, lane);
    }
    lane.context = context;
    return lane;
  }

  /** The batch of its lane that takes the event, after closing one that cannot. */
  #batchFor(lane: OwnLane, context: Context, item?: EventText): OwnBatch {
    const { taking } = lane;
    if (taking !== undefined) {
      const isSame = taking.context === context || taking.context.text === context.text;
      if (isSame && (item === undefined || this.#hasRoom(taking, item))) return taking;
      this.#close(taking);
    }
    const batch = this.#append(SYSTEM_STAMPS.newId(), context, lane);
    lane.taking = batch;
    return batch;
  }

  #hasRoom({ events, bytes }: OwnBatch, item: EventText): boolean {
    return events.length === 0 || bytes + item.bytes + 1 < this.#options.maxBatchBytes;
  }

  #add(batch: OwnBatch, item: EventText): void {
    // An empty list makes room for 17 with its first item, and most users have one event at a time.
    if (batch.events.length === 0) batch.events = [item.text];
    else batch.events.push(item.text);
    batch.bytes += item.bytes + 1;
    this.#bufferedBytes += item.bytes + 1;
    this.events.enter(1);
  }

  /** A new batch, behind all others and behind those of its lane. */
  #append(requestId: string, context: Context, lane: OwnLane): OwnBatch {
    const batch: OwnBatch = {
      requestId,
      context,
      lane,
      index: this.#nextIndex++,
      events: [],
      bytes: context.bytes + FRAME_BYTES,
      openedAtMs: this.#options.now(),
      state: "open",
      openWrites: 0,
      contextStored: false,
      origins: undefined,
      nextInLane: undefined,
      older: this.#newest,
      newer: undefined,
    };
    if (this.#newest === undefined) this.#oldest = batch;
    else this.#newest.newer = batch;
    this.#newest = batch;
    this.#firstOpen ??= batch;
    if (lane.last === undefined) lane.first = batch;
    else lane.last.nextInLane = batch;
    lane.last = batch;
    this.batches.enter(1);
    this.#bufferedBytes += batch.bytes;
    return batch;
  }

  /** Nothing joins the batch any more, which is the one of its lane that takes events. */
  #close(batch: OwnBatch): void {
    this.#makeDue(batch);
    batch.lane.taking = undefined;
  }

  /** open → due, or due as before. */
  #makeDue(batch: OwnBatch): void {
    batch.state = "due";
    if (!this.#options.growsWhenDue) batch.lane.taking = undefined;
    this.#updateReady(batch.lane);
  }

  /** It is in flight no more. */
  #land(batch: OwnBatch): void {
    if (batch.state !== "in flight") return;
    batch.lane.inFlight--;
    this.#inFlightBytes -= batch.bytes;
  }

  #removeUnstored(batch: OwnBatch, items: readonly EventText[]): void {
    const isAll = items.length === batch.events.length;
    if (isAll) batch.events = [];
    for (const item of items) {
      if (!isAll) batch.events.splice(batch.events.lastIndexOf(item.text), 1);
      batch.bytes -= item.bytes + 1;
      this.#bufferedBytes -= item.bytes + 1;
    }
    this.events.takeBack(items.length);
  }

  /** Nothing of it could be stored: it never was a batch. */
  #discard(batch: OwnBatch): void {
    this.batches.takeBack(1);
    this.#remove(batch);
  }

  #remove(batch: OwnBatch): void {
    const { lane, older, newer } = batch;
    this.#land(batch);
    batch.state = "settled";
    this.#bufferedBytes -= batch.bytes;
    if (this.#firstOpen === batch) this.#firstOpen = newer;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    // Whoever keeps the outcome of a batch must not keep all that came after it.
    batch.older = undefined;
    batch.newer = undefined;
    leaveLane(batch);
    if (lane.first === undefined) this.#lanes.delete(lane.key);
    this.#updateReady(lane);
    this.#resolveWaiters();
  }

  /** A lane is ready when none of its batches is in flight, and its first one is due and stored. */
  #updateReady(lane: OwnLane): void {
    const { first } = lane;
    if (lane.inFlight > 0 || first?.state !== "due" || first.openWrites > 0) {
      this.#ready.delete(lane);
    } else if (!this.#ready.has(lane)) {
      this.#ready.add(lane);
      this.#options.onReady();
    }
  }

  #resolveWaiters(): void {
    const oldestIndex = this.#oldest?.index ?? Infinity;
    for (let waiter = this.#waiters.peek(); waiter !== undefined; waiter = this.#waiters.peek()) {
      if (waiter.belowIndex > oldestIndex) return;
      this.#waiters.shift();
      waiter.resolve();
    }
  }
}

/** Looks through the batches before it in its lane: they are in flight, and there are few of those. */
function leaveLane(batch: OwnBatch): void {
  const { lane, nextInLane } = batch;
  let before: OwnBatch | undefined;
  for (let other = lane.first; other !== undefined && other !== batch; other = other.nextInLane) before = other;
  if (before === undefined) lane.first = nextInLane;
  else before.nextInLane = nextInLane;
  if (lane.last === batch) lane.last = before;
  if (lane.taking === batch) lane.taking = undefined;
  batch.nextInLane = undefined;
}

/** A batch that many add to remembers so many of them. */
const MAX_ORIGINS = 32;

function addOrigin(batch: OwnBatch, origin: RunInContext): void {
  batch.origins ??= [];
  if (batch.origins.length < MAX_ORIGINS && batch.origins.at(-1) !== origin) batch.origins.push(origin);
}
