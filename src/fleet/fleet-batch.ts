import type { Batch, Event } from "../../generated/schema.ts";
import { requireNoBatch } from "../delivery/queue/event-texts.ts";
import { userKeyOfBatch } from "../delivery/user-key.ts";
import { prepareBatch, type PrepareOptions } from "../delivery/prepare.ts";
import { isObject } from "../rules/objects.ts";

/** A batch as it lies in the shared store: its exact text, which is what is sent, however often. */
export interface FleetBatch {
  /** Its `source_request_id`. */
  readonly requestId: string;
  /** The batch as JSON. A store must give back this very string: it holds 64-bit integers. */
  readonly text: string;
  /** Of the text, in UTF-8. */
  readonly bytes: number;
  /** Batches with the same one are of one user. */
  readonly userKey: string;
}

/**
 * Stamps, checks and serialises a batch for the store; one that is too large comes in several parts.
 *
 * @throws InvalidBatchError - when it would be refused, altered or lost as it is.
 */
export function toFleetBatches(batch: Batch, preparation: PrepareOptions): readonly FleetBatch[] {
  const prepared = prepareBatch(batch, preparation);
  const userKey = userKeyOfBatch(prepared.batch);
  return prepared.parts.map(({ texts: [text], bytes, requestId }) => ({ requestId, text, bytes, userKey }));
}

/**
 * One user's events as a batch without ids, which {@link toFleetBatches} adds.
 *
 * @throws InvalidBatchError - for a whole batch in place of a user: its events would be lost.
 */
export function batchOf(user: Omit<Batch, "events">, events: readonly Event[]): Batch {
  if (isObject(user)) requireNoBatch(user);
  return { ...user, events: [...events] };
}
