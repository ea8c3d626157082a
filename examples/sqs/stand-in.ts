/** Queues in memory, in place of `new SQS({ region })` of `@aws-sdk/client-sqs`: a received message is hidden for a while. */
import type { Sqs, SqsMessage } from "./consumer.ts";

interface Stored {
  readonly body: string;
  visibleAtMs: number;
  /** Of the last time that it was received; older ones do not count any more. */
  receipt: string;
}

export class SqsStandIn implements Sqs {
  readonly #queues = new Map<string, Stored[]>();
  #receipts = 0;

  /** What is in a queue, hidden or not. */
  bodiesOf(queueUrl: string): readonly string[] {
    return this.#of(queueUrl).map(({ body }) => body);
  }

  sendMessage({ QueueUrl, MessageBody }: Parameters<Sqs["sendMessage"]>[0]): Promise<unknown> {
    this.#of(QueueUrl).push({ body: MessageBody, visibleAtMs: 0, receipt: "" });
    return Promise.resolve({});
  }

  async receiveMessage(input: Parameters<Sqs["receiveMessage"]>[0]): ReturnType<Sqs["receiveMessage"]> {
    const endMs = Date.now() + input.WaitTimeSeconds * 1_000;
    for (;;) {
      const nowMs = Date.now();
      const found = this.#of(input.QueueUrl).filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
      const Messages = found.slice(0, input.MaxNumberOfMessages).map((stored): SqsMessage => {
        stored.visibleAtMs = nowMs + input.VisibilityTimeout * 1_000;
        stored.receipt = `receipt-${String(this.#receipts++)}`;
        return { Body: stored.body, ReceiptHandle: stored.receipt };
      });
      // A wait ends when there is something; without anything there is no list.
      if (Messages.length > 0) return { Messages };
      if (Date.now() >= endMs || this.isEnding) return {};
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends the waits of those who receive, which take up to 20 seconds else. */
  isEnding = false;

  deleteMessage({ QueueUrl, ReceiptHandle }: Parameters<Sqs["deleteMessage"]>[0]): Promise<unknown> {
    const queue = this.#of(QueueUrl);
    const place = queue.findIndex(({ receipt }) => receipt === ReceiptHandle);
    if (place >= 0) queue.splice(place, 1);
    return Promise.resolve({});
  }

  changeMessageVisibility(input: Parameters<Sqs["changeMessageVisibility"]>[0]): Promise<unknown> {
    const stored = this.#of(input.QueueUrl).find(({ receipt }) => receipt === input.ReceiptHandle);
    if (stored !== undefined) stored.visibleAtMs = Date.now() + input.VisibilityTimeout * 1_000;
    return Promise.resolve({});
  }

  #of(queueUrl: string): Stored[] {
    const queue = this.#queues.get(queueUrl) ?? [];
    this.#queues.set(queueUrl, queue);
    return queue;
  }
}
