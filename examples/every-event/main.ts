/** Sends one event of every type. */
import { createBatch, EventsClient } from "mparticle-events";
import { everyEvent } from "./every-event.ts";

const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
});
const user = { environment: "development", user_identities: { customer_id: "1234" } } as const;
console.log(await client.upload(createBatch(user, everyEvent)));
await client.close();
