import type { OutboxEntry, StoredBatch } from "../delivery/outbox.ts";

/**
 * Batches as lines of text: the id, the context and the events of each, as JSON, with tabs between them. JSON holds
 * neither raw tabs nor line breaks, so nothing is escaped, nothing is parsed, and every digit of an id stays what it is.
 */
export function formatLines(batches: readonly OutboxEntry[]): string {
  let text = "";
  for (const batch of batches) text += formatLine(batch);
  return text;
}

/** A line of {@link formatLines}, put together by whoever writes it: joining its parts first would copy all of it twice. */
export function formatLine({ requestId, context, events }: OutboxEntry): string {
  let line = `${JSON.stringify(requestId)}\t${context ?? ""}`;
  for (const event of events) line += `\t${event}`;
  return `${line}\n`;
}

/** What {@link formatLines} wrote; a context that was not given is `""`. */
export function readLines(text: string): readonly StoredBatch[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(readLine);
}

/** @throws SyntaxError - when it is no such line. */
function readLine(line: string): StoredBatch {
  const [id, context, ...events] = line.split("\t");
  const requestId: unknown = JSON.parse(id ?? "");
  if (typeof requestId !== "string" || context === undefined) throw new SyntaxError("not a line of batches");
  return { requestId, context, events };
}
