import { utf8Length } from "#platform";
import type { UserContext } from "../../model/types.ts";
import { serializeBatch } from "../../transport/json.ts";
import { userKeyOf } from "../user-key.ts";
import type { Context, Lane } from "./queued-batch.ts";

/**
 * The context of a user, for the batches that are made of it.
 *
 * @param lanes - of the users of whom something is pending; their batches share one text.
 * @param text - the user as JSON, where it is known.
 * @throws InvalidBatchError - when it cannot be serialised.
 */
export function contextOf(lanes: ReadonlyMap<string, Lane>, user: UserContext, text = serializeUser(user)): Context {
  const laneKey = userKeyOf(user) ?? text;
  const latest = lanes.get(laneKey)?.context;
  return latest?.text === text ? latest : { text, bytes: utf8Length(text), laneKey };
}

/** The id belongs to a batch, and one user has many. A copy without it costs as much as the text, so only where it is. */
function serializeUser(user: UserContext): string {
  const hasMore = "source_request_id" in user || "events" in user;
  return serializeBatch(hasMore ? { ...user, source_request_id: undefined, events: undefined } : user);
}
