/** A consumer whose network fails, and its next start: nothing is lost, and each user's order is kept. */
import { createBatch, EventsClient, screenView, type Fetch } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { consume } from "./consumer.ts";
import { KafkaStandIn } from "./stand-in.ts";

const kafka = new KafkaStandIn(2);
for (let page = 1; page <= 3; page++) {
  for (const customer_id of ["1", "2"]) {
    const user = { environment: "development", user_identities: { customer_id } } as const;
    // The batch has its id when it is published, and so it has the same one whenever it is read.
    const batch = createBatch(user, [screenView(`Page ${String(page)}`)]);
    await kafka.send({ messages: [{ topic: "events", key: customer_id, value: JSON.stringify(batch) }] });
  }
}
await kafka.send({ messages: [{ topic: "events", key: "1", value: `{"environment":"nowhere"}` }] });

const makeClient = (fetch?: Fetch): EventsClient =>
  new EventsClient({
    apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
    apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
    baseUrl: process.env["MPARTICLE_BASE_URL"],
    validate: checkBatch,
    strict: true,
    rate: 100,
    fetch,
    // For this example; a service waits for the end of an outage, such as for an hour.
    retry: { maxElapsedMs: 300 },
  });

const offline = makeClient(() => Promise.reject(new TypeError("fetch failed")));
await consume(kafka.messages("events"), kafka, offline).catch((error: unknown) => {
  console.log("The consumer has ended:", error instanceof Error ? error.message : error);
});
await consume(kafka.messages("events"), kafka, makeClient());
console.log("committed", [0, 1].map((partition) => kafka.committed("events", partition)).join(" and "));
console.log("dead letters", kafka.partitionsOf("events.dead").flat().length);
