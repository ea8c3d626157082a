import type { OutboxEntry, StoredBatch } from "../delivery/outbox.ts";

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
 * Reads one line, without its end. The texts in it are not looked at: {@link problemOfBatch} does that.
 *
 * @returns the batch, with `""` for a context that was not given; undefined when it is no such line.
 */
export function readLine(line: string): StoredBatch | undefined {
  const [id = "", context, ...events] = line.split("\t");
  const requestId = parse(id);
  return typeof requestId === "string" && context !== undefined ? { requestId, context, events } : undefined;
}

/**
 * Says what keeps a stored batch from being sent. Such a text would make a whole request unreadable, and no outcome could
 * be made of it.
 *
 * @returns a sentence without any of the batch's data; undefined when nothing is wrong.
 */
export function problemOfBatch({ context, events }: StoredBatch): string | undefined {
  const user = parse(context);
  if (typeof user !== "object" || user === null || Array.isArray(user))
    return "What it says of its user is no JSON object.";
  const index = events.findIndex((event) => parse(event) === undefined);
  return index === -1 ? undefined : `Its event ${String(index)} is no JSON.`;
}

/** @returns undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
