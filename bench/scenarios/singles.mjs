/** One batch with one event a call, a fixed number of calls in flight. */
import { batch } from "../candidates/payload.mjs";
import { inParallel, startMeter } from "./meter.mjs";

export async function prepare({ candidate, url, count, inFlight, warmUp }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight });
  const batches = Array.from({ length: count }, (_, n) => {
    const one = batch(n, 1);
    return opened.takesText === true ? JSON.stringify(one) : one;
  });
  await inParallel(warmUp, inFlight, (n) => opened.upload(batches[n % count]));
  return async () => {
    const stop = startMeter();
    const failed = await inParallel(count, inFlight, (n) => opened.upload(batches[n]));
    return { ...stop(), count, failed };
  };
}
