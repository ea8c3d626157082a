// @ts-check
/** @typedef {{ verdict: string, batch: any }} Entry */

/**
 * The user of a batch as the service would see them after the batches that it accepted, oldest first: batches belong to
 * one user when they share an identity or the `mpid`, and one that repeats a `source_request_id` changes nothing.
 *
 * @param {Entry[]} entries
 * @param {any} chosen - a batch
 */
export function profileOf(entries, chosen) {
  const known = new Set(identitiesOf(chosen));
  const accepted = once(entries.filter(({ verdict }) => verdict === "accepted").map(({ batch }) => batch));
  const keys = accepted.map(identitiesOf);
  for (let size = -1; size !== known.size;) {
    size = known.size;
    for (const own of keys) if (own.some((key) => known.has(key))) own.forEach((key) => known.add(key));
  }
  const batches = accepted.filter((_, index) => keys[index]?.some((key) => known.has(key)));
  /** @type {Map<string, unknown>} */
  const identities = new Map();
  /** @type {Map<string, unknown>} */
  const attributes = new Map();
  /** @type {Map<string, any>} */
  const consent = new Map();
  for (const batch of batches) {
    if (batch.mpid !== undefined && batch.mpid !== null) identities.set("mpid", batch.mpid);
    for (const [name, value] of present(batch.user_identities)) identities.set(name, value);
    for (const [name, value] of present(batch.user_attributes)) attributes.set(name, value);
    for (const name of listOf(batch.deleted_user_attributes)) attributes.delete(name);
    for (const [regulation, purposes] of present(batch.consent_state)) {
      for (const [purpose, state] of present(purposes)) consent.set(`${regulation} ${purpose}`, state);
    }
  }
  return { batches: batches.length, identities, attributes, consent };
}

/** @param {any} batch @returns {string[]} */
export function identitiesOf(batch) {
  const own = present(batch?.user_identities).map(([name, value]) => `${name} ${String(value)}`);
  return batch?.mpid === undefined || batch.mpid === null ? own : [...own, `mpid ${String(batch.mpid)}`];
}

/** @param {any[]} batches */
function once(batches) {
  const seen = new Set();
  return batches.filter((batch) => {
    const id = batch?.source_request_id;
    if (typeof id !== "string") return true;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** @param {unknown} members @returns {[string, any][]} */
function present(members) {
  if (typeof members !== "object" || members === null) return [];
  return Object.entries(members).filter(([, value]) => value !== null && value !== undefined);
}

/** @param {unknown} value @returns {string[]} */
function listOf(value) {
  return Array.isArray(value) ? value.map(String) : [];
}
