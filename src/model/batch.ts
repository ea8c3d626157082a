import type { Batch, Event } from "../../generated/schema.ts";
import { isEnvironment } from "../rules/environment.ts";
import { BLANK, isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { isId, SYSTEM_STAMPS } from "./stamp.ts";
import type { UserContext } from "./types.ts";

/**
 * One user's events, ready to be sent. Gets its `source_request_id` here, once: sending the batch again, even from
 * another process, is then recognised as the same and dropped by the service for 30 days.
 *
 * @param user - everything but the events: `environment`, `user_identities`, attributes, consent, device, data plan. Of
 *   another batch leave out the `source_request_id` as well, or the service takes the new one for its repetition.
 * @param events - the events, oldest first; none is legal and updates the profile alone.
 * @throws TypeError - when `environment` is neither `"development"` nor `"production"`: the service would take it for
 *   production; and for what only JavaScript can pass, such as a single event instead of a list.
 */
export function createBatch(user: UserContext, events: readonly Event[] = []): Batch {
  const given: unknown = user;
  if (!isObject(given)) {
    throw misuse("user", given, 'an object such as { environment: "development", user_identities: { … } }');
  }
  const { environment, source_request_id, events: inUser }: Readonly<Partial<Record<keyof Batch, unknown>>> = user;
  if (!isEnvironment(environment)) {
    throw misuse("environment", environment, '"development" or "production"');
  }
  // A copy of another batch has them: its events would be lost, and its id would make the new batch a repetition.
  if (inUser !== undefined) {
    throw misuse("user.events", inUser, "none: events are the second argument, and another batch has its own id");
  }
  if (!Array.isArray(events)) throw misuse("events", events, "an array of events, such as [screenView(…)]");
  if (source_request_id != null && typeof source_request_id !== "string") {
    throw misuse("source_request_id", source_request_id, "a string, or nothing to get a new UUID");
  }
  return {
    ...BLANK,
    ...user,
    source_request_id: isId(source_request_id) ? source_request_id : SYSTEM_STAMPS.newId(),
    events,
  };
}

function misuse(name: string, value: unknown, expected: string): TypeError {
  return new TypeError(`\`${name}\` is ${value === undefined ? "missing" : show(value)}; expected ${expected}.`);
}
