import { EventsClient, type Batch, type EventsClientOptions } from "mparticle-events";
import type { Effects } from "../../src/delivery/effects.ts";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";

/** A client of a service that answers as the script says, on a clock of the test's own. */
export function makeClient(
  script: Script<FetchStep>,
  time: Effects,
  options: Partial<EventsClientOptions> = {},
): EventsClient {
  return new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch: recordingFetch(script), ...options }, time);
}

/** A batch with nothing wrong about it. */
export const good = (id: string): Batch => ({ environment: "development", source_request_id: id });
