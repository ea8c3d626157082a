/** Six batches in a queue, one of which cannot be accepted. */
import { createBatch, EventsClient, screenView } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { consume } from "./consumer.ts";
import { SqsStandIn } from "./stand-in.ts";

const sqs = new SqsStandIn();
const queues = { queueUrl: "events", deadUrl: "events-dead", visibilitySeconds: 60, comeBackSeconds: 5 };
for (let customer = 1; customer <= 5; customer++) {
  const user = { environment: "development", user_identities: { customer_id: String(customer) } } as const;
  // The batch has its id when it is sent to the queue, and so it has the same one however often it is received.
  const MessageBody = JSON.stringify(createBatch(user, [screenView("Home")]));
  await sqs.sendMessage({ QueueUrl: queues.queueUrl, MessageBody });
}
await sqs.sendMessage({ QueueUrl: queues.queueUrl, MessageBody: `{"environment":"nowhere"}` });

const stop = new AbortController();
let outcomes = 0;
const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
  validate: checkBatch,
  strict: true,
  rate: 100,
  // Shorter than `visibilitySeconds`.
  retry: { maxElapsedMs: 40_000 },
  onOutcome: () => {
    if (++outcomes < 6) return;
    stop.abort();
    sqs.isEnding = true;
  },
});
await consume(sqs, queues, client, stop.signal);
await client.close();
console.log("left", sqs.bodiesOf(queues.queueUrl).length, "and dead", sqs.bodiesOf(queues.deadUrl));
