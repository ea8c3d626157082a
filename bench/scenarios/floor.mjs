/** What a queue has to do at least: the same events, put into batches beforehand, as bulk requests on 4 connections. */
import { batch } from "../candidates/payload.mjs";
import { inParallel, startMeter } from "./meter.mjs";

const MAX_BATCHES = 100;
const MAX_EVENTS = 100;
const MAX_BYTES = 250_000;

export async function prepare({ candidate, url, count, users, warmUp = 0 }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight: 4 });
  const events = Math.min(MAX_EVENTS, Math.ceil(count / users));
  const batches = Array.from({ length: Math.ceil(count / events) }, (_, n) => batch(n, events));
  const perRequest = Math.min(MAX_BATCHES, Math.floor(MAX_BYTES / JSON.stringify(batches.at(-1)).length));
  const requests = Array.from({ length: Math.ceil(batches.length / perRequest) }, (_, n) =>
    batches.slice(n * perRequest, (n + 1) * perRequest),
  );
  const send = () => inParallel(requests.length, 4, (n) => opened.uploadBulk(requests[n]));
  for (let n = 0; n < warmUp; n++) await send();
  return async () => {
    const stop = startMeter();
    await send();
    return { ...stop(), count };
  };
}
