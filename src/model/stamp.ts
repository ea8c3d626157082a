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

/**
 * A copy of an event's data with its time and the id that names it in outputs. What the caller gave wins, `null` included.
 *
 * @param dateIt - whether data without a time gets the present one.
 */
export function stampEventData<Data extends Stamped>(data: Data, stamps: Stamps = SYSTEM_STAMPS, dateIt = true): Data {
  const stamped = { ...data };
  if (dateIt && stamped.timestamp_unixtime_ms === undefined) stamped.timestamp_unixtime_ms = stamps.now();
  if (stamped.source_message_id === undefined) stamped.source_message_id = stamps.newId();
  return stamped;
}

/** The event itself when its data is complete; otherwise a copy that is. */
export function stampEvent<E>(event: E, stamps: Stamps = SYSTEM_STAMPS): E {
  return lacksStamp(event, true)
    ? { ...event, data: stampEventData((event as { data: Stamped }).data, stamps) }
    : event;
}

interface StampedBatch {
  readonly source_request_id?: string | null | undefined;
  readonly events?: readonly { readonly data: Stamped | null }[] | null | undefined;
}

/**
 * The batch itself when nothing is missing, as {@link createBatch} makes it; otherwise a copy with `source_request_id`
 * and each event's id and time filled in.
 *
 * @param dateEvents - whether events without a time get the present one; not for historical data, whose time is its point.
 */
export function stampBatch<B extends StampedBatch>(batch: B, dateEvents: boolean, stamps: Stamps = SYSTEM_STAMPS): B {
  const events = batch.events;
  const complete =
    hasId(batch) && (!Array.isArray(events) || events.every((event: unknown) => !lacksStamp(event, dateEvents)));
  if (complete) return batch;
  return {
    ...batch,
    source_request_id: hasId(batch) ? batch.source_request_id : stamps.newId(),
    ...(Array.isArray(events) && {
      events: events.map((event: { data: Stamped }) =>
        lacksStamp(event, dateEvents) ? { ...event, data: stampEventData(event.data, stamps, dateEvents) } : event,
      ),
    }),
  };
}

/** An empty id would make one batch of all that have it. */
function hasId({ source_request_id }: StampedBatch): boolean {
  return typeof source_request_id === "string" && source_request_id !== "";
}

/** Payloads reach this from JavaScript as well; what is no event is left for validation to name. */
function lacksStamp(event: unknown, dateEvents: boolean): boolean {
  if (typeof event !== "object" || event === null || !("data" in event)) return false;
  const data: unknown = event.data;
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  const { source_message_id, timestamp_unixtime_ms } = data as Stamped; // an object whose members are read with care
  return source_message_id === undefined || (dateEvents && timestamp_unixtime_ms === undefined);
}
