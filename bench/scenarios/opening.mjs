/** What it takes to open and read an outbox that an earlier process left: memory beyond what was there before. */
import { statSync } from "node:fs";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sqliteOutbox } from "mparticle-events/node";

const FILL = fileURLToPath(new URL("../ends/fill-outbox.mjs", import.meta.url));

export async function prepare({ count, path }) {
  await new Promise((resolve, reject) => {
    const child = fork(FILL, [path, String(count)]);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`filling ended with ${code}`))));
  });
  return async () => {
    const beforeMb = process.memoryUsage.rss() / 2 ** 20;
    const outbox = sqliteOutbox(path);
    await outbox.open({ apiKey: "key", warn: () => undefined });
    let events = 0;
    for await (const batch of outbox.recover()) events += batch.events.length;
    const grownMb = process.resourceUsage().maxRSS / 1_024 - beforeMb;
    await outbox.close();
    if (events !== count) throw new Error(`${events} of ${count} events were read`);
    return { grownMb, fileMb: statSync(path).size / 2 ** 20, events, count };
  };
}
