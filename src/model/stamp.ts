import { BLANK } from "../rules/objects.ts";
import { completeOnce } from "./stamp-memory.ts";

/** The effects that identify and date what is sent; injected in tests. */
export interface Stamps {
  /** A new UUID. */
  readonly newId: () => string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The runtime's clock and random UUIDs (RFC 9562, version 4). */
export const SYSTEM_STAMPS: Stamps = { newId: () => crypto.randomUUID(), now: () => Date.now() };

/** What every event's data carries from the moment it is made, so that a retry repeats it. */
interface Stamped {
  timestamp_unixtime_ms?: number | null | undefined;
  source_message_id?: string | null | undefined;
}

/** What can be stamped: an event, whatever else it may be. */
interface Stampable {
  readonly data: Stamped;
}

interface StampedBatch {
  readonly source_request_id?: string | null | undefined;
  readonly events?: readonly { readonly data: Stamped | null }[] | null | undefined;
}

/**
 * A copy of an event's data with its time and the id that names it in outputs. What the caller gave wins, `null` included.
 *
 * @param dateIt - whether data without a time gets the present one.
 */
export function stampEventData<Data extends Stamped>(data: Data, stamps: Stamps = SYSTEM_STAMPS, dateIt = true): Data {
  const stamped: Data = { ...BLANK, ...data };
  if (dateIt && stamped.timestamp_unixtime_ms === undefined) stamped.timestamp_unixtime_ms = stamps.now();
  if (stamped.source_message_id === undefined) stamped.source_message_id = stamps.newId();
  return stamped;
}

/** The event itself when its data is complete; otherwise a copy that is. */
export function stampEvent<E>(event: E, stamps: Stamps = SYSTEM_STAMPS, dateIt = true): E {
  return lacksStamp(event, dateIt) ? { ...BLANK, ...event, data: stampEventData(event.data, stamps, dateIt) } : event;
}

/**
 * The batch itself when nothing is missing, as {@link createBatch} makes it; otherwise a copy with `source_request_id`
 * and each event's id and time filled in.
 *
 * Until `forgetStamps`, the object handed over again gets what it had, so that whoever tries again after an error
 * sends nothing twice. Changed in between, at any depth, it is another batch.
 *
 * @param dateEvents - whether events without a time get the present one; not for historical data, whose time is its point.
 */
export function stampBatch<B extends StampedBatch>(batch: B, dateEvents: boolean, stamps: Stamps = SYSTEM_STAMPS): B {
  if (isComplete(batch, dateEvents)) return batch;
  return completeOnce(batch, () => {
    const { source_request_id, events } = batch;
    return {
      ...BLANK,
      ...batch,
      source_request_id: isId(source_request_id) ? source_request_id : stamps.newId(),
      ...(Array.isArray(events) && {
        events: events.map((event: unknown) => stampEvent(event, stamps, dateEvents)),
      }),
    };
  });
}

/** Asked for every batch that is sent; those of {@link createBatch} cost no more than this. */
function isComplete({ source_request_id, events }: StampedBatch, dateEvents: boolean): boolean {
  if (!isId(source_request_id)) return false;
  if (!Array.isArray(events)) return true;
  for (const event of events as readonly unknown[]) if (lacksStamp(event, dateEvents)) return false;
  return true;
}

/** An empty id would make one batch of all that have it. */
export function isId(id: unknown): id is string {
  return typeof id === "string" && id !== "";
}

/** Payloads reach this from JavaScript as well; what is no event is left for validation to name. */
function lacksStamp(event: unknown, dateEvents: boolean): event is Stampable {
  if (typeof event !== "object" || event === null || !("data" in event)) return false;
  const { data } = event;
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  const { source_message_id, timestamp_unixtime_ms }: Stamped = data;
  return source_message_id === undefined || (dateEvents && timestamp_unixtime_ms === undefined);
}
