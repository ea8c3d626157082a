/** Adds by many at the same time, each waiting until its event is safe, then a flush; without a `durability`, no outbox. */
import * as node from "mparticle-events/node";
import { inParallel, startMeter } from "./meter.mjs";

export async function prepare({ candidate, url, count, users, adders, durability, path }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  if (durability !== undefined && node.sqliteOutbox === undefined) return () => ({ absent: 1 });
  const outbox = durability === undefined ? undefined : node.sqliteOutbox(path, { durability });
  const opened = open({ url, queueOptions: { outbox } });
  const made = Array.from({ length: count }, (_, n) => opened.make(n % users, n));
  const send = async () => {
    const stop = startMeter();
    const failed = await inParallel(count, adders, (n) => opened.add(made[n]));
    const { wallMs: addedMs, cpuMs: addCpuMs } = stop();
    await opened.flush();
    return { ...stop(), addedMs, addCpuMs, failed, count };
  };
  await send();
  return send;
}
