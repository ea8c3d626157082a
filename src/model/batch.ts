import type { Batch, Event } from "../../generated/schema.ts";
import { SYSTEM_STAMPS } from "./stamp.ts";
import type { UserContext } from "./types.ts";

/**
 * One user's events, ready to be sent. Gets its `source_request_id` here, once: sending the batch again, even from
 * another process, is then recognised as the same and dropped by the service for 30 days.
 *
 * @param user - everything but the events: `environment`, `user_identities`, attributes, consent, device, data plan.
 * @param events - the events, oldest first; none is legal and updates the profile alone.
 * @throws TypeError - when `environment` is neither `"development"` nor `"production"`: the service would take it for production.
 */
export function createBatch(user: UserContext, events: readonly Event[] = []): Batch {
  const environment: unknown = user.environment;
  if (environment !== "development" && environment !== "production") {
    throw new TypeError(
      `\`environment\` is ${environment === undefined ? "missing" : JSON.stringify(environment)}; expected "development" or "production".`,
    );
  }
  return { ...user, source_request_id: user.source_request_id ?? SYSTEM_STAMPS.newId(), events };
}
