/**
 * What a queue has to do at least: events gathered in a Map by the text of the whole user, each batch written with
 * `JSON.stringify` and sent in bulk requests on 4 connections. No limit of memory, no order, no retry, no ledger.
 */
import { randomUUID } from "node:crypto";
import { inParallel, startMeter } from "./meter.mjs";
import { event, user } from "../candidates/payload.mjs";

const MAX_BATCHES = 100;
const MAX_EVENTS = 100;
const MAX_BYTES = 250_000;

export async function prepare({ candidate, url, count, users, warmUp = 0 }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url, inFlight: 4 });
  const known = Array.from({ length: users }, (_, n) => user(n));
  const made = Array.from({ length: count }, (_, n) => ({ user: known[n % users], event: event(n) }));
  const send = async () => {
    const requests = pack(gather(made));
    await inParallel(requests.length, 4, (n) => opened.uploadTexts(requests[n]));
  };
  for (let n = 0; n < warmUp; n++) await send();
  return async () => {
    const stop = startMeter();
    await send();
    return { ...stop(), count };
  };
}

function gather(made) {
  const open = new Map();
  const batches = [];
  for (const one of made) {
    const key = JSON.stringify(one.user);
    let batch = open.get(key);
    if (batch === undefined || batch.events.length === MAX_EVENTS) {
      batch = { ...one.user, source_request_id: randomUUID(), events: [] };
      open.set(key, batch);
      batches.push(batch);
    }
    batch.events.push(one.event);
  }
  return batches;
}

function pack(batches) {
  const requests = [];
  let texts = [];
  let bytes = 2;
  for (const batch of batches) {
    const text = JSON.stringify(batch);
    const size = Buffer.byteLength(text) + 1;
    if (texts.length === MAX_BATCHES || bytes + size > MAX_BYTES) {
      requests.push(texts);
      texts = [];
      bytes = 2;
    }
    texts.push(text);
    bytes += size;
  }
  requests.push(texts);
  return requests;
}
