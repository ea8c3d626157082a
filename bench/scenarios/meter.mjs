/** Measures what happens between its start and `stop`. */
export function startMeter() {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  return () => {
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs, cpuMs: (user + system) / 1_000, peakRssMb: process.resourceUsage().maxRSS / 1_024 };
  };
}

/** Calls `task` for 0 … count - 1, `inFlight` at a time; how many failed. */
export async function inParallel(count, inFlight, task) {
  let next = 0;
  let failed = 0;
  const work = async () => {
    while (next < count) {
      try {
        await task(next++);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return failed;
}
