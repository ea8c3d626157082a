import type { Batch, Event } from "../../generated/schema.ts";

export interface SplitOptions {
  /** Every part stays below it. */
  readonly maxBytes: number;
  /** Bytes of the JSON text of a batch in UTF-8. Called once for each event. */
  readonly measure: (batch: Batch) => number;
}

/** The event that takes most room. */
interface LargestEvent {
  /** Position in the batch, from 0. */
  readonly index: number;
  /** Its `event_type`. */
  readonly type: string;
  /** What a person calls it: the name of the event, of the screen, or the label. */
  readonly name: string | undefined;
  readonly bytes: number;
}

export type SplitResult =
  | { readonly kind: "split"; readonly parts: readonly Batch[] }
  /** No split helps: there is nothing to split by, or a single event with the rest of the batch is too large. */
  | {
      readonly kind: "too-large";
      /** Of the whole batch. */
      readonly bytes: number;
      /** Of the batch without its events: what every part carries. */
      readonly contextBytes: number;
      /** `undefined` in a batch without events. */
      readonly largest: LargestEvent | undefined;
    };

/**
 * Splits a batch that is too large by its events, in order, into as few parts as that allows.
 *
 * Every part carries all of the batch but its events: identities, device, context, attributes, deleted attributes and
 * consent. Parts may arrive in any order and are processed one by one, so each has to say for itself whose events these
 * are and what may be done with them; saying the same again changes nothing.
 *
 * A part's id is that of the batch and the range of its events, `<id>/0-41`: a retry of the whole splits into the same
 * ids, and no id ever stands for other events, not even when the limit has changed in between.
 *
 * @param batch - with its `source_request_id`.
 */
export function splitBatch(batch: Batch, { maxBytes, measure }: SplitOptions): SplitResult {
  const bytes = measure(batch);
  if (bytes < maxBytes) return { kind: "split", parts: [batch] };
  const events = Array.isArray(batch.events) ? (batch.events as readonly Event[]) : []; // isArray makes any[] of it
  const id = batch.source_request_id ?? undefined;
  const partOf = (from: number, to: number): Batch => ({
    ...batch,
    ...(id !== undefined && { source_request_id: `${id}/${String(from)}-${String(to - 1)}` }),
    events: events.slice(from, to),
  });
  // The longest id there will be, so that what is measured is never less than what is sent.
  const contextBytes = measure({ ...partOf(events.length, events.length + 1), events: [] });
  const frame: Batch = { environment: batch.environment, events: [] };
  const frameBytes = measure(frame);
  const sizes = events.map((event) => measure({ ...frame, events: [event] }) - frameBytes);
  const largest = findLargest(events, sizes);
  if (largest === undefined || contextBytes + largest.bytes >= maxBytes) {
    return { kind: "too-large", bytes, contextBytes, largest };
  }
  const parts: Batch[] = [];
  let from = 0;
  let partBytes = contextBytes;
  for (const [index, size] of sizes.entries()) {
    const comma = index > from ? 1 : 0;
    if (partBytes + comma + size >= maxBytes) {
      parts.push(partOf(from, index));
      from = index;
      partBytes = contextBytes + size;
    } else {
      partBytes += comma + size;
    }
  }
  parts.push(partOf(from, events.length));
  return { kind: "split", parts };
}

function findLargest(events: readonly Event[], sizes: readonly number[]): LargestEvent | undefined {
  let index = 0;
  for (const [candidate, size] of sizes.entries()) if (size > (sizes[index] ?? 0)) index = candidate;
  const event = events[index];
  const bytes = sizes[index];
  if (event === undefined || bytes === undefined) return undefined;
  // What JavaScript passes for an event may be none.
  const type = (event as Partial<Event> | null)?.event_type ?? "no event";
  return { index, type, name: nameOf(event), bytes };
}

const NAME_FIELDS = ["event_name", "screen_name", "label"] as const;

function nameOf(event: Event): string | undefined {
  // Which of them a type has is the contract's business; here any will do, and JavaScript may have given no data at all.
  const data = (event as Partial<Event> | null)?.data as Readonly<Record<string, unknown>> | null | undefined;
  return NAME_FIELDS.map((field) => data?.[field]).find((value) => typeof value === "string");
}
