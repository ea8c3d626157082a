/**
 * A process that adds events to queues and dies: `dying.ts LIFE`, where `LIFE` is the JSON of a `Life`. Prints "added"
 * when all are taken in.
 */
import { EventQueue, EventsClient, customEvent } from "mparticle-events";
import { drainOnExit, sqliteOutbox } from "mparticle-events/node";
import type { Life } from "../dying-process.ts";
import { pathOf } from "../path-of-queue.ts";

const life = JSON.parse(process.argv[2] ?? "") as Life;
const { url, way, events, eventBytes = 0, timeoutMs = 1_500, queues: count = 1, maxElapsedMs, maxBufferedBytes } = life;
const client = new EventsClient({
  apiKey: "k",
  apiSecret: "s",
  baseUrl: url,
  logger: console,
  retry: { maxElapsedMs, baseDelayMs: 10 },
});

const exitLater = (): void => {
  process.stdout.write("handled\n");
  process.once("SIGUSR2", () => process.exit(7));
};
// One before the package's own, one after it.
if (way === "once-handler") process.once("SIGTERM", exitLater);

const throwAtExit = (): never => {
  throw new Error("thrown at the end");
};
if (life.throwAtExit === true) process.on("exit", throwAtExit);

const queues = Array.from({ length: count }, (_, n) => {
  const outboxPath = pathOf(life.outboxPath, n);
  const outbox = outboxPath === undefined ? undefined : sqliteOutbox(outboxPath);
  const queue = new EventQueue(client, { flushIntervalMs: 60_000, maxEventsPerBatch: 50, outbox, maxBufferedBytes });
  if (way !== "plain-end") drainOnExit(queue, { timeoutMs, spillPath: pathOf(life.spillPath, n) });
  return queue;
});

if (life.throwAtExit === true) process.prependListener("exit", throwAtExit);
if (way === "handler") process.on("SIGTERM", exitLater);
if (way === "signal-exit") {
  // What the package of that name does: it ends the process once it is alone.
  const emitter = { count: 1 };
  Object.assign(process, { __signal_exit_emitter__: emitter });
  const listener = (): void => {
    if (process.listenerCount("SIGTERM") > emitter.count) return;
    process.off("SIGTERM", listener);
    process.stdout.write("left politely\n");
    process.kill(process.pid, "SIGTERM");
  };
  process.on("SIGTERM", listener);
}

const taken = Array.from({ length: events }, (_, n) => {
  const user = {
    environment: "development" as const,
    user_identities: { customer_id: String(n % 5) },
    mpid: "7346244611012968789",
  };
  return queues[n % count]!.add(user, customEvent(`event-${String(n)}`.padEnd(eventBytes), "other"));
});
if (way !== "waiting") await Promise.all(taken);
process.stdout.write("added\n");

switch (way) {
  case "exit":
  case "waiting":
    process.exit(3);
    break;
  case "throw":
    setTimeout(() => {
      throw new Error("uncaught on purpose");
    });
    break;
  case "reject":
    void Promise.reject(new Error("unhandled on purpose"));
    break;
  case "close":
    await Promise.all(queues.map((queue) => queue.close({ timeoutMs: 50 })));
    break;
  case "closing":
    // Until the signal comes.
    for (const queue of queues) void queue.close({ timeoutMs: 20_000 });
    break;
  case "end":
  case "plain-end":
    break;
  default:
    // A signal is on its way.
    setInterval(() => undefined, 1_000);
}
