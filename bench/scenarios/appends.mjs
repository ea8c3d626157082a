/** The floor of an outbox: a line for each event, written before the next one, as somebody would by hand. */
import { appendFileSync, rmSync } from "node:fs";
import { event, user } from "../candidates/payload.mjs";
import { startMeter } from "./meter.mjs";

export async function prepare({ count, users, path }) {
  const known = Array.from({ length: users }, (_, n) => user(n));
  const made = Array.from({ length: count }, (_, n) => ({ user: known[n % users], event: event(n) }));
  return async () => {
    const stop = startMeter();
    for (const one of made) appendFileSync(path, `${JSON.stringify(one)}\n`);
    const report = stop();
    rmSync(path);
    return { ...report, addCpuMs: report.cpuMs, count };
  };
}
