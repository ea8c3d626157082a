import { show } from "../../rules/show.ts";
import type { Outbox, StoredBatch } from "../outbox.ts";
import type { Telemetry } from "../telemetry.ts";
import type { EventQueue } from "./event-queue.ts";
import type { SpilledEnd, SpilledPart } from "./spilled-batches.ts";

/** What {@link drainOnExit} needs and nobody else. */
export interface QueueInternals {
  /** Names the input that its events are meant for. */
  readonly apiKey: string;
  readonly telemetry: Telemetry;
  readonly outbox: Outbox | undefined;
  /**
   * Takes in what waits for room and closes all open batches: once an id is on disk, its batch must not grow.
   */
  readonly sealAll: () => void;
  /** All that is not settled, oldest first, and what `close` has handed back. */
  readonly pending: () => readonly StoredBatch[];
  /** Takes in what was pending in an earlier process, as it is read; resolves when it is settled. */
  readonly restore: (parts: Iterable<SpilledPart>) => Promise<SpilledEnd>;
}

const INTERNALS = /* @__PURE__ */ new WeakMap<EventQueue, QueueInternals>();

/** Not a member of the queue: it is no business of its users. */
export function internalsOfQueue(queue: EventQueue): QueueInternals {
  const internals = INTERNALS.get(queue);
  if (internals === undefined)
    throw new TypeError(`The queue is ${show(queue)}; expected an EventQueue of this copy of the package.`);
  return internals;
}

/** Called once, by the constructor of the queue. */
export function shareInternals(queue: EventQueue, internals: QueueInternals): void {
  INTERNALS.set(queue, internals);
}
