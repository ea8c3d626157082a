/** Part of a batch to be kept: text, because nothing that is parsed keeps a 64-bit id exact. */
export interface OutboxEntry {
  readonly requestId: string;
  /** The batch without its events, as JSON; there until one write of the batch has succeeded. */
  readonly context?: string | undefined;
  /** The events, each as JSON, in order. */
  readonly events: readonly string[];
}

/** A batch as it was kept. */
export interface StoredBatch {
  readonly requestId: string;
  readonly context: string;
  readonly events: readonly string[];
}

/** Why a batch was set aside. */
export interface DeadLetter {
  readonly requestId: string;
  readonly reason: { readonly code: string; readonly message: string; readonly atMs: number };
}

/**
 * Where a queue keeps events until the service has accepted them. One owner at a time; every write is all or nothing.
 *
 * A store that holds text in order under a key can be one: `outboxConformance` of `mparticle-events/testing` tells
 * whether it is.
 */
export interface Outbox {
  /** Takes ownership. */
  open(): Promise<void>;
  /** What an earlier owner left pending, oldest first. */
  recover(): AsyncIterable<StoredBatch>;
  /** Adds events to batches. Resolves when they would survive the end of the process. */
  append(entries: readonly OutboxEntry[]): Promise<void>;
  /** Forgets batches that need not be sent any more. */
  remove(requestIds: readonly string[]): Promise<void>;
  /** Keeps refused batches with their reasons, out of what is pending. */
  setAside(letters: readonly DeadLetter[]): Promise<void>;
  /** Gives ownership up; an `open` that is still under way is given up as well, and rejects. */
  close(): Promise<void>;
}

/** The JSON of a stored batch in pieces, the first of them its beginning: strings that exist, and nothing is serialised twice. */
export function textsOfBatch({ requestId, context, events }: StoredBatch): [head: string, ...rest: string[]] {
  const texts: [string, ...string[]] = [
    `{"source_request_id":${JSON.stringify(requestId)},${context.slice(1, -1)},"events":[`,
  ];
  for (const event of events) {
    if (texts.length > 1) texts.push(",");
    texts.push(event);
  }
  texts.push("]}");
  return texts;
}

/** The JSON text of a stored batch. */
export function textOfBatch(batch: StoredBatch): string {
  return textsOfBatch(batch).join("");
}
