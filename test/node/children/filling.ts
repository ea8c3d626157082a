/**
 * A process that appends to an outbox until that fails: `filling.ts OUTBOX [STAY]`. Prints what the failure said, what was
 * stored, and what is pending; closes the outbox, or stays until it is killed.
 */
import { sqliteOutbox } from "mparticle-events/node";

const [path = "", stay] = process.argv.slice(2);
const outbox = sqliteOutbox(path);
await outbox.open();
const events = [JSON.stringify({ event_type: "custom_event", data: { event_name: "x".repeat(20_000) } })];
const context = '{"environment":"development"}';
const stored: string[] = [];
let message = "";
while (message === "") {
  const requestId = `r-${String(stored.length)}`;
  try {
    await outbox.append([{ requestId, context, events }]);
    stored.push(requestId);
  } catch (error) {
    message = String(error);
  }
}
const pending: string[] = [];
for await (const batch of outbox.recover()) pending.push(batch.requestId);
console.log(JSON.stringify({ message, stored, pending }));
if (stay === undefined) await outbox.close();
else setInterval(() => undefined, 1_000);
