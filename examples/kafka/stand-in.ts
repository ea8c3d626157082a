/**
 * Topics in memory, in place of a broker: with one, `messages` is `await consumer.consume({ topics: ["events"], autocommit:
 * false, mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST })` of a
 * `new Consumer({ groupId, clientId, bootstrapBrokers, deserializers: stringDeserializers })`, and a producer is
 * `new Producer({ clientId, bootstrapBrokers, serializers: stringSerializers })`.
 */
import type { KafkaMessage, KafkaProducer } from "./consumer.ts";

interface Stored {
  readonly key: string;
  readonly value: string;
}

export class KafkaStandIn implements KafkaProducer {
  readonly #partitions: number;
  readonly #topics = new Map<string, Stored[][]>();
  readonly #committed = new Map<string, bigint>();

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  send(options: {
    messages: { readonly topic: string; readonly key: string; readonly value: string }[];
  }): Promise<unknown> {
    for (const { topic, key, value } of options.messages) {
      // The same key is always in the same partition.
      const place = Array.from(key).reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % this.#partitions;
      this.partitionsOf(topic)[place]?.push({ key, value });
    }
    return Promise.resolve({});
  }

  /** What is in a topic, by partition. */
  partitionsOf(topic: string): readonly Stored[][] {
    const made = this.#topics.get(topic) ?? Array.from({ length: this.#partitions }, () => []);
    this.#topics.set(topic, made);
    return made;
  }

  /** From the committed offsets to the ends of the partitions; the stream of a real one goes on. */
  async *messages(topic: string): AsyncGenerator<KafkaMessage> {
    for (const [partition, stored] of this.partitionsOf(topic).entries()) {
      for (let offset = this.committed(topic, partition); offset < BigInt(stored.length); offset++) {
        const { key, value } = stored[Number(offset)] ?? { key: "", value: "" };
        const commit = (): void => {
          this.#committed.set(`${topic} ${String(partition)}`, offset + 1n);
        };
        yield await Promise.resolve({ topic, partition, offset, key, value, commit });
      }
    }
  }

  /** Where a consumer that starts now begins. */
  committed(topic: string, partition: number): bigint {
    return this.#committed.get(`${topic} ${String(partition)}`) ?? 0n;
  }
}
