import type { OutboxEntry } from "../delivery/outbox.ts";
import type { OutboxFile } from "./outbox-file.ts";
import type { OutboxLog } from "./outbox-log.ts";

/** Rows are read one by one: a large one holds up whoever waits for a small part of it. */
const CHARACTERS_PER_ROW = 256 * 1024;

/** Something to be written, in one transaction with its neighbours. */
export interface Write {
  /** Entries to be appended: those of one batch are joined. */
  readonly entries?: readonly OutboxEntry[] | undefined;
  /** Of the entries. */
  readonly characters: number;
  /** As long as it takes to write so many characters. */
  readonly cost: number;
  /** Anything else. */
  readonly change?: ((log: OutboxLog) => void) | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** One that cannot be written must not stop the others: what makes room goes first. */
export function performOneByOne(writes: readonly Write[], file: OutboxFile): void {
  const appends = writes.filter(({ entries }) => entries !== undefined);
  for (const write of [...writes.filter(({ entries }) => entries === undefined), ...appends]) {
    try {
      perform([write], file);
      write.resolve();
    } catch (error) {
      write.reject(error);
    }
  }
}

/** Writes all of it or nothing. */
export function perform(writes: readonly Write[], file: OutboxFile): void {
  let characters = 0;
  for (const write of writes) characters += write.characters;
  const entries = joinEntries(writes);
  file.write(characters, (log) => {
    for (const row of characters > CHARACTERS_PER_ROW ? rowsOf(entries) : [entries]) log.append(row);
    for (const { change } of writes) change?.(log);
  });
}

export function charactersOf(entries: readonly OutboxEntry[]): number {
  let characters = 0;
  for (const { context = "", events } of entries) {
    characters += context.length;
    for (const event of events) characters += event.length;
  }
  return characters;
}

/** Cut where a row would become too large. */
function rowsOf(entries: readonly OutboxEntry[]): readonly (readonly OutboxEntry[])[] {
  const rows: OutboxEntry[][] = [];
  let characters = Infinity;
  for (const entry of entries) {
    const own = charactersOf([entry]);
    if (characters + own > CHARACTERS_PER_ROW) {
      rows.push([]);
      characters = 0;
    }
    rows.at(-1)?.push(entry);
    characters += own;
  }
  return rows;
}

/** One entry for each batch. Most batches have one, which is not copied. */
function joinEntries(writes: readonly Write[]): readonly OutboxEntry[] {
  const joined = new Map<string, OutboxEntry>();
  const copies = new Map<string, string[]>();
  for (const { entries = [] } of writes) {
    for (const entry of entries) {
      const { requestId, context, events } = entry;
      const known = joined.get(requestId);
      if (known === undefined) {
        joined.set(requestId, entry);
        continue;
      }
      let copy = copies.get(requestId);
      if (copy === undefined) {
        copy = [...known.events];
        copies.set(requestId, copy);
        joined.set(requestId, { requestId, context: known.context ?? context, events: copy });
      }
      for (const event of events) copy.push(event);
    }
  }
  return [...joined.values()];
}
