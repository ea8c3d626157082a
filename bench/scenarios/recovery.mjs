/**
 * One event for each of many services that misbehave in their own way, all at the same time, each with a client of its
 * own. What arrives when is for the services to say; here only what the caller is told.
 */
import { batch } from "../candidates/payload.mjs";

export async function prepare({ candidate, urls, patienceMs }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const startedMs = [];
  const report = {};
  const tell = (n) => {
    report[`refused${n}`] ??= Date.now() - startedMs[n];
  };
  const all = [];
  for (const [n, url] of urls.entries()) all.push(await open({ url, prompt: true, onError: () => tell(n) }));
  const made = all.map((opened, n) => (opened.upload === undefined ? opened.make(n, n) : batch(n, 1)));
  process.on("unhandledRejection", () => undefined);
  process.on("uncaughtException", () => undefined);
  const one = async (opened, n) => {
    startedMs[n] = Date.now();
    report[`started${n}`] = startedMs[n];
    try {
      if (opened.upload !== undefined) {
        await opened.upload(made[n]);
      } else {
        await opened.add(made[n]);
        await opened.flush();
      }
    } catch {
      tell(n);
    }
  };
  return async () => {
    const settled = Promise.all(all.map(one));
    // Whose uploads settle has nothing more to do; others may go on after they have flushed.
    const isDone = all.every(({ upload }) => upload !== undefined) ? [settled] : [];
    await Promise.race([...isDone, new Promise((resolve) => setTimeout(resolve, patienceMs))]);
    return report;
  };
}
