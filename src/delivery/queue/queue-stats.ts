import type { Batch } from "../../../generated/schema.ts";
import type { Ledger } from "./tally.ts";

/** What has become of all that was added, in events and in batches, and what is held right now. */
export interface QueueStats {
  /** Events, by what became of them. */
  readonly events: Ledger;
  /** Batches, by what became of them. */
  readonly batches: Ledger;
  /** Bytes of JSON held in memory. */
  readonly bufferedBytes: number;
  /** Calls of `add` that wait for room, or for the outbox to be open; what they bring is not counted yet. */
  readonly waitingAdds: number;
}

/** What a queue came to. */
export interface CloseReport {
  /** Events of each fate since the queue was made. */
  readonly accepted: number;
  /** Events that were refused for good since the queue was made. */
  readonly rejected: number;
  /** Events that were given up without a verdict of the service since the queue was made. */
  readonly undelivered: number;
  /** What was still pending when time was up, with the ids it was sent with: safe to send again. */
  readonly unsent: readonly Batch[];
}
