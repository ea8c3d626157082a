import type { OutboxEntry } from "../outbox.ts";
import type { BatchParts } from "./pending-batches.ts";

/** So much of a long list is stored in one write. */
const STORED_CHARACTERS = 256 * 1024;

/** What was put into batches, as it is stored: in pieces, each made when it is asked for. */
export function* piecesOf(parts: BatchParts): Generator<readonly OutboxEntry[], void> {
  let entries: OutboxEntry[] = [];
  let characters = 0;
  for (const [{ requestId, context, contextStored }, items] of parts) {
    entries.push({
      requestId,
      context: contextStored ? undefined : context.text,
      events: items.map(({ text }) => text),
    });
    for (const { text } of items) characters += text.length;
    if (characters < STORED_CHARACTERS) continue;
    yield entries;
    entries = [];
    characters = 0;
  }
  if (entries.length > 0) yield entries;
}
