import type { Batch } from "../../generated/schema.ts";

/** Stands between batches. It is random and never leaves this file: no text of a batch can hold it. */
let separator: string | undefined;

/**
 * The JSON texts of several batches, each of which `serializeExactBatch` may be given, by one call of `JSON.stringify`.
 *
 * A call for each takes nearly twice as long: it begins every text with a small piece, and puts it together from ever
 * larger ones. The texts are parts of one, which nothing copies.
 *
 * @returns `undefined` where they cannot be written so: one after the other they show which of them cannot.
 */
export function serializeTogether(batches: readonly Batch[]): readonly string[] | undefined {
  separator ??= crypto.randomUUID();
  const list: unknown[] = [];
  for (const batch of batches) {
    if (list.length > 0) list.push(separator);
    list.push(batch);
  }
  if ("toJSON" in list || "toJSON" in BigInt.prototype) return undefined;
  try {
    const texts = JSON.stringify(list).slice(1, -1).split(`,"${separator}",`);
    // Whoever has replaced `JSON.stringify` may write it in another form.
    return texts.length === batches.length ? texts : undefined;
  } catch {
    return undefined;
  }
}
