import { LIMITS } from "../../generated/contract.ts";
import type { Batch, Event } from "../../generated/schema.ts";
import { batchOf, toFleetBatches } from "../fleet/fleet-batch.ts";
import { RECORD_VERSION } from "../fleet/record-version.ts";
import type { UserContext } from "../model/types.ts";
import { requireQueryable, type Queryable } from "./database.ts";

/**
 * The number of lanes lies in the store; a lane that somebody has deleted fails the statement. Workers that are idle are woken when the transaction commits; busy ones need
 * not be, and waking them would make all commits wait for each other.
 */
const INSERT = `
WITH hashed AS (SELECT hashtextextended($1, 0) AS hash, (SELECT max(lane) + 1 FROM mparticle_events_lane) AS lanes),
stored AS (
  INSERT INTO mparticle_events_batch (lane, user_hash, source_request_id, body, version)
  SELECT (SELECT lane FROM mparticle_events_lane WHERE lane = ((hash % lanes) + lanes) % lanes), hash, batch.request_id, batch.body, ${String(RECORD_VERSION)}
  FROM hashed, unnest($2::text[], $3::text[]) WITH ORDINALITY AS batch (request_id, body, place)
  ORDER BY place
)
SELECT CASE WHEN idle_until > now() THEN pg_notify('mparticle_events', '') END FROM mparticle_events_pace`;

/**
 * Writes events of one user to the outbox, in the application's own transaction: they are sent if and only if it commits.
 *
 * It is not checked beyond what would be refused or lost: run `checkBatch` before for more.
 *
 * @param tx - a client of `pg` on which `BEGIN` was run; a pool, when there is nothing they have to go with.
 * @param user - a batch without its events.
 * @param events - the events, oldest first; none sends what `user` says to the user's profile. A user's events that were
 *   enqueued one after the other arrive in that order.
 * @returns the `source_request_id` of the batch, or of each of its parts when it was too large for one.
 * @throws InvalidBatchError - it can never be sent; nothing is written, and the transaction goes on.
 * @throws what PostgreSQL says, such as that the tables are missing: run `migrate` first.
 */
export async function enqueue(
  tx: Queryable,
  user: UserContext,
  ...events: readonly Event[]
): Promise<readonly string[]> {
  return enqueueBatch(tx, batchOf(user, events));
}

/**
 * As {@link enqueue}, for a batch that was made elsewhere and may have an id already.
 *
 * @param tx - as for {@link enqueue}.
 * @param batch - a batch, such as of `createBatch`.
 */
export async function enqueueBatch(tx: Queryable, batch: Batch): Promise<readonly string[]> {
  requireQueryable("tx", tx);
  const parts = toFleetBatches(batch, { path: "/bulkevents", maxBatchBytes: LIMITS.batchMaxBytes });
  const requestIds = parts.map(({ requestId }) => requestId);
  const [first] = parts;
  if (first === undefined) return requestIds;
  // A NUL would end the text for PostgreSQL; in the body JSON escapes it.
  const userKey = first.userKey.replaceAll("\0", "\\0");
  await tx.query(INSERT, [userKey, requestIds.map((id) => id.replaceAll("\0", "")), parts.map(({ text }) => text)]);
  return requestIds;
}
