/** A stream of batches, and a consumer of it that acknowledges by outcome. Any number of processes may consume. */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { InvalidBatchError, parseJsonExact, type Batch, type EventsClient } from "mparticle-events";

const STREAM = "EVENTS";
const CONSUMER = "sender";
/** A message that nobody speaks of for so long comes again, such as after its consumer was killed. */
const ACK_WAIT_MS = 30_000;
/** What was not delivered is tried again after this time, by any consumer. */
const COME_BACK_MS = 5_000;

/** Makes the streams and the consumer; the same again changes nothing. */
export async function prepare(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: STREAM,
    subjects: ["events.batch"],
    retention: RetentionPolicy.Workqueue,
    // A batch that is published twice within this time is one message, by its id.
    duplicate_window: nanos(3_600_000),
  });
  await manager.streams.add({ name: `${STREAM}_DEAD`, subjects: ["events.dead"] });
  await manager.consumers.add(STREAM, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    // Without an end: with one, an outage would use it up, and messages would vanish without a word.
    max_deliver: -1,
    // More than all consumers together have under way, or they wait for each other.
    max_ack_pending: 10_000,
  });
}

/** Resolves when the stream has it. A batch of `createBatch` has its id already, which is how a repetition is known. */
export async function publish(connection: NatsConnection, batch: Batch): Promise<void> {
  // Ids that are `bigint` cannot be JSON; given as digits they can.
  await jetstream(connection).publish("events.batch", JSON.stringify(batch), { msgID: batch.source_request_id ?? "" });
}

/**
 * Sends what is in the stream until it is told to stop: accepted → acknowledged, rejected → to `events.dead` with what was
 * found, undelivered → back. One user's batches may overtake each other, because what comes back comes later.
 *
 * @param client - with `rate` set to the account's rate divided by the number of consumers: NATS has no common pace.
 */
export async function consume(connection: NatsConnection, client: EventsClient, stop: AbortSignal): Promise<void> {
  const js = jetstream(connection);
  const consumer = await js.consumers.get(STREAM, CONSUMER);
  // What is fetched ahead waits here, and its time runs.
  const messages = await consumer.consume({ max_messages: 500 });
  const end = (): void => {
    messages.stop();
  };
  if (stop.aborted) end();
  stop.addEventListener("abort", end);
  const underWay = new Map<number, JsMsg>();
  // A request may take longer than ACK_WAIT_MS, such as after a 429: nobody else is to begin meanwhile.
  const timer = setInterval(() => {
    for (const message of underWay.values()) message.working();
  }, ACK_WAIT_MS / 3);

  const bury = async (message: JsMsg, reasons: readonly string[]): Promise<void> => {
    // In the dead letters before it is out of the stream: killed in between, it is buried once more.
    await js.publish("events.dead", JSON.stringify({ reasons, batch: message.string() }));
    message.ack();
  };

  let index = 0;
  async function* batches(): AsyncGenerator<Batch> {
    for await (const message of messages) {
      let batch: Batch;
      try {
        batch = parseJsonExact(message.string()) as Batch; // `deliver` rejects what is none
      } catch (error) {
        await bury(message, [String(error)]);
        continue;
      }
      underWay.set(index++, message);
      yield batch;
    }
  }

  try {
    for await (const outcome of client.deliver(batches())) {
      const message = underWay.get(outcome.index);
      underWay.delete(outcome.index);
      if (outcome.kind === "accepted") message?.ack();
      else if (outcome.kind === "undelivered") message?.nak(COME_BACK_MS);
      else if (message !== undefined) await bury(message, reasonsOf(outcome.error));
    }
  } finally {
    clearInterval(timer);
    stop.removeEventListener("abort", end);
    await connection.flush();
  }
}

function reasonsOf(error: Error): readonly string[] {
  if (!(error instanceof InvalidBatchError)) return [error.message];
  return error.findings.map(({ path, code, message }) => `${path} ${code}: ${message}`);
}
