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

/** The `requestId` of each batch that {@link formatLines} wrote, without the rest: for who only wants to know what there is. */
export function readIds(text: string): readonly string[] {
  const ids: string[] = [];
  for (let start = 0, end = text.indexOf("\n"); end !== -1; start = end + 1, end = text.indexOf("\n", start)) {
    const line = text.slice(start, end);
    ids.push(readId(line.slice(0, line.indexOf("\t"))));
  }
  return ids;
}

function readId(text: string | undefined): string {
  const id: unknown = JSON.parse(text ?? "");
  if (typeof id !== "string") throw new SyntaxError("not a line of batches");
  return id;
}

/** @throws SyntaxError - when it is no such line. */
function readLine(line: string): StoredBatch {
  const [id, context, ...events] = line.split("\t");
  if (context === undefined) throw new SyntaxError("not a line of batches");
  return { requestId: readId(id), context, events };
}
