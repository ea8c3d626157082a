import type { Batch, Environment, Event } from "../../generated/schema.ts";
import { isObject, readMember } from "../rules/objects.ts";
import { areBatchIdsExact, areEventIdsExact, type EventIds } from "../transport/json.ts";

/** A list has a length, and nothing else has that is sent: it is quicker to ask for than `Array.isArray`. */
type Unusual = "toJSON" | "length";
type EventMembers = Readonly<Partial<Record<keyof Event | Unusual, unknown>>>;
type DataMembers = EventIds &
  Readonly<Partial<Record<"breadcrumbs" | "source_message_id" | "timestamp_unixtime_ms" | Unusual, unknown>>>;

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
  // Of events there are too many to read their members so.
  if (readMember(batch, "toJSON") !== undefined) return false;
  const requestId = readMember(batch, "source_request_id");
  if (typeof requestId !== "string" || requestId === "") return false;
  const environment = readMember(batch, "environment");
  if (environment !== DEVELOPMENT && environment !== PRODUCTION) return false;
  const someId = readMember(batch, "mpid") ?? readMember(batch, "batch_id") ?? readMember(batch, "origin_mpid");
  if (someId !== undefined && !areBatchIdsExact(batch)) return false;
  const events = readMember(batch, "events");
  if (events === undefined) return true;
  if (!Array.isArray(events) || "toJSON" in events) return false;
  return areReadyEvents(events, dateEvents);
}

/**
 * By itself, because this is what is compiled first, and the less of it there is the sooner that is done. Written out,
 * because a process that has not sent much runs each call in here at a tenth of its later speed.
 */
function areReadyEvents(events: readonly unknown[], dateEvents: boolean): boolean {
  // By index: an iterator costs half as much again until it is compiled.
  for (let index = 0, count = events.length; index < count; index++) {
    const event = events[index] as EventMembers | null;
    if (typeof event !== "object" || event === null || event.toJSON !== undefined || event.length !== undefined)
      return false;
    const data = event.data as DataMembers | null | undefined;
    if (typeof data !== "object" || data === null || data.toJSON !== undefined || data.length !== undefined)
      return false;
    if (data.source_message_id === undefined || (dateEvents && data.timestamp_unixtime_ms === undefined)) return false;
    if (data.breadcrumbs !== undefined) return false;
    const hasIds =
      data.event_id !== undefined ||
      data.session_id !== undefined ||
      data.ios_image_base_address !== undefined ||
      data.ios_image_size !== undefined ||
      data.previous_mpid !== undefined ||
      data.current_mpid !== undefined;
    if (hasIds && !areEventIdsExact(data)) return false;
  }
  return true;
}

const DEVELOPMENT: Environment = "development";
const PRODUCTION: Environment = "production";
