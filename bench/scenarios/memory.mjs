/** What a queue takes of memory for what is in it: the heap after collecting garbage, less what it was before. */
import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { EventQueue, EventsClient } from "mparticle-events";
import { event, user } from "../candidates/payload.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

function heapBytes() {
  for (let time = 0; time < 3; time++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const KINDS = {
  /** All of one user, and none of them answered. */
  pending: { answers: false, userOf: () => 0 },
  /** One event of each user, and none of them answered. */
  first: { answers: false, userOf: (n) => n },
  /** One event of each user, all of them accepted. */
  idle: { answers: true, userOf: (n) => n },
};

export async function prepare({ kind, count }) {
  const { answers, userOf } = KINDS[kind];
  const jsonBytes = JSON.stringify(event(count)).length + (kind === "pending" ? 0 : JSON.stringify(user(count)).length);
  const fetch = () => (answers ? Promise.resolve(new Response(null, { status: 202 })) : new Promise(() => undefined));
  const open = () => {
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: "http://localhost/v2", fetch });
    return new EventQueue(client, { maxBufferedBytes: 1e9, flushIntervalMs: 60_000 });
  };
  const fill = async (queue, howMany) => {
    for (let n = 0; n < howMany; n++) await queue.add(user(userOf(n)), event(n));
    if (answers) await queue.flush();
  };
  // What is loaded and compiled with the first of them is no memory of theirs.
  await fill(open(), 2_000);
  const queue = open();
  await fill(queue, 1);
  return async () => {
    const beforeBytes = heapBytes();
    await fill(queue, count);
    return { bytes: (heapBytes() - beforeBytes) / count, jsonBytes, pending: queue.stats().events.pending };
  };
}
