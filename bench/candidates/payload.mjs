/** What is sent: the same for everybody, as far as their payloads have the same fields. */
import { randomUUID } from "node:crypto";

/** In each event exactly once: the sink counts events by it. */
export const MARK = "video watched";

/** A user, in the words of the Events API: a batch without its events. */
export function user(index) {
  return {
    environment: "development",
    user_identities: { customer_id: `customer-${index}`, email: `customer-${index}@example.com` },
    user_attributes: { plan: "premium", country: "NL", visits: 17 },
    ip: "203.0.113.7",
  };
}

/** An event of some 300 bytes, in the words of the Events API. */
export function event(index, attributes = attributesOf(4, index)) {
  return {
    event_type: "custom_event",
    data: {
      event_name: MARK,
      custom_event_type: "media",
      timestamp_unixtime_ms: 1_750_000_000_000 + index,
      source_message_id: randomUUID(),
      custom_attributes: attributes,
    },
  };
}

/** The attributes of an event, for those who send other payloads. */
export function attributesOf(count, index) {
  const attributes = {};
  for (let n = 0; n < count; n++) attributes[`attribute_${n}`] = n % 2 === 0 ? `value ${index} of ${n}` : index + n;
  return attributes;
}

/** A batch with its id: whoever sends it has no reason to copy it. */
export function batch(index, events) {
  return {
    ...user(index),
    source_request_id: randomUUID(),
    events: Array.from({ length: events }, (_, n) => event(index * events + n)),
  };
}
