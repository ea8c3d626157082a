/**
 * A process, or a worker thread, that owns an outbox: `owning.ts OUTBOX HOW`. Opens it, adds a batch named after `HOW`, and
 * prints "added"; with `HOW` "reading" or "adding" it then opens and closes the file as a backup does. Stays until it is
 * killed; a line on its input makes it add a batch "more", and print that.
 * Where the outbox cannot be had, prints why.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { sqliteOutbox } from "mparticle-events/node";

const [path = "", how = ""] = process.argv.slice(2);
const outbox = sqliteOutbox(path, { takeoverTimeoutMs: how === "waiting" ? 20_000 : 1 });
try {
  await outbox.open();
  await outbox.append([{ requestId: how, context: '{"environment":"development"}', events: ["{}"] }]);
  if (how === "reading" || how === "adding") closeSync(openSync(path, "r"));
  writeSync(1, "added\n");
  parentPort?.postMessage("added");
  setInterval(() => undefined, 1_000);
  process.stdin.once("data", () => {
    void outbox
      .append([{ requestId: "more", context: '{"environment":"development"}', events: ["{}"] }])
      .then(() => writeSync(1, "more\n"));
  });
} catch (error) {
  writeSync(1, `added\n${String(error)}\n`);
}
