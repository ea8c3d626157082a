import type { OutboxEntry } from "../outbox.ts";
import type { BatchParts } from "./pending-batches.ts";
import type { EventText, QueuedBatch } from "./queued-batch.ts";

/** So much of a long list is stored in one write. */
const STORED_CHARACTERS = 256 * 1024;

/** What was put into batches, as it is stored, where that is one piece: as most is, and without what a generator takes. */
export function onePieceOf(parts: BatchParts): readonly OutboxEntry[] | undefined {
  const entries: OutboxEntry[] = [];
  let characters = 0;
  for (const { batch, items } of parts) {
    if (characters >= STORED_CHARACTERS) return undefined;
    entries.push(entryOf(batch, items));
    characters += charactersOf(items);
  }
  return entries;
}

/** What was put into batches, as it is stored: in pieces, each made when it is asked for. */
export function* piecesOf(parts: BatchParts): Generator<readonly OutboxEntry[], void> {
  let entries: OutboxEntry[] = [];
  let characters = 0;
  for (const { batch, items } of parts) {
    entries.push(entryOf(batch, items));
    characters += charactersOf(items);
    if (characters < STORED_CHARACTERS) continue;
    yield entries;
    entries = [];
    characters = 0;
  }
  if (entries.length > 0) yield entries;
}

function entryOf({ requestId, context, contextStored }: QueuedBatch, items: readonly EventText[]): OutboxEntry {
  return { requestId, context: contextStored ? undefined : context.text, events: items.map(({ text }) => text) };
}

function charactersOf(items: readonly EventText[]): number {
  let characters = 0;
  for (const { text } of items) characters += text.length;
  return characters;
}
