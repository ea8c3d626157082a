/**
 * Lives, deaths and faults for ten minutes: `npm run test:soak -- [--minutes N] [--seed N]`. Processes add events to a
 * queue with an outbox and to one that spills, against a service that fails in every way; their clocks jump, and they
 * end by signals, by `process.exit` and by SIGKILL. At the end every event that was confirmed has arrived, and each under
 * one id. Ends with 1 when not.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Batch } from "mparticle-events";
import { startFakeServer } from "../../src/testing/testing.ts";
import { FaultDeck, seeded } from "../faults/fault-deck.ts";
import type { Life } from "./living.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const endAtMs = performance.now() + Number(values.minutes) * 60_000;
const random = seeded(Number(values.seed));
const deck = new FaultDeck(random);

/** Under which id each event arrived, and how often one arrived again. */
const idOfEvent = new Map<number, string>();
const wrong: string[] = [];
let repetitions = 0;
let isCalm = false;

function arrived(body: string): void {
  for (const { source_request_id: id = "", events } of JSON.parse(body) as readonly Batch[]) {
    for (const event of events ?? []) {
      const number = event.event_type === "custom_event" ? Number(event.data.event_name.slice("event-".length)) : NaN;
      const known = idOfEvent.get(number);
      if (known === undefined) idOfEvent.set(number, String(id));
      else if (known === id) repetitions++;
      else wrong.push(`event ${String(number)} arrived under ${known} and under ${String(id)}`);
    }
  }
}

const server = await startFakeServer({
  record: "counts",
  script: ({ body }) => {
    const step = isCalm || random() > 0.15 ? 202 : deck.deal();
    const status = typeof step === "number" ? step : typeof step === "object" && "status" in step ? step.status : 0;
    // What the service took counts, whether its answer arrived or not.
    const isTaken = status === 202 && !(typeof step === "object" && "reset" in step && step.reset === "before-request");
    if (isTaken) arrived(body);
    return step;
  },
});

const folder = mkdtempSync(join(tmpdir(), "mparticle-events-soak-"));
const tsx = ["--import", "tsx/esm", new URL("living.ts", import.meta.url).pathname];
const confirmed = { stored: new Set<number>(), spilled: new Set<number>() };
const deaths = { SIGTERM: 0, SIGKILL: 0, exit: 0 };

async function live(life: Partial<Life>, end: "SIGTERM" | "SIGKILL" | "exit" | "finish"): Promise<number | null> {
  const whole: Life = {
    url: server.url,
    outboxPath: join(folder, "events.db"),
    spillPath: join(folder, "spill"),
    first: 0,
    seed: Math.floor(random() * 1e9),
    ...life,
  };
  const child = spawn(process.execPath, [...tsx, JSON.stringify(whole)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(child, "close") as Promise<[code: number | null, signal: string | null]>;
  if (end === "SIGTERM" || end === "SIGKILL") {
    await Promise.race([once(child.stdout, "data"), closed]);
    await sleep(500 + random() * 6_000);
    child.kill(end);
  }
  const [code] = await closed;
  // The last line may have been cut off.
  for (const line of output.split("\n").slice(0, -1)) {
    const number = Number(line.slice(2));
    if (line.startsWith("o")) confirmed.stored.add(number);
    // SIGKILL leaves no time to spill: that queue promises nothing then.
    else if (end !== "SIGKILL") confirmed.spilled.add(number);
  }
  return code;
}

for (let lives = 0; performance.now() < endAtMs; lives++) {
  const end = (["SIGTERM", "SIGKILL", "exit"] as const)[Math.floor(random() * 3)] ?? "exit";
  deaths[end]++;
  const exitAfterMs = end === "exit" ? 500 + random() * 6_000 : undefined;
  await live({ first: lives * 10_000_000, exitAfterMs }, end);
}
isCalm = true;
const code = await live({ finishes: true }, "finish");
await server.close();
rmSync(folder, { recursive: true, force: true });

const missing = {
  stored: [...confirmed.stored].filter((number) => !idOfEvent.has(number)),
  spilled: [...confirmed.spilled].filter((number) => !idOfEvent.has(number)),
};
console.log(`lives ended by ${JSON.stringify(deaths)}; faults dealt: ${String(deck.dealt)}`);
console.log(
  `confirmed ${String(confirmed.stored.size)} in the outbox and ${String(confirmed.spilled.size)} in the other queue`,
);
console.log(`arrived ${String(idOfEvent.size)}, repeated with their id ${String(repetitions)}`);
const failures = [
  ...(code === 0 ? [] : [`the last process ended with ${String(code)}`]),
  ...(missing.stored.length === 0 ? [] : [`lost from the outbox: ${missing.stored.slice(0, 20).join(", ")}`]),
  ...(missing.spilled.length === 0 ? [] : [`lost from the spill: ${missing.spilled.slice(0, 20).join(", ")}`]),
  ...wrong.slice(0, 20),
  ...(deck.dealt > 0 && repetitions > 0 ? [] : ["nothing was repeated, so nothing was shown"]),
];
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
process.exitCode = failures.length === 0 ? 0 : 1;
