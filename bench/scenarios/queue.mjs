/** Single events added in a tight loop, each awaited if there is something to await, then a flush. */
import { startMeter } from "./meter.mjs";

export async function prepare({ candidate, url, count, users, warmUp = 0, settleMs = 0, queueOptions }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = await open({ url, queueOptions });
  const made = Array.from({ length: count }, (_, n) => opened.make(n % users, n));
  const send = async () => {
    for (const one of made) await opened.add(one);
    await opened.flush();
  };
  for (let n = 0; n < warmUp; n++) await send();
  return async () => {
    const stop = startMeter();
    await send();
    const report = stop();
    // Some say that they have flushed while their last requests are on their way.
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return { ...report, count };
  };
}
