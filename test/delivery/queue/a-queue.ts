import {
  customEvent,
  EventQueue,
  EventsClient,
  type Batch,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type UserContext,
} from "mparticle-events";
import { recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../../src/testing/testing.ts";

export interface Setup {
  readonly script?: Script<FetchStep>;
  readonly client?: Partial<EventsClientOptions>;
  readonly queue?: EventQueueOptions;
}

export interface Started {
  readonly queue: EventQueue;
  readonly fetch: RecordingFetch;
  readonly outcomes: Outcome[];
}

/** A queue whose transport has no bounds of its own, such as a number of sockets; it sends when it is told to. */
export function startQueue({ script = 202, client, queue: options }: Setup = {}): Started {
  const fetch = recordingFetch(script);
  const outcomes: Outcome[] = [];
  const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, ...client }), {
    flushIntervalMs: 600_000,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return { queue, fetch, outcomes };
}

export function user(id: string | number): UserContext {
  return { environment: "development", user_identities: { customer_id: String(id) } };
}

export function event(name: string | number, size = 10): ReturnType<typeof customEvent> {
  return customEvent(String(name), "other", { custom_attributes: { text: "x".repeat(size) } });
}

export function namesOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) =>
    (events ?? []).map((one) => (one.event_type === "custom_event" ? one.data.event_name : one.event_type)),
  );
}

/** Lets everything run that is ready. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Counts turns of the event loop until it is asked. */
export function countTurns(): () => number {
  let count = 0;
  let isOver = false;
  const look = (): void => {
    count++;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    isOver = true;
    return count;
  };
}
