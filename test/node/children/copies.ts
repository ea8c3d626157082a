/**
 * A process with an ES module and a CommonJS copy of the package, as when a dependency requires what the application
 * imports: `copies.ts URL COMMONJS SPILL`. Adds an event to a queue of each, prints "added" and waits for a signal.
 */
import { createRequire } from "node:module";
import * as esModule from "./package.ts";

const [url, commonJs = "", spillPath = ""] = process.argv.slice(2);
const required = createRequire(import.meta.url)(commonJs) as typeof esModule; // a bundle of the same file

for (const [name, { EventQueue, EventsClient, customEvent, drainOnExit }] of Object.entries({ esModule, required })) {
  const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: url }), {
    flushIntervalMs: 60_000,
  });
  drainOnExit(queue, { timeoutMs: 60_000, spillPath: `${spillPath}-${name}` });
  await queue.add({ environment: "development" }, customEvent(name, "other"));
}
process.stdout.write("added\n");
setInterval(() => undefined, 1_000);
