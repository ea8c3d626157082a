import type { MParticleError } from "../../errors.ts";
import { BLANK } from "../../rules/objects.ts";
import type { RunInContext } from "../attempt-start.ts";
import { Fifo } from "../fifo.ts";
import type { BatchParts } from "./pending-batches.ts";
import type { Overflow } from "./queue-options.ts";
import { FRAME_BYTES, type Context, type EventText } from "./queued-batch.ts";

/** What a call of `add` brings. */
export interface Addition {
  readonly context: Context;
  readonly items: readonly EventText[];
  /** Of the events, with a comma each. */
  readonly bytes: number;
  /** The context of the call, where somebody wants to know. */
  readonly origin?: RunInContext | undefined;
}

/** A call of `add` whose turn has not come. */
export interface WaitingAdd extends Addition {
  context: Context;
  items: readonly EventText[];
  bytes: number;
  /** Reads what is left of it, where it is still being read: it has no turn before. */
  readRest: (() => void) | undefined;
  /** What happens in its turn instead of being taken in, where that is settled already. */
  instead: (() => void) | undefined;
  /** Where the first of it is that was taken in, when there is so much of it that this takes several turns. */
  parts: BatchParts | undefined;
  /** What counts of it: nothing while it is being read, for it may be refused. */
  heldBytes: number;
  /** Set when it no longer waits. */
  isGone: boolean;
  /** What its caller was given. */
  readonly taken: Promise<void>;
  readonly resolve: (taken: Promise<void>) => void;
  readonly reject: (error: MParticleError) => void;
}

export interface AdmissionOptions {
  readonly maxBufferedBytes: number;
  readonly overflow: Overflow;
  /** What is held in batches right now. */
  readonly held: { readonly bufferedBytes: number; readonly inFlightBytes: number };
  /** Whether nothing stands in the way but room. */
  readonly isOpen: () => boolean;
}

export type Decision = "in" | "wait" | "drop" | "reject";

/** Decides what is taken in at once, what waits, and for what there is no room. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting = new Fifo<WaitingAdd>();
  #waitingBytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** How many calls of `add` wait. */
  get waitingAdds(): number {
    return this.#waiting.size;
  }

  /** Resolves when all that waits now is taken in or refused, which happens in order; `undefined` when nothing waits. */
  get lastWaiting(): Promise<void> | undefined {
    return this.#waiting.peekLast()?.taken;
  }

  decide({ bytes }: Addition): Decision {
    const { overflow } = this.#options;
    if (overflow !== "wait" && !this.hasRoom(bytes)) return overflow === "reject" ? "reject" : "drop";
    if (this.#waiting.size > 0 || !this.#options.isOpen() || this.isFull(bytes)) return "wait";
    return "in";
  }

  /** Whether there is room for so many bytes beside all that is held and all that waits. */
  hasRoom(bytes: number): boolean {
    return !this.#exceeds(this.#waitingBytes, bytes);
  }

  /** Whether the batches alone leave no room for so many bytes. */
  isFull(bytes: number): boolean {
    return this.#exceeds(0, bytes);
  }

  /** Whether there would be room if all were dropped that is not in flight. */
  couldMakeRoom(bytes: number): boolean {
    const { bufferedBytes, inFlightBytes } = this.#options.held;
    return !this.#exceeds(this.#waitingBytes - (bufferedBytes - inFlightBytes), bytes);
  }

  /**
   * Lets the addition wait for its turn.
   *
   * @param readRest - for one that is still being read: its events count once it is {@link setRead}.
   */
  wait(addition: Addition, readRest?: () => void): WaitingAdd {
    let resolve: (taken: Promise<void>) => void = () => undefined;
    let reject: (error: MParticleError) => void = () => undefined;
    const taken = new Promise<void>((onTaken, onRefused) => {
      resolve = onTaken;
      reject = onRefused;
    });
    const waiting: WaitingAdd = {
      ...BLANK,
      ...addition,
      ...(readRest !== undefined && { items: [], bytes: 0 }),
      heldBytes: readRest === undefined ? heldBytes(addition) : 0,
      readRest,
      instead: undefined,
      parts: undefined,
      isGone: false,
      taken,
      resolve,
      reject,
    };
    this.#waiting.push(waiting);
    this.#waitingBytes += waiting.heldBytes;
    return waiting;
  }

  /** All of it is read now, and counts. */
  setRead(waiting: WaitingAdd, { context, items, bytes }: Addition): void {
    waiting.context = context;
    waiting.items = items;
    waiting.bytes = bytes;
    waiting.readRest = undefined;
    waiting.heldBytes = heldBytes(waiting);
    this.#waitingBytes += waiting.heldBytes;
  }

  /** The first of it is taken in, and counts no longer; the rest has its turn before all others. */
  setBegun(waiting: WaitingAdd, parts: BatchParts, { items, bytes }: Pick<Addition, "items" | "bytes">): void {
    this.#waitingBytes -= waiting.bytes - bytes;
    waiting.heldBytes -= waiting.bytes - bytes;
    waiting.parts = parts;
    waiting.items = items;
    waiting.bytes = bytes;
  }

  /** The first one in line, if it may be taken in now. */
  first(whether: "room" | "room or not"): WaitingAdd | undefined {
    const first = this.#waiting.peek();
    if (first === undefined || first.instead !== undefined) return first;
    if (whether === "room") {
      const mayGoOn = first.readRest === undefined && (first.parts !== undefined || !this.isFull(first.bytes));
      return mayGoOn ? first : undefined;
    }
    first.readRest?.();
    return first;
  }

  /** All that wait; they no longer do then. What is still being read stays unread. */
  takeAll(): readonly WaitingAdd[] {
    const all: WaitingAdd[] = [];
    for (let next = this.takeFirst(); next !== undefined; next = this.takeFirst()) all.push(next);
    return all;
  }

  /** The first one in line, as it is; it no longer waits. */
  takeFirst(): WaitingAdd | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    next.isGone = true;
    this.#waitingBytes -= next.heldBytes;
    return next;
  }

  /** Whether so many bytes more are too many, when others are held beside the batches. */
  #exceeds(otherBytes: number, bytes: number): boolean {
    const held = this.#options.held.bufferedBytes + otherBytes;
    // One that is larger than the whole buffer is taken in alone.
    return held > 0 && held + bytes > this.#options.maxBufferedBytes;
  }
}

/** As long as it waits it may become a batch of its own: its user is held as well. */
function heldBytes({ context, bytes }: Addition): number {
  return context.bytes + FRAME_BYTES + bytes;
}
