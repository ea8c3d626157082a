import { utf8Length } from "#platform";
import type { Batch } from "../../../generated/schema.ts";
import { serializeBatch, serializeEvent } from "../../transport/json.ts";
import type { StoredBatch } from "../outbox.ts";

/** Events that a step of `beforeSend` holds back, as the step got them. */
export interface HeldAdd {
  /** Of the batch that it becomes when it is let go. */
  readonly requestId: string;
  readonly userKey: string;
  readonly batch: Batch;
  /** The step that holds it, from 0. */
  readonly step: number;
  readonly bytes: number;
  readonly events: number;
}

export interface HeldLimits {
  /** Of all that is held, in bytes of JSON. */
  readonly maxBytes: number;
  /** Calls of `add` whose events are held for one user. */
  readonly maxPerUser: number;
}

const PREFIX = "held:";

/** What is held back, by user, oldest first; bounded. */
export class HeldAdds {
  readonly #limits: HeldLimits;
  readonly #byUser = new Map<string, Set<HeldAdd>>();
  readonly #all = new Set<HeldAdd>();
  #bytes = 0;
  #events = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  /** How much is held, as it counts in a ledger. */
  get counts(): { readonly events: number; readonly batches: number } {
    return { events: this.#events, batches: this.#all.size };
  }

  /** In bytes of JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All of it, oldest first. */
  list(): readonly HeldAdd[] {
    return [...this.#all];
  }

  /** @returns what has to go for it, oldest first: of the same user when they have too many, and else of anybody. */
  hold(held: HeldAdd): readonly HeldAdd[] {
    const { maxBytes, maxPerUser } = this.#limits;
    const own = this.#byUser.get(held.userKey) ?? new Set();
    own.add(held);
    this.#byUser.set(held.userKey, own);
    this.#all.add(held);
    this.#bytes += held.bytes;
    this.#events += held.events;
    const gone: HeldAdd[] = [];
    const [oldestOfUser] = own;
    if (own.size > maxPerUser && oldestOfUser !== undefined) gone.push(this.#remove(oldestOfUser));
    for (const oldest of this.#all) {
      if (this.#bytes <= maxBytes) break;
      gone.push(this.#remove(oldest));
    }
    return gone;
  }

  /** What was held for this user, oldest first; it no longer is then. */
  takeAll(userKey: string): readonly HeldAdd[] {
    const own = [...(this.#byUser.get(userKey) ?? [])];
    for (const held of own) this.#remove(held);
    return own;
  }

  /** All that was held, oldest first; nothing is then. */
  takeEverything(): readonly HeldAdd[] {
    return this.list().map((held) => this.#remove(held));
  }

  /** It was never held. @returns whether it was there. */
  takeBack(held: HeldAdd): boolean {
    if (!this.#all.has(held)) return false;
    this.#remove(held);
    return true;
  }

  #remove(held: HeldAdd): HeldAdd {
    const own = this.#byUser.get(held.userKey);
    own?.delete(held);
    if (own?.size === 0) this.#byUser.delete(held.userKey);
    this.#all.delete(held);
    this.#bytes -= held.bytes;
    this.#events -= held.events;
    return held;
  }
}

/** As text, which is how an outbox and a spill file keep it: under an id that says that it must not be sent. */
export function toHeldStored({ requestId, batch, step }: HeldAdd): StoredBatch {
  const { events, ...user } = batch;
  return {
    requestId: `${PREFIX}${String(step)}:${requestId}`,
    context: serializeBatch({ ...user, source_request_id: undefined }),
    events: (events ?? []).map((event) => serializeEvent(event)),
  };
}

/** The id and the step of a stored batch that was held; `undefined` for one that is to be sent. */
export function heldIdOf(requestId: string): { readonly requestId: string; readonly step: number } | undefined {
  const [, step, id] = /^held:(\d+):(.+)/s.exec(requestId) ?? [];
  return step === undefined || id === undefined ? undefined : { requestId: id, step: Number(step) };
}

/** Whether a stored batch was held back, and is not to be sent as it is. */
export function isHeld({ requestId }: StoredBatch): boolean {
  return heldIdOf(requestId) !== undefined;
}

/** A stored batch under the id with which it is sent, also where nothing holds it any more. */
export function asToBeSent(stored: StoredBatch): StoredBatch {
  const held = heldIdOf(stored.requestId);
  return held === undefined ? stored : { ...stored, requestId: held.requestId };
}

/** Of what is held, in UTF-8. */
export function bytesOfStored({ context, events }: StoredBatch): number {
  return events.reduce((sum, event) => sum + utf8Length(event) + 1, utf8Length(context));
}
