/** A program that has nothing left to do while its queue still holds something: `… just-end ORIGIN FLUSH_INTERVAL_MS`. */
import { EventQueue, EventsClient, screenView } from "mparticle-events";
import { ADDED, CREDENTIALS } from "./scenarios.ts";

const [, , origin = "", flushIntervalMs = ""] = process.argv;
const client = new EventsClient({ ...CREDENTIALS, baseUrl: `${origin}/just-end/v2` });
const queue = new EventQueue(client, { flushIntervalMs: Number(flushIntervalMs) });
for (const { user, screen } of ADDED) {
  void queue.add({ environment: "development", user_identities: { customer_id: user } }, screenView(screen));
}
