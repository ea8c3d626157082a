/** What an event costs in a queue, with batches that are always of the same size: whatever grows is not the payload. */
import { attributesOf, event } from "../candidates/payload.mjs";
import { startMeter } from "./meter.mjs";

/** Made beforehand and used again and again, so that a million of them neither takes memory nor time of its own. */
const EVENTS = 1_000;

export async function prepare({ candidate, url, count, users, attributes, perBatch, warmUp }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = await open({ url, queueOptions: { maxEventsPerBatch: perBatch } });
  const made = Array.from({ length: users }, (_, n) => opened.make(n, n).user);
  const events = Array.from({ length: EVENTS }, (_, n) => event(n, attributesOf(attributes, n)));
  const bytes = events.reduce((sum, one) => sum + JSON.stringify(one).length, 0) / EVENTS;
  const send = async (howMany) => {
    for (let n = 0; n < howMany; n++) {
      await opened.add({ user: made[Math.floor(n / perBatch) % users], event: events[n % EVENTS] });
    }
    await opened.flush();
  };
  await send(warmUp);
  return async () => {
    // What few events cost is only seen in many rounds of them.
    const times = Math.max(1, Math.floor(10_000 / count));
    const stop = startMeter();
    for (let time = 0; time < times; time++) await send(count);
    const { cpuMs, ...report } = stop();
    return { ...report, bytes, micros: (cpuMs * 1_000) / (count * times) };
  };
}
