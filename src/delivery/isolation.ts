import { ApiError, type MParticleError } from "../errors.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import type { RequestState } from "./request-state.ts";
import type { ServiceHealth } from "./service-health.ts";

/**
 * Quarters cost as many requests as halves, and take half as many rounds: log4(n) rounds of 4 against log2(n) of 2.
 */
const PARTS = 4;

/** A service that has trouble of its own is seldom in trouble so often for the same request, and not for others. */
const ATTEMPTS_BEFORE_SUSPICION = 4;

/**
 * The requests to make after one was refused for what it holds: its items in order, in parts of nearly equal size.
 *
 * A refused part is divided again, an accepted one is done. So k culprits among n items are alone after
 * 4·k·⌈log4(n/k)⌉ + 6·k + 1 requests at most, and every other item is accepted exactly once.
 *
 * @returns none for a single item: it is the culprit, and its own answer says why.
 */
export function divideRefused<Item>(refused: readonly Item[]): readonly (readonly Item[])[] {
  const { length } = refused;
  if (length < 2) return [];
  const parts = Math.min(PARTS, length);
  const cut = (part: number): number => Math.floor((length * part) / parts);
  return Array.from({ length: parts }, (_, part) => refused.slice(cut(part), cut(part + 1)));
}

/** Whether the service refused a request for what it holds: a single batch may be to blame. */
export function isRefusedForContent({ batches }: RequestState, error: MParticleError): boolean {
  return batches.length > 1 && error instanceof ApiError && (error.status === 400 || error.status === 413);
}

/**
 * Whether the service may fail because of a single batch: others get through, or half of the time has passed. Those
 * beside it must not be given up with it.
 */
export function isSuspect(request: RequestState, error: MParticleError, health: ServiceHealth, now: number): boolean {
  const { batches, attempts, firstAttemptMs, retry } = request;
  if (batches.length === 1 || attempts < ATTEMPTS_BEFORE_SUSPICION || firstAttemptMs === undefined) return false;
  // That it is not there at all it says of itself.
  if (!(error instanceof ApiError) || error.status < 500 || error.status === 503) return false;
  return health.lastAcceptedMs > firstAttemptMs || now > firstAttemptMs + retry.maxElapsedMs / 2;
}

/**
 * One bad batch fails the whole request: its parts travel on their own until the culprits are alone, at the same time
 * but for those that share a lane.
 *
 * @param send - sends a part; it may be divided again.
 */
export async function isolate(request: RequestState, send: (part: RequestState) => Promise<void>): Promise<void> {
  let before: { readonly lane: object | undefined; readonly arrived: Promise<void> } | undefined;
  const parts = divideRefused(request.batches).map((batches) => {
    // Those of a lane stand next to each other, and so do the parts they are in.
    const lane = batches[0]?.lane;
    const follows = lane !== undefined && lane === before?.lane ? before.arrived : undefined;
    const arrived =
      follows === undefined
        ? send({ ...request, batches })
        : follows.then(() => sendInLaneOrder({ ...request, batches }, send));
    before = { lane: batches.at(-1)?.lane, arrived };
    return arrived;
  });
  await Promise.all(parts);
}

/** What is behind a batch of its lane that was not delivered waits for it. */
async function sendInLaneOrder(request: RequestState, send: (part: RequestState) => Promise<void>): Promise<void> {
  const batches: OutgoingBatch[] = [];
  for (const batch of request.batches) {
    const error = batch.lane && request.blocked?.get(batch.lane);
    if (error === undefined) batches.push(batch);
    else batch.settle({ kind: "undelivered", error });
  }
  if (batches.length > 0) await send({ ...request, batches });
}
