import type { Batch, Environment } from "../../generated/schema.ts";
import { isObject } from "../rules/objects.ts";
import { areBatchIdsExact, isExactEvent } from "../transport/json.ts";

/** Members that may be read by names of the contract alone. */
type BatchMembers = Readonly<Partial<Record<keyof Batch | "toJSON", unknown>>>;

/**
 * Whether a batch can be sent as it is, without anything to fill in, to refuse or to mark: one of `createBatch` can.
 *
 * The long way looks at each event three times, to stamp it, to refuse what is none and to mark its ids. Each of these
 * walks is quick in the long run; but a process that sends a few lists only never gets them there, and spends half the
 * time of `JSON.stringify` on them. What is not ready goes the long way, which finds out why.
 *
 * @param dateEvents - whether events without a time get the present one.
 */
export function isReadyBatch(batch: unknown, dateEvents: boolean): batch is Batch {
  if (!isObject(batch)) return false;
  const { toJSON, source_request_id, environment, events }: BatchMembers = batch;
  if (toJSON !== undefined || typeof source_request_id !== "string" || source_request_id === "") return false;
  if (environment !== DEVELOPMENT && environment !== PRODUCTION) return false;
  if (!areBatchIdsExact(batch)) return false;
  if (events === undefined) return true;
  if (!Array.isArray(events) || "toJSON" in events) return false;
  // By index: an iterator costs half as much again until it is compiled.
  for (let index = 0, count = events.length; index < count; index++) {
    const event: unknown = events[index];
    if (!isObject(event) || !isExactEvent(event)) return false;
    // An event with exact ids has data.
    const { source_message_id, timestamp_unixtime_ms } = event["data"] as {
      readonly source_message_id?: unknown;
      readonly timestamp_unixtime_ms?: unknown;
    };
    if (source_message_id === undefined || (dateEvents && timestamp_unixtime_ms === undefined)) return false;
  }
  return true;
}

const DEVELOPMENT: Environment = "development";
const PRODUCTION: Environment = "production";
