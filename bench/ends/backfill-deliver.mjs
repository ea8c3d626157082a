/** The same with the library: bounded, paced, tried again, with an outcome for each batch. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { EventsClient } from "mparticle-events";

const [url, path] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2` });

async function* readBatches() {
  for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line);
}

for await (const { kind } of client.deliver(readBatches())) if (kind !== "accepted") process.exitCode = 1;
process.exit();
