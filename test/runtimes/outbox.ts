/**
 * A program with an outbox: `… outbox ORIGIN FILE die` is killed with its events on disk, `… outbox ORIGIN FILE deliver`
 * sends what it finds there.
 */
import { EventQueue, EventsClient, screenView } from "mparticle-events";
import { sqliteOutbox } from "mparticle-events/node";
import { ADDED, CREDENTIALS, IDS } from "./scenarios.ts";

const [, , origin = "", file = "", what = ""] = process.argv;

async function main(): Promise<void> {
  const client = new EventsClient({ ...CREDENTIALS, baseUrl: `${origin}/outbox/v2` });
  const queue = new EventQueue(client, { flushIntervalMs: 60_000, outbox: sqliteOutbox(file) });
  if (what === "die") {
    for (const { screen } of ADDED) await queue.add({ environment: "development", mpid: IDS.mpid }, screenView(screen));
    process.kill(process.pid, "SIGKILL");
  }
  await queue.flush();
  const { accepted, unsent } = await queue.close();
  console.log(JSON.stringify({ accepted, unsent: unsent.length }));
}

void main();
