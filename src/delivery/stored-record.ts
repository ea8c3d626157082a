import { isObject } from "../rules/objects.ts";
import type { StoredBatch } from "./outbox.ts";

/**
 * Says what keeps a record of an outbox from being sent: such a text would make a whole request unreadable, and no
 * outcome could be made of it. A store may be damaged, or give something else than its type says. A queue asks it of what
 * any store gives back, and the store of `./node` before that, because it knows more of where the damage is.
 *
 * @returns the end of a sentence, without any of the data; `undefined` when nothing is wrong.
 */
export function problemOfRecord(record: unknown): string | undefined {
  if (!isObject(record)) return "it is no batch.";
  const { requestId, context, events }: { readonly [Key in keyof StoredBatch]?: unknown } = record;
  if (typeof requestId !== "string" || requestId === "") return "it has no id.";
  if (typeof context !== "string" || !isObject(parse(context))) return "what it says of its user is no JSON object.";
  if (!Array.isArray(events)) return "its events are no list.";
  const index = events.findIndex((event: unknown) => typeof event !== "string" || !isObject(parse(event)));
  return index === -1 ? undefined : `its event ${String(index)} is no JSON object.`;
}

/** @returns undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
