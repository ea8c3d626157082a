import type { Batch } from "../../generated/schema.ts";
import type { BeforeSend } from "../delivery/before-send.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/** What every batch may get: anything but what tells one batch and one user from another. */
export type BatchAdditions = Partial<
  Omit<Batch, "events" | "source_request_id" | "mpid" | "user_identities" | "environment">
>;

/**
 * A step of `beforeSend` that adds to every batch what is the same for all of them.
 *
 * @param additions - such as `{ application_info: { application_version }, context: { data_plan } }`. Objects are joined
 *   member by member, at every depth, and what the batch says itself wins.
 * @throws TypeError - for what is no object, or names the user, the events or the id of the batch.
 */
export function addToBatch(additions: BatchAdditions): BeforeSend {
  const given: unknown = additions;
  if (!isObject(given)) throw new TypeError(`\`addToBatch\` got ${show(given)}; expected members of a batch.`);
  for (const name of ["events", "source_request_id", "mpid", "user_identities", "environment"]) {
    if (Object.hasOwn(given, name)) {
      throw new TypeError(`\`addToBatch\` got \`${name}\`; expected only what is the same for all batches.`);
    }
  }
  return function addToBatch(batch): Batch {
    return join(additions, batch) as Batch; // the batch, and more
  };
}

/** The second wins; `null` is something it says, `undefined` is not. */
function join(base: unknown, own: unknown): unknown {
  if (own === undefined) return base;
  if (!isObject(base) || !isObject(own)) return own;
  const joined = Object.entries(own).map(([key, value]) => [
    key,
    join(Object.hasOwn(base, key) ? base[key] : undefined, value),
  ]);
  return { ...base, ...Object.fromEntries(joined) };
}
