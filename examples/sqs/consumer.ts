/** A consumer of batches that deletes by outcome. Any number of processes may consume. */
import { InvalidBatchError, parseJsonExact, type Batch, type EventsClient } from "mparticle-events";

/** What is used of a message. */
export interface SqsMessage {
  readonly ReceiptHandle?: string | undefined;
  readonly Body?: string | undefined;
}

/** What is used of the class `SQS` of `@aws-sdk/client-sqs`. */
export interface Sqs {
  receiveMessage(input: {
    QueueUrl: string;
    MaxNumberOfMessages: number;
    WaitTimeSeconds: number;
    VisibilityTimeout: number;
  }): Promise<{ readonly Messages?: readonly SqsMessage[] | undefined }>;
  deleteMessage(input: { QueueUrl: string; ReceiptHandle: string | undefined }): Promise<unknown>;
  changeMessageVisibility(input: {
    QueueUrl: string;
    ReceiptHandle: string | undefined;
    VisibilityTimeout: number;
  }): Promise<unknown>;
  sendMessage(input: { QueueUrl: string; MessageBody: string }): Promise<unknown>;
}

export interface Queues {
  readonly queueUrl: string;
  /** Of our own, without a redrive policy on `queueUrl`: that counts how often a message came, and an outage counts too. */
  readonly deadUrl: string;
  /** How long a message is hidden from others; longer than `retry.maxElapsedMs` of the client, or it is sent twice. */
  readonly visibilitySeconds: number;
  /** What was not delivered comes again after this time. */
  readonly comeBackSeconds: number;
}

/** SQS gives ten messages a call at most, so that several calls at a time fill a request. */
const RECEIVERS = 8;

/**
 * Sends what is in the queue until it is told to stop: accepted → deleted, rejected → to the dead letters with what was
 * found, undelivered → visible again soon. In a FIFO queue with the user as `MessageGroupId` the order is kept, because
 * nothing of a group comes while one of its messages is hidden.
 *
 * @param client - with `rate` set to the account's rate divided by the number of consumers: SQS has no common pace.
 */
export async function consume(sqs: Sqs, queues: Queues, client: EventsClient, stop: AbortSignal): Promise<void> {
  const { queueUrl: QueueUrl, deadUrl, visibilitySeconds, comeBackSeconds } = queues;
  const underWay = new Map<number, SqsMessage>();

  const bury = async ({ Body = "", ReceiptHandle }: SqsMessage, reasons: readonly string[]): Promise<void> => {
    await sqs.sendMessage({ QueueUrl: deadUrl, MessageBody: JSON.stringify({ reasons, batch: Body }) });
    await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
  };

  const settle = async (outcome: { kind: string; error?: Error }, message: SqsMessage): Promise<void> => {
    const { ReceiptHandle } = message;
    if (outcome.kind === "accepted") await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
    else if (outcome.kind === "rejected") await bury(message, reasonsOf(outcome.error));
    else await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout: comeBackSeconds });
  };

  let index = 0;
  async function* batches(): AsyncGenerator<Batch> {
    const receive = async (): Promise<readonly SqsMessage[]> => {
      const wanted = { MaxNumberOfMessages: 10, WaitTimeSeconds: 20, VisibilityTimeout: visibilitySeconds };
      const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, ...wanted });
      return Messages;
    };
    const receiving = new Map<number, Promise<{ receiver: number; messages: readonly SqsMessage[] }>>();
    const startOne = (receiver: number): void => {
      receiving.set(
        receiver,
        receive().then((messages) => ({ receiver, messages })),
      );
    };
    for (let receiver = 0; receiver < RECEIVERS; receiver++) startOne(receiver);
    while (receiving.size > 0) {
      const { receiver, messages } = await Promise.race(receiving.values());
      receiving.delete(receiver);
      for (const message of messages) {
        let batch: Batch;
        try {
          batch = parseJsonExact(message.Body ?? "") as Batch; // `deliver` rejects what is none
        } catch (error) {
          await bury(message, [String(error)]);
          continue;
        }
        underWay.set(index++, message);
        yield batch;
      }
      // What is asked for already is taken as well: it is hidden from others.
      if (!stop.aborted) startOne(receiver);
    }
  }

  const settling = new Set<Promise<void>>();
  for await (const outcome of client.deliver(batches())) {
    const message = underWay.get(outcome.index);
    underWay.delete(outcome.index);
    if (message === undefined) continue;
    // What could not be told comes again after its time, with its id.
    const told: Promise<void> = settle(outcome, message)
      .catch((error: unknown) => {
        console.error("SQS was not told:", error);
      })
      .finally(() => settling.delete(told));
    settling.add(told);
  }
  await Promise.all(settling);
}

function reasonsOf(error: Error | undefined): readonly string[] {
  if (!(error instanceof InvalidBatchError)) return [error?.message ?? "rejected"];
  return error.findings.map(({ path, code, message }) => `${path} ${code}: ${message}`);
}
