import type { Batch } from "../../generated/schema.ts";
import { serializeBatch } from "../transport/json.ts";

/**
 * As {@link userKeyOf}; a batch without any identity belongs to whoever all of it but its events describes.
 *
 * @throws InvalidBatchError - when that cannot be serialised.
 */
export function userKeyOfBatch(batch: Batch): string {
  return userKeyOf(batch) ?? serializeBatch({ ...batch, source_request_id: undefined, events: undefined });
}

/**
 * Who the user is, as far as a batch or its context says; the rest of it may change from event to event. A user is
 * identified by `customer_id`; without one by `mpid`; without both by all identities together.
 *
 * @returns `undefined` for one without any identity.
 */
export function userKeyOf(user: Omit<Batch, "events">): string | undefined {
  const { environment, mpid, mp_deviceid, user_identities, partner_identities } = user;
  const customerId = user_identities?.customer_id;
  if (isGiven(customerId)) return `${environment} customer_id ${String(customerId)}`;
  if (isGiven(mpid)) return `${environment} mpid ${String(mpid)}`;
  const identities = [...givenOf(user_identities), ...givenOf(partner_identities)];
  if (isGiven(mp_deviceid)) identities.push(["mp_deviceid", String(mp_deviceid)]);
  return identities.length === 0 ? undefined : `${environment} ${JSON.stringify(identities)}`;
}

/** In an order that does not depend on who wrote them down. */
function givenOf(identities: object | null | undefined): [name: string, value: unknown][] {
  const given = Object.entries(identities ?? {}).filter(([, value]) => isGiven(value));
  return given.length < 2 ? given : given.sort(([one], [other]) => (one < other ? -1 : 1));
}

function isGiven(identity: unknown): boolean {
  return identity !== undefined && identity !== null && identity !== "";
}
