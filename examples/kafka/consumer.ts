/** A consumer of batches that commits by outcome. One for each partition may run, in as many processes. */
import { InvalidBatchError, parseJsonExact, type Batch, type EventsClient } from "mparticle-events";

/** What is used of a message of `@platformatic/kafka`, whose values are read as strings. */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** The user, whose messages are in one partition and so in order. */
  readonly key: string;
  readonly value: string;
  /** Commits the offset behind this message. */
  commit(): void | Promise<void>;
}

/** What is used of a `Producer` of it. */
export interface KafkaProducer {
  send(options: {
    messages: { readonly topic: string; readonly key: string; readonly value: string }[];
  }): Promise<unknown>;
}

/**
 * Sends what the messages hold: accepted → committed, rejected → to the topic of dead letters with what was found, and
 * committed. Kafka has no way to give one message back: at the first one that is undelivered it ends, nothing behind is
 * committed, and the next start reads from there.
 *
 * @param messages - of `consumer.consume({ topics, autocommit: false })`: by itself Kafka commits what was only read.
 * @param client - with a long `retry.maxElapsedMs`, which is how long an outage is waited for; and with `rate` set to the
 *   account's rate divided by the number of consumers, for Kafka has no common pace.
 * @throws MParticleError - why a batch was not delivered.
 */
export async function consume(
  messages: AsyncIterable<KafkaMessage>,
  producer: KafkaProducer,
  client: EventsClient,
): Promise<void> {
  const underWay = new Map<number, KafkaMessage>();
  let [read, committed] = [0, 0];

  const bury = async ({ topic, key, value }: KafkaMessage, reasons: readonly string[]): Promise<void> => {
    await producer.send({
      messages: [{ topic: `${topic}.dead`, key, value: JSON.stringify({ reasons, batch: value }) }],
    });
  };

  async function* batches(): AsyncGenerator<Batch> {
    for await (const message of messages) {
      let batch: Batch;
      try {
        batch = parseJsonExact(message.value) as Batch; // `deliver` rejects what is none
      } catch (error) {
        // The next message that can be read commits this one as well.
        await bury(message, [String(error)]);
        continue;
      }
      underWay.set(read++, message);
      yield batch;
    }
  }

  // In order: of one user at most one batch is under way.
  for await (const outcome of client.deliver(batches(), { ordered: true })) {
    if (outcome.kind === "undelivered") throw outcome.error;
    const message = underWay.get(outcome.index);
    if (outcome.kind === "rejected" && message !== undefined) await bury(message, reasonsOf(outcome.error));
    // Batches are settled in another order than they were read: only what has nothing unsettled before it is committed.
    const last = new Map<string, KafkaMessage>();
    for (; committed < outcome.settledThrough; committed++) {
      const settled = underWay.get(committed);
      if (settled === undefined) continue;
      underWay.delete(committed);
      last.set(`${settled.topic} ${String(settled.partition)}`, settled);
    }
    for (const settled of last.values()) await settled.commit();
  }
}

function reasonsOf(error: Error): readonly string[] {
  if (!(error instanceof InvalidBatchError)) return [error.message];
  return error.findings.map(({ path, code, message }) => `${path} ${code}: ${message}`);
}
