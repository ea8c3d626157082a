import { EventsClient, type Batch, type EventsClientOptions, type Outcome } from "mparticle-events";
import type { Effects } from "../../src/delivery/effects.ts";
import { recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";

/** A client of a service that answers as the script says, on a clock of the test's own. */
export function makeClient(
  script: Script<FetchStep>,
  time: Effects,
  options: Partial<EventsClientOptions> = {},
): EventsClient {
  return new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch: recordingFetch(script), ...options }, time);
}

/** A client on a clock of its own, what it sent, and what it told of each batch. */
export function makeObservedClient(
  script: Script<FetchStep> = 202,
  options: Partial<EventsClientOptions> = {},
): { readonly client: EventsClient; readonly fetch: RecordingFetch; readonly reported: readonly Outcome[] } {
  const fetch = recordingFetch(script);
  const reported: Outcome[] = [];
  const onOutcome = (outcome: Outcome): void => void reported.push(outcome);
  const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, onOutcome, ...options }, virtualTime());
  return { client, fetch, reported };
}

/** A step of a script that takes some turns of the event loop, and how many requests were at it together, at most. */
export function countTravelling(turns = 1): { readonly step: () => Promise<202>; readonly most: () => number } {
  let [travelling, most] = [0, 0];
  return {
    step: async () => {
      most = Math.max(most, ++travelling);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      travelling--;
      return 202;
    },
    most: () => most,
  };
}

/** A batch with nothing wrong about it. */
export const good = (id: string): Batch => ({ environment: "development", source_request_id: id });
