/** Bulk requests of 100 batches with 5 events, 4 in flight. */
import { batch } from "../candidates/payload.mjs";
import { inParallel, startMeter } from "./meter.mjs";

const BATCHES = 100;
const EVENTS = 5;

export async function prepare({ candidate, url, requests }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight: 4 });
  const batches = Array.from({ length: requests * BATCHES }, (_, n) => batch(n, EVENTS));
  const requestsOf = Array.from({ length: requests }, (_, n) => batches.slice(n * BATCHES, (n + 1) * BATCHES));
  const send =
    opened.uploadAll === undefined
      ? () => inParallel(requests, 4, (n) => opened.uploadBulk(requestsOf[n]))
      : async () => (await opened.uploadAll(batches)).filter(({ kind }) => kind !== "accepted").length;
  await send();
  const serialisedTwice = await countSecondTimes(opened);
  return async () => {
    const stop = startMeter();
    const failed = await send();
    return { ...stop(), count: batches.length * EVENTS, failed, serialisedTwice };
  };
}

/** How often a batch was serialised more often than needed, which only `toJSON` can tell; apart, for it costs time. */
async function countSecondTimes({ uploadAll, uploadBulk }) {
  let serialised = 0;
  const probes = Array.from({ length: BATCHES }, (_, n) => {
    const one = batch(n, EVENTS);
    const { data } = one.events[0];
    const { custom_attributes } = data;
    data.custom_attributes = {
      toJSON() {
        serialised++;
        return custom_attributes;
      },
    };
    return one;
  });
  await (uploadAll ?? uploadBulk)(probes);
  return serialised - BATCHES;
}
