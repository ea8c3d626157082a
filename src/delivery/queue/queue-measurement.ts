import { onMessage } from "#platform";

/** What one queue holds at a moment. */
export interface QueueMeasurement {
  /** Events that have no outcome yet. */
  readonly pendingEvents: number;
  /** Bytes of JSON held in memory. */
  readonly bufferedBytes: number;
  /** Calls of `add` that wait for room, or for the outbox to be open. */
  readonly waitingAdds: number;
  /** Whether an outbox keeps what is pending. */
  readonly hasOutbox: boolean;
}

/** The message of the channel {@link MEASURE_QUEUES}: whoever publishes it finds in it what each queue holds. */
export interface QueueMeasurements {
  readonly queues: QueueMeasurement[];
}

/** The channel on which the open queues of a process are asked what they hold. */
export const MEASURE_QUEUES = "mparticle-events:measure-queues";

/**
 * Answers whoever asks what the queues hold.
 *
 * @returns a function that ends it.
 */
export function answerMeasurements(measure: () => QueueMeasurement): () => void {
  return onMessage(MEASURE_QUEUES, (message) => {
    (message as QueueMeasurements).queues.push(measure()); // what this channel is for
  });
}
