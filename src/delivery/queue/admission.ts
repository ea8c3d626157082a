import type { MParticleError } from "../../errors.ts";
import type { RunInContext } from "../attempt-start.ts";
import { Fifo } from "../fifo.ts";
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

  /** Lets the addition wait for its turn. Resolves when it is taken in. */
  wait(addition: Addition): Promise<void> {
    let resolve: (taken: Promise<void>) => void = () => undefined;
    let reject: (error: MParticleError) => void = () => undefined;
    const taken = new Promise<void>((onTaken, onRefused) => {
      resolve = onTaken;
      reject = onRefused;
    });
    this.#waiting.push({ ...addition, taken, resolve, reject });
    this.#waitingBytes += heldBytes(addition);
    return taken;
  }

  /** The next one that may be taken in now; it no longer waits then. */
  next(whether: "room" | "room or not" = "room"): WaitingAdd | undefined {
    const next = this.#waiting.peek();
    if (next === undefined || (whether === "room" && this.isFull(next.bytes))) return undefined;
    this.#waiting.shift();
    this.#waitingBytes -= heldBytes(next);
    return next;
  }

  /** All that wait; they no longer do then. */
  takeAll(): readonly WaitingAdd[] {
    const all: WaitingAdd[] = [];
    for (let next = this.next("room or not"); next !== undefined; next = this.next("room or not")) all.push(next);
    return all;
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
