/** What the command does with a batch, by the library alone: ids exact, ids of the row, the check before it is sent. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { crc32 } from "node:zlib";
import { EventsClient, parseJsonExact, requestIdFrom } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";

const CONCURRENCY = 4;
const [url, path] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2`, validate: checkBatch });

async function* readBatches() {
  let row = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const batch = parseJsonExact(line);
    batch.source_request_id ??= requestIdFrom(`${basename(path)}#${++row}:${crc32(line).toString(16)}`);
    batch.events.forEach(({ data }, index) => {
      data.source_message_id ??= `${batch.source_request_id}/${index}`;
    });
    yield batch;
  }
}

for await (const { kind } of client.deliver(readBatches(), { concurrency: CONCURRENCY }))
  if (kind !== "accepted") process.exitCode = 1;
process.exit();
