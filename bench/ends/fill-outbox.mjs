/** Leaves an outbox behind, with batches of 100 events. */
import { randomUUID } from "node:crypto";
import { sqliteOutbox } from "mparticle-events/node";
import { event, user } from "../candidates/payload.mjs";

const PER_BATCH = 100;
const [path, count] = process.argv.slice(2);
const outbox = sqliteOutbox(path);
await outbox.open({ apiKey: "key", warn: () => undefined });
for (let n = 0; n < Number(count); n += PER_BATCH) {
  const events = Array.from({ length: PER_BATCH }, (_, at) => JSON.stringify(event(n + at)));
  await outbox.append([{ requestId: randomUUID(), context: JSON.stringify(user(n)), events }]);
}
await outbox.close();
