/** A backfill as somebody would write it: each line is parsed, and sent with 99 others. Nothing is checked or tried again. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { open } from "../candidates/node-http.mjs";

const BATCHES = 100;
const CONCURRENCY = 4;
const [url, path] = process.argv.slice(2);
const { uploadBulk } = open({ url });
const inFlight = new Set();
let batches = [];

async function send() {
  const sent = uploadBulk(batches).finally(() => inFlight.delete(sent));
  batches = [];
  inFlight.add(sent);
  if (inFlight.size >= CONCURRENCY) await Promise.race(inFlight);
}

for await (const line of createInterface({ input: createReadStream(path) })) {
  batches.push(JSON.parse(line));
  if (batches.length === BATCHES) await send();
}
if (batches.length > 0) await send();
await Promise.all(inFlight);
process.exit();
