import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { IDENTITY_TYPES } from "../../generated/contract.ts";
import type { Batch, IdentityType } from "../../generated/schema.ts";
import type { BeforeSend } from "../delivery/before-send.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/**
 * A step of `beforeSend` that sends the hash of an identity in place of the identity.
 *
 * The text is trimmed and lower-cased, hashed with SHA-256 and written in lower-case hexadecimal, which is what
 * advertising partners expect of an e-mail address. The plain identity is taken out of the batch. What is already such a
 * hash stays as it is.
 *
 * @param into - for each identity the one that your workspace uses for its hash: `{ email: "other", mobile_number: "other_id_2" }`.
 *   One that is hashed into itself is replaced. An identity that the batch has there already is not overwritten.
 * @throws TypeError - for what is no object, when a name is none of the identities that the service knows, or two are hashed into one.
 */
export function hashIdentities(into: Readonly<Partial<Record<IdentityType, IdentityType>>>): BeforeSend {
  const given: unknown = into;
  if (!isObject(given)) {
    throw new TypeError(`\`hashIdentities\` got ${show(given)}; expected an object such as { email: "other" }.`);
  }
  const pairs = Object.entries(into);
  for (const name of pairs.flat()) {
    if (!(IDENTITY_TYPES as readonly unknown[]).includes(name)) {
      throw new TypeError(`\`hashIdentities\` got ${show(name)}; expected identities such as "email" and "other".`);
    }
  }
  if (new Set(Object.values(into)).size < pairs.length) {
    throw new TypeError("`hashIdentities` has two identities for one hash; expected another one for each.");
  }
  return function hashIdentities(batch): Batch {
    const identities = batch.user_identities;
    if (identities === null || identities === undefined) return batch;
    // All are read before any is written: one may be hashed into another that is hashed itself.
    const kept = new Map<string, unknown>(Object.entries(identities).filter(([name]) => !Object.hasOwn(into, name)));
    for (const [from, to] of pairs) {
      const plain: unknown = identities[from as IdentityType]; // checked above
      if (plain === null || plain === undefined || plain === "") continue;
      if (!kept.has(to)) kept.set(to, hashOf(plain));
    }
    return { ...batch, user_identities: Object.fromEntries(kept) };
  };
}

function hashOf(identity: unknown): string {
  const text = String(identity).trim().toLowerCase();
  return /^[0-9a-f]{64}$/.test(text) ? text : bytesToHex(sha256(utf8ToBytes(text)));
}
