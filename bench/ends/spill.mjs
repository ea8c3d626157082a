/** Ends with a full queue and a service that is not there: says how long `drainOnExit` held the end up, and what it wrote. */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { EventQueue, EventsClient } from "mparticle-events";
import { drainOnExit } from "mparticle-events/node";
import { event, user } from "../candidates/payload.mjs";

const [url, spillPath, events, users] = process.argv.slice(2);
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2` });
const queue = new EventQueue(client, { flushIntervalMs: 60_000 });
drainOnExit(queue, { spillPath });
let endedMs = 0;
let cpuBefore;
process.on("exit", () => {
  // `drainOnExit` is in front of all other listeners.
  const spillMs = performance.now() - endedMs;
  const { user: cpuMicros, system } = process.cpuUsage(cpuBefore);
  const folder = dirname(spillPath);
  const [name] = readdirSync(folder).filter((one) => one.startsWith(basename(spillPath)));
  const bytes = readFileSync(join(folder, name));
  // The floor: the same bytes, down to the disk, and under their name as a whole or not at all. Without the last three
  // steps a power cut may leave half of a file, or none.
  const startedMs = performance.now();
  const floorBefore = process.cpuUsage();
  const descriptor = openSync(`${spillPath}-floor.tmp`, "wx", 0o600);
  writeFileSync(descriptor, bytes);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${spillPath}-floor.tmp`, `${spillPath}-floor`);
  const folderDescriptor = openSync(folder, "r");
  fsyncSync(folderDescriptor);
  closeSync(folderDescriptor);
  const floorMs = performance.now() - startedMs;
  const floorCpu = process.cpuUsage(floorBefore);
  const cpuMs = (cpuMicros + system) / 1_000;
  const floorCpuMs = (floorCpu.user + floorCpu.system) / 1_000;
  console.log(JSON.stringify({ spillMs, floorMs, cpuMs, floorCpuMs, bytes: bytes.length }));
});
for (let n = 0; n < Number(events); n++) await queue.add(user(n % Number(users)), event(n));
cpuBefore = process.cpuUsage();
endedMs = performance.now();
process.exit();
