/** Keeps adding to a queue while the service does not answer, and for as long as it takes afterwards. */
export async function prepare({ candidate, url, count, users, queueOptions }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = await open({ url, queueOptions });
  return async () => {
    const beforeMb = process.memoryUsage.rss() / 2 ** 20;
    const startedMs = performance.now();
    // Made one by one: what waits for room is the caller's one event.
    for (let n = 0; n < count; n++) {
      const made = opened.make(n % users, n);
      await opened.add(made);
    }
    const addedMs = performance.now() - startedMs;
    await opened.flush();
    const { events } = opened.stats();
    return {
      count,
      accepted: events.accepted,
      addedMs,
      wallMs: performance.now() - startedMs,
      grownMb: process.resourceUsage().maxRSS / 1_024 - beforeMb,
    };
  };
}
