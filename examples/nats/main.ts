/** Publishes six batches, one of which cannot be accepted, and consumes them. */
import { connect } from "@nats-io/transport-node";
import { createBatch, EventsClient, screenView, type Batch } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { consume, prepare, publish } from "./consumer.ts";

const connection = await connect({ servers: process.env["NATS_URL"] ?? "nats://127.0.0.1:4222" });
await prepare(connection);
for (let customer = 1; customer <= 5; customer++) {
  const user = { environment: "development", user_identities: { customer_id: String(customer) } } as const;
  const batch = createBatch(user, [screenView("Home")]);
  await publish(connection, batch);
  await publish(connection, batch); // as a producer does that was not told of the first time
}
await publish(connection, { environment: "nowhere", events: [] } as unknown as Batch);

const stop = new AbortController();
let outcomes = 0;
const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
  validate: checkBatch,
  strict: true,
  rate: 100,
  onOutcome: ({ kind, batch }) => {
    console.log(kind, batch.source_request_id);
    if (++outcomes === 6) stop.abort();
  },
});
await consume(connection, client, stop.signal);
await client.close();
await connection.close();
