import { utf8Length } from "#platform";
import type { Batch } from "../../../generated/schema.ts";
import type { RunInContext } from "../attempt-start.ts";
import { parseExact } from "../../transport/json.ts";
import { BATCH_END, batchHead, textOfBatch, type StoredBatch } from "../outbox.ts";
import { Turns } from "../turns.ts";

/** The context of a batch (all of it but the events) as text, and the lane of its user. */
export interface Context {
  readonly text: string;
  readonly bytes: number;
  readonly laneKey: string;
}

/** An event as JSON, and its length in UTF-8. */
export interface EventText {
  readonly text: string;
  readonly bytes: number;
}

/**
 * An `open` batch takes events. One that is `due` waits to be sent, and may still take some. What happens to one
 * `in flight` decides the service; it is `due` again when the service could not be reached.
 */
type BatchState = "open" | "due" | "in flight" | "settled";

/** A batch in a queue, from its first event to its outcome. `PendingBatches` alone changes it. */
export interface QueuedBatch {
  readonly requestId: string;
  readonly context: Context;
  readonly lane: Lane;
  /** Among all batches of the queue, and all that were refused. */
  readonly index: number;
  /** Its events as JSON, oldest first. */
  readonly events: readonly string[];
  /** Of the whole batch as it will be sent, at most. */
  readonly bytes: number;
  readonly openedAtMs: number;
  readonly state: BatchState;
  /** Writes to the outbox that have not ended, in whatever order they end. The batch is not sent before all have. */
  readonly openWrites: number;
  /** Whether the outbox has its context. */
  readonly contextStored: boolean;
  /** The contexts of those who added to it, the first ones, where somebody wants to know. */
  readonly origins: readonly RunInContext[] | undefined;
  /** The next one of its lane. */
  readonly nextInLane: QueuedBatch | undefined;
}

/** The unsettled batches of one user: sent in order, the next ones when those in flight are settled. */
export interface Lane {
  readonly key: string;
  /** The latest: most users change seldom. */
  readonly context: Context;
  /** The oldest batch that is not settled. */
  readonly first: QueuedBatch | undefined;
  /** How many of its batches are in flight; they are the first ones. */
  readonly inFlight: number;
}

/** What {@link textsOf} puts around the id, the context and the events, with room for a longer id than a UUID. */
export const FRAME_BYTES = 128;

/** A batch in the form in which an outbox or a spill file keeps it. */
export function toStored({ requestId, context, events }: QueuedBatch): StoredBatch {
  return { requestId, context: context.text, events };
}

/** @param stored - our own text of it. */
export function toBatch(stored: StoredBatch): Batch {
  return parseExact(textOfBatch(stored)) as Batch;
}

/** As {@link toBatch}, of many, a turn's worth at a time. */
export async function toBatches(all: readonly StoredBatch[]): Promise<Batch[]> {
  const turns = new Turns();
  const batches: Batch[] = [];
  for (const stored of all) {
    batches.push(toBatch(stored));
    const turn = turns.spend(stored.events.reduce((sum, { length }) => sum + length, stored.context.length));
    if (turn !== undefined) await turn;
  }
  return batches;
}

/** A batch as it is sent: its texts, one after the other, and their bytes. */
export function textsOf({ requestId, context, events, bytes }: QueuedBatch): {
  readonly texts: string[];
  readonly bytes: number;
} {
  const [common, own] = batchHead(requestId, context.text);
  const texts = [common, own];
  for (const event of events) {
    if (texts.length > 2) texts.push(",");
    texts.push(event);
  }
  texts.push(BATCH_END);
  // Of each event with a comma, which the last one does not have.
  const eventBytes = Math.max(0, bytes - context.bytes - FRAME_BYTES - 1);
  return { texts, bytes: context.bytes - 1 + utf8Length(own) + eventBytes + BATCH_END.length };
}
