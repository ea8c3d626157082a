import type { OutboxEntry, StoredBatch } from "../delivery/outbox.ts";
import { parse } from "../delivery/stored-record.ts";

/**
 * Batches as lines of text: the id, the context and the events of each, as JSON, with tabs between them. JSON holds
 * neither raw tabs nor line breaks, so nothing is escaped, and every digit of an id stays what it is.
 */
export function formatLines(batches: readonly OutboxEntry[]): string {
  let text = "";
  for (const batch of batches) text += formatLine(batch);
  return text;
}

/** One line of {@link formatLines}. */
export function formatLine({ requestId, context, events }: OutboxEntry): string {
  let line = `${JSON.stringify(requestId)}\t${context ?? ""}`;
  for (const event of events) line += `\t${event}`;
  return `${line}\n`;
}

/**
 * Reads one line, without its end. The texts in it are not looked at: {@link problemOfRecord} does that.
 *
 * @returns the batch, with `""` for a context that was not given; undefined when it is no such line.
 */
export function readLine(line: string): StoredBatch | undefined {
  const [id = "", context, ...events] = line.split("\t");
  const requestId = parse(id);
  return typeof requestId === "string" && context !== undefined ? { requestId, context, events } : undefined;
}
