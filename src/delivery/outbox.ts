/** Part of a batch to be kept: text, because nothing that is parsed keeps a 64-bit id exact. */
export interface OutboxEntry {
  /** `source_request_id` of the batch that the events belong to. */
  readonly requestId: string;
  /** The batch without its events, as JSON; there until one write of the batch has succeeded. */
  readonly context?: string | undefined;
  /** The events, each as JSON, in order. */
  readonly events: readonly string[];
}

/** A batch as it was kept. */
export interface StoredBatch {
  /** `source_request_id` of the batch. */
  readonly requestId: string;
  /** The batch without its events, as JSON. */
  readonly context: string;
  /** All events that were written for it, each as JSON, in order. */
  readonly events: readonly string[];
}

/** Why a batch was set aside. */
export interface DeadLetter {
  /** `source_request_id` of the batch. */
  readonly requestId: string;
  /** Why it was refused, and when, in milliseconds since 1970. */
  readonly reason: { readonly code: string; readonly message: string; readonly atMs: number };
}

/** The queue that opens an outbox. */
export interface OutboxOwner {
  /** Names the input that its events are meant for. An outbox belongs to one input, and keeps this key nowhere as it is. */
  readonly apiKey: string;
  /** Tells the client's logger, or the console where there is none, what was set aside or went wrong, and why. */
  readonly warn: (message: string, error?: unknown) => void;
}

/**
 * Where a queue keeps events until the service has accepted them. One owner at a time; every write is all or nothing.
 *
 * A store that holds text in order under a key can be one: `outboxConformance` of `mparticle-events/testing` tells
 * whether it is.
 */
export interface Outbox {
  /**
   * Takes ownership.
   *
   * @param owner - the queue; without one nothing of it is sent, as when a program only looks at dead letters.
   */
  open(owner?: OutboxOwner): Promise<void>;
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

/**
 * The JSON text of a batch up to its first event, in two: what a user's batches have in common, which is not copied, and
 * the rest. What follows are strings that exist: nothing is serialised twice.
 */
export function batchHead(requestId: string, context: string): [common: string, own: string] {
  return [context.slice(0, -1), `,"source_request_id":${JSON.stringify(requestId)},"events":[`];
}

/** What follows the last event. */
export const BATCH_END = "]}";

/** The JSON text of a stored batch. */
export function textOfBatch({ requestId, context, events }: StoredBatch): string {
  return batchHead(requestId, context).join("") + events.join(",") + BATCH_END;
}
