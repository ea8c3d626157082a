import type { OutboxEntry, StoredBatch } from "../delivery/outbox.ts";

/**
 * Batches as lines of text: the id, the context and the events of each, as JSON, with tabs between them. JSON holds
 * neither raw tabs nor line breaks, so nothing is escaped, nothing is parsed, and every digit of an id stays what it is.
 */
export function formatLines(batches: readonly OutboxEntry[]): string {
  // Put together in one go by whoever writes it: joining the parts of each line first would copy all of it twice.
  let text = "";
  for (const { requestId, context, events } of batches) {
    text += `${JSON.stringify(requestId)}\t${context ?? ""}`;
    for (const event of events) text += `\t${event}`;
    text += "\n";
  }
  return text;
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
