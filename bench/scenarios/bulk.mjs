/**
 * Bulk requests of 100 batches with 5 events, one after the other: `before` of them in the life of the process, and then
 * those that are measured, a `count` to a round. Each has batches of its own, as in a program that sends what comes.
 */
import { batch } from "../candidates/payload.mjs";
import { startMeter } from "./meter.mjs";

const BATCHES = 100;
const EVENTS = 5;

export async function prepare({ candidate, url, before, count, probe }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight: 1 });
  const upload = opened.uploadAll ?? opened.uploadBulk;
  if (probe) return async () => ({ serialisedTwice: await countSecondTimes(upload) });
  const make = (lists) =>
    Array.from({ length: lists }, () => Array.from({ length: BATCHES }, (_, n) => batch(n, EVENTS)));
  const send = async (lists) => {
    for (const batches of lists) await upload(batches);
  };
  await send(make(before));
  return async () => {
    const lists = make(count);
    const stop = startMeter();
    await send(lists);
    return { ...stop(), count: count * BATCHES * EVENTS };
  };
}

/** How often a batch was serialised more often than needed, which only `toJSON` can tell. */
async function countSecondTimes(upload) {
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
  await upload(probes);
  return serialised - BATCHES;
}
