/**
 * A process whose queue is in a worker thread: `threads.ts URL SPILL HOW`. The main thread calls `drainOnExit` too, unless
 * `HOW` is "alone"; then it ends when the worker thread has warned. Prints "added" when the worker's events are taken in; then
 * it waits for a signal, or the main thread calls `process.exit` when `HOW` is "exit", the worker when it is "worker-exit".
 */
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { EventQueue, EventsClient, customEvent } from "mparticle-events";
import { drainOnExit } from "mparticle-events/node";

const [url, spillPath = "", how] = process.argv.slice(2);
/** After a signal all is sent, however long that takes; at the other ends nobody answers. */
const timeoutMs = how === "signal" ? 60_000 : 1_500;
const makeQueue = (): EventQueue =>
  new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: url }), { flushIntervalMs: 60_000 });

if (isMainThread) {
  if (how !== "alone") drainOnExit(makeQueue(), { timeoutMs });
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: process.argv.slice(2) });
  if (how !== "worker-exit") {
    // The main thread asks each for its last word; one that is terminated has none.
    const terminated = new Worker(fileURLToPath(import.meta.url), { argv: [url, `${spillPath}-other`, "idle"] });
    terminated.once("message", () => void terminated.terminate());
  }
  worker.on("exit", () => process.exit(0));
  worker.on("message", (message) => {
    if (message === "warned") process.exit(0);
    setTimeout(() => {
      process.stdout.write("added\n");
      if (how === "exit") process.exit(3);
    }, 200);
  });
  setInterval(() => undefined, 1_000);
} else {
  console.warn = (message: string) => {
    writeSync(2, `${message}\n`);
    if (how === "alone") parentPort?.postMessage("warned");
  };
  const queue = makeQueue();
  drainOnExit(queue, { timeoutMs, spillPath });
  if (how !== "idle") {
    for (let n = 0; n < 20; n++) {
      await queue.add(
        { environment: "development", user_identities: { customer_id: String(n) } },
        customEvent("e", "other"),
      );
    }
  }
  parentPort?.postMessage("added");
  if (how === "worker-exit") setTimeout(() => process.exit(4), 300);
  setInterval(() => undefined, 1_000);
}
