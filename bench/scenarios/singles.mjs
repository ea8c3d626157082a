/** One batch with one event a call, a fixed number of calls in flight. */
import { batch } from "../candidates/payload.mjs";
import { inParallel, startMeter } from "./meter.mjs";

export async function prepare({ candidate, url, count, inFlight, warmUp }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight });
  const make = (howMany) =>
    Array.from({ length: howMany }, (_, n) => {
      const one = batch(n, 1);
      return opened.takesText === true ? JSON.stringify(one) : one;
    });
  const send = (batches) => inParallel(batches.length, inFlight, (n) => opened.upload(batches[n]));
  await send(make(warmUp));
  return async () => {
    // Each is sent once, as in a program that sends what comes.
    const batches = make(count);
    const stop = startMeter();
    const failed = await send(batches);
    return { ...stop(), count, failed };
  };
}
