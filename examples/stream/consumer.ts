/** Consumes a stream such as Kafka's or Kinesis's: a message is committed when its event is on the disk. */
import { customEvent, type EventQueue } from "mparticle-events";

/** A message of the stream. */
export interface Message {
  readonly offset: number;
  readonly value: { readonly customerId: string; readonly song: string };
}

/** A partition of the stream, as its client library gives it. */
export interface Partition {
  /** Messages from the one behind the last commit on. */
  read(): AsyncIterable<Message>;
  /** Says that everything up to this offset is dealt with. */
  commit(offset: number): Promise<void>;
}

/**
 * Adds an event for each message.
 *
 * @param queue - with an outbox: `add` then resolves when the event is on the disk, and so the commit may follow. A crash
 *   between the two brings the message again, and its event has the same `source_message_id`.
 */
export async function consume(partition: Partition, queue: EventQueue): Promise<void> {
  for await (const { offset, value } of partition.read()) {
    const user = { environment: "development", user_identities: { customer_id: value.customerId } } as const;
    const played = customEvent("song played", "media", {
      custom_attributes: { song: value.song },
      source_message_id: `songs-0-${String(offset)}`,
    });
    await queue.add(user, played);
    await partition.commit(offset);
  }
}
