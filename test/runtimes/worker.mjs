/**
 * Serves a worker with workerd and asks it all there is to ask: `node worker.mjs SCRIPT` prints a line of JSON.
 * In JavaScript, and in a process of its own: miniflare and its types are there only once the runtimes are installed.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Miniflare } from "miniflare";

/** For what is delivered after the answer. */
const PATIENCE_MS = 5_000;

const [, , script] = process.argv;
const miniflare = new Miniflare({
  modules: true,
  script: readFileSync(script, "utf8"),
  compatibilityDate: "2026-04-01",
  // Else it asks a server on the internet what to say about each request.
  cf: false,
});

async function ask(path) {
  const response = await miniflare.dispatchFetch(`http://worker${path}`);
  const text = await response.text();
  // The runtime's own complaints are no JSON; their stack is of no use here.
  return response.ok ? JSON.parse(text) : `${String(response.status)}: ${text.split("\n", 1)[0]}`;
}

async function askUntilSettled() {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const outcomes = await ask("/outcomes");
    if (outcomes.length > 0 || performance.now() > deadlineMs) return outcomes;
    await sleep(20);
  }
}

try {
  const facts = await ask("/play");
  const inTurn = [await ask("/shared"), await ask("/shared")];
  const atOnce = await Promise.all(Array.from({ length: 12 }, () => ask("/shared")));
  const addedForLater = await ask("/wait-until");
  const settledLater = await askUntilSettled();
  console.log(JSON.stringify({ facts, inTurn, atOnce, addedForLater, settledLater }));
} finally {
  await miniflare.dispose();
}
