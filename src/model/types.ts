import type { Batch, CommerceEventData, Event } from "../../generated/schema.ts";

/** The wire name of an event type, such as `"custom_event"`. */
export type EventType = Event["event_type"];

/** The event of one type: `EventOf<"custom_event">`. */
export type EventOf<Type extends EventType> = Extract<Event, { event_type: Type }>;

/** The `data` of one event type: `EventDataOf<"custom_event">`. */
export type EventDataOf<Type extends EventType> = EventOf<Type>["data"];

/** A {@link Batch} without its events: who the user is, on which device, with which consent, in which environment. */
export interface UserContext extends Omit<Batch, "events"> {
  /** Not here: events are added to it, or given beside it. */
  readonly events?: never;
}

/** What may be said about any commerce event beside its payload. */
export type CommerceDetails = Omit<CommerceEventData, "product_action" | "promotion_action" | "product_impressions">;
