/** A consumer whose network is down, and the one that is started after it: nothing is lost, and nothing is sent twice. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventQueue, EventsClient, type Fetch } from "mparticle-events";
import { sqliteOutbox } from "mparticle-events/node";
import { consume, type Message, type Partition } from "./consumer.ts";

/** In place of this: a partition of your stream. */
class SongPartition implements Partition {
  committed = -1;
  #end: number;

  constructor(end: number) {
    this.#end = end;
  }

  grow(end: number): void {
    this.#end = end;
  }

  async *read(): AsyncGenerator<Message> {
    for (let offset = this.committed + 1; offset < this.#end; offset++) {
      yield await Promise.resolve({
        offset,
        value: { customerId: String(1000 + (offset % 2)), song: `Fado ${String(offset)}` },
      });
    }
  }

  commit(offset: number): Promise<void> {
    this.committed = offset;
    return Promise.resolve();
  }
}

function makeQueue(file: string, fetch?: Fetch): EventQueue {
  const client = new EventsClient({
    apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
    apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
    baseUrl: process.env["MPARTICLE_BASE_URL"],
    fetch,
  });
  return new EventQueue(client, {
    outbox: sqliteOutbox(file),
    onOutcome: (outcome) => {
      if (outcome.kind === "rejected") console.error("not accepted:", outcome.error.message);
      // What is undelivered stays in the outbox.
    },
  });
}

const folder = mkdtempSync(join(tmpdir(), "songs-"));
const file = join(folder, "mparticle.db");
const partition = new SongPartition(4);

const offline = makeQueue(file, () => Promise.reject(new TypeError("fetch failed")));
await consume(partition, offline);
const { unsent } = await offline.close({ timeoutMs: 0 });
console.log("committed up to", partition.committed, "and unsent", unsent.length, "batches");

partition.grow(6);
const online = makeQueue(file);
await consume(partition, online);
await online.close();
console.log("accepted", online.stats().events.accepted, "events");
rmSync(folder, { recursive: true });
