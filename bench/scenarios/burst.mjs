/** Single uploads that nobody awaits one by one. */
import { batch } from "../candidates/payload.mjs";
import { startMeter } from "./meter.mjs";

export async function prepare({ candidate, url, count }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight: 64 });
  const batches = Array.from({ length: count }, (_, n) => batch(n, 1));
  return async () => {
    const stop = startMeter();
    const results = await Promise.allSettled(batches.map((one) => opened.upload(one)));
    const failed = results.filter(({ status }) => status === "rejected").length;
    return { ...stop(), count, failed };
  };
}
