/** What one `add` costs its caller, and for how long the queue keeps everybody else waiting. */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Of the monitor's own timer: it fires no more often. */
const RESOLUTION_MS = 1;

export async function prepare({ candidate, url, count, users }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = await open({ url });
  const made = Array.from({ length: count }, (_, n) => opened.make(n % users, n));
  for (const one of made) await opened.add(one);
  await opened.flush();
  const round = async () => {
    const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delays.enable();
    // The monitor has to have ticked once before it knows of a delay.
    await new Promise((resolve) => setTimeout(resolve, 5));
    delays.reset();
    let insideMs = 0;
    for (const one of made) {
      const startedMs = performance.now();
      const taken = opened.add(one);
      insideMs += performance.now() - startedMs;
      await taken;
    }
    await opened.flush();
    await new Promise((resolve) => setTimeout(resolve, 5));
    delays.disable();
    return { addMicros: (insideMs / count) * 1_000, stallMs: delays.max / 1e6 - RESOLUTION_MS };
  };
  return round;
}
