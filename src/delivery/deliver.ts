import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { EndSignal, onAbort } from "../transport/abort.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Effects } from "./effects.ts";
import { Fifo } from "./fifo.ts";
import { LowWaterMark } from "./low-water-mark.ts";
import type { Outcome, Verdict } from "./outcome.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import { UnorderedLine, type OutgoingLine } from "./outgoing-line.ts";
import {
  callUserCode,
  combineVerdicts,
  requestIdOf,
  verdictOfUnprepared,
  type BatchPart,
  type Prepared,
  type PrepareOptions,
} from "./prepare.ts";
import { prepareAlone, PreparedGroups } from "./prepared-groups.ts";
import type { RequestIds } from "./request-ids.ts";
import { REFUSAL_BYTES, type Turns } from "./turns.ts";
import { userKeyOfBatch } from "./user-key.ts";
import { UserOrder, type LookAhead } from "./user-order.ts";

export type BatchSource = Iterable<Batch> | AsyncIterable<Batch>;

/** The outcome of one batch of a delivery, and how far the delivery is. */
export type DeliveryOutcome = Outcome & {
  /**
   * All batches with an index below it are accepted or rejected: a checkpoint, for after a restart the source may begin
   * at it. A batch that was not delivered holds it back, because it has to be sent again.
   */
  readonly settledThrough: number;
};

export interface DeliverySettings extends PrepareOptions {
  readonly path: EndpointPath;
  /** Requests of this delivery in flight at most. */
  readonly concurrency: number;
  /** How long gathered batches wait for a source that yields no more. */
  readonly lingerMs: number;
  /** When the whole source was handed over; batches that come as they are made are handed over as they come. */
  readonly handedOverAtMs: number | undefined;
  readonly requestIds: RequestIds;
  readonly turns: Turns;
  /** The client is being closed: nothing more is read. */
  readonly closing: EndSignal;
  /** Keeps the order of each user's batches. */
  readonly ordered: boolean;
  readonly signal: AbortSignal | undefined;
  /** Ends the reading of the source alone. */
  readonly stop: AbortSignal | undefined;
  readonly report: (outcome: Outcome) => void;
}

/**
 * Takes batches from a source as fast as they are accepted and the outcomes are taken, and yields each outcome when it
 * is known. What is held at any time is what is in flight, one request being packed (in an ordered delivery what waits for
 * its user's earlier batches, no more than the requests in flight may hold) and the outcomes not yet taken.
 */
export async function* deliver(
  source: BatchSource,
  dispatcher: Dispatcher,
  effects: Effects,
  settings: DeliverySettings,
): AsyncGenerator<DeliveryOutcome, void, undefined> {
  const { path, concurrency, lingerMs, ordered, report, requestIds, turns } = settings;
  const background = settings.handedOverAtMs === undefined;
  const line: OutgoingLine = ordered ? new UserOrder(lookAheadOf(settings)) : new UnorderedLine();
  // What comes one by one is prepared one by one: to wait for more would be to hold more.
  const groups = Array.isArray(source) ? new PreparedGroups(source as readonly Batch[], settings, turns) : undefined;
  const settled = new Fifo<DeliveryOutcome>();
  const mark = new LowWaterMark();
  const flow: Flow = { requests: 0, joined: 0, pulled: 0, state: "idle", lingered: false, fault: undefined };
  let wake: () => void = () => undefined;
  const somethingHappens = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  // Leaving the loop early aborts what is in flight, as does the caller's signal.
  const abort = new EndSignal();

  const settle = (batch: Batch, index: number, verdict: Verdict): void => {
    if (verdict.kind === "undelivered") mark.undelivered(index);
    else mark.done(index);
    const { settledThrough } = mark;
    // Nearly all are, and to spread a verdict takes a microsecond.
    const outcome: DeliveryOutcome =
      verdict.kind === "accepted"
        ? { batch, index, kind: "accepted", receipt: verdict.receipt, settledThrough }
        : { batch, index, ...verdict, settledThrough };
    report(outcome);
    settled.push(outcome);
    wake();
  };

  const send = (batches: readonly OutgoingBatch[]): void => {
    if (batches.length === 0) return;
    flow.requests++;
    void dispatcher.dispatch(batches, { path, signal: abort, background }).then(() => {
      flow.requests--;
      wake();
    });
  };

  const take = (batch: Batch, index: number): void => {
    let prepared: Prepared;
    let userKey = "";
    let isNew: boolean;
    try {
      prepared = groups === undefined ? prepareAlone(batch, settings, turns) : groups.prepare(index, batch);
      if (ordered) userKey = callUserCode(batch, () => userKeyOfBatch(prepared.batch));
      isNew = requestIds.enter(requestIdOf(prepared.batch), prepared.text, batch);
    } catch (error) {
      turns.note(REFUSAL_BYTES);
      const verdict = verdictOfUnprepared(error);
      if (verdict === undefined) throw error;
      settle(batch, index, verdict);
      return;
    }
    const requestId = requestIdOf(prepared.batch);
    if (!isNew) {
      join(batch, prepared.batch, index, requestId);
      return;
    }
    const batches = toOutgoing(prepared, settings.handedOverAtMs ?? effects.now(), (verdict) => {
      if (verdict.kind === "accepted") forgetStamps(batch);
      settle(prepared.batch, index, verdict);
      requestIds.leave(requestId, verdict);
    });
    for (const batch of batches) line.add(batch, userKey);
  };

  /** The very same batch is on its way already: one delivery, and an outcome for each. */
  const join = (given: Batch, batch: Batch, index: number, requestId: string): void => {
    flow.joined++;
    requestIds.join(requestId, {
      signal: abort,
      settle: (verdict) => {
        flow.joined--;
        settle(batch, index, verdict);
      },
      again: () => {
        flow.joined--;
        take(given, index);
        wake();
      },
    });
  };

  const receive = ({ done, value }: IteratorResult<Batch, unknown>): void => {
    if (flow.state === "over") {
      // It came after the end: nobody takes its outcome any more, but it has one as all others.
      if (done === true) return;
      const error = new MParticleError("ABORTED", "It was read from the source after the delivery had ended.");
      report({ batch: value, index: flow.pulled, kind: "undelivered", error });
      return;
    }
    flow.state = done === true ? "ended" : "idle";
    flow.lingered = false;
    if (done !== true) take(value, flow.pulled++);
  };

  const fail = (error: unknown): void => {
    flow.state = "ended";
    flow.fault = { error };
  };

  const received = (next: IteratorResult<Batch, unknown>): void => {
    try {
      receive(next);
    } catch (error) {
      fail(error);
    }
    wake();
  };

  const failed = (error: unknown): void => {
    fail(error);
    wake();
  };

  let waitsSinceMs = 0;
  let stopLinger: (() => void) | undefined;
  /** One timer for many waits, of which nearly all are shorter: a timer for each costs as much as sending a batch. */
  const linger = (delayMs: number): void => {
    stopLinger ??= effects.startTimer(() => {
      stopLinger = undefined;
      if (flow.state !== "pulling" || line.size === 0 || flow.lingered) return;
      const leftMs = waitsSinceMs + lingerMs - effects.now();
      // Timers may be a little early.
      if (leftMs >= 1) {
        linger(leftMs);
        return;
      }
      flow.lingered = true;
      wake();
    }, delayMs);
  };

  const isAsync = Symbol.asyncIterator in source;
  const iterator = isAsync ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const pull = (): void => {
    try {
      const next = iterator.next();
      if (!isAsync) {
        receive(next as IteratorResult<Batch>); // a source that is not async gives no promises
        return;
      }
      flow.state = "pulling";
      void Promise.resolve(next).then(received, failed);
    } catch (error) {
      fail(error);
    }
  };

  const { signal, stop, closing } = settings;
  const ignoreStops = [stop, closing].map(
    (one) =>
      one &&
      onAbort(one, () => {
        wake();
      }),
  );
  const ignoreAbort =
    signal &&
    onAbort(signal, () => {
      abort.abort(signal.reason);
      wake();
    });

  try {
    for (;;) {
      for (let outcome = settled.shift(); outcome !== undefined; outcome = settled.shift()) yield outcome;
      const aborted = abort.aborted;
      const ending = aborted || (closing.aborted && background) || stop?.aborted === true || flow.state === "ended";
      if (aborted) send(line.takeAll());
      while (flow.requests < concurrency) {
        const batches = line.take(ending || flow.lingered || line.isFull);
        if (batches === undefined) break;
        send(batches);
      }
      if (settled.size > 0) continue;
      if (ending && flow.requests + flow.joined === 0 && line.size === 0) break;
      if (!ending && flow.state === "idle" && flow.requests < concurrency && !line.isFull) {
        if (turns.isSpent) await turns.share();
        else pull();
        continue;
      }
      if (flow.state === "pulling" && line.size > 0 && !flow.lingered) {
        waitsSinceMs = effects.now();
        linger(lingerMs);
      }
      await somethingHappens();
    }
    if (flow.fault !== undefined) throw flow.fault.error;
  } finally {
    stopLinger?.();
    ignoreAbort?.();
    for (const ignore of ignoreStops) ignore?.();
    abort.abort(new MParticleError("ABORTED", "The outcomes were not read to their end."));
    // Nobody reads the outcomes of what was still being packed, but they are reported as all others.
    send(line.takeAll());
    const { state } = flow;
    flow.state = "over";
    // A source that hangs in its next batch would hang in its return as well.
    if (state === "idle") await iterator.return?.();
    else if (state === "pulling") void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** A source that is there as a whole may be looked through to its end; one that is read holds as much as travels. */
function lookAheadOf({ concurrency, handedOverAtMs }: DeliverySettings): LookAhead | undefined {
  if (handedOverAtMs !== undefined) return undefined;
  return { maxBatches: concurrency * LIMITS.bulkMaxBatches, maxBytes: concurrency * LIMITS.requestMaxBytes };
}

/** How far a delivery is. */
interface Flow {
  /** In flight. */
  requests: number;
  /** Batches that are on their way in another call, or were handed over twice in this one. */
  joined: number;
  /** Batches taken from the source. */
  pulled: number;
  state: "idle" | "pulling" | "ended" | "over";
  /** What was gathered has waited long enough for more. */
  lingered: boolean;
  /** What the source threw. */
  fault: { readonly error: unknown } | undefined;
}

/** One batch for each part of a batch; the batch is settled when all of its parts are. */
export function toOutgoing(
  { batch, parts }: Prepared,
  handedOverAtMs: number,
  settle: (verdict: Verdict) => void,
): readonly OutgoingBatch[] {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return [toOutgoingBatch(only, handedOverAtMs, settle)];
  const verdicts: Verdict[] = [];
  const settlePart = (verdict: Verdict): void => {
    verdicts.push(verdict);
    if (verdicts.length === parts.length) settle(combineVerdicts(requestIdOf(batch), verdicts));
  };
  return parts.map((part) => toOutgoingBatch(part, handedOverAtMs, settlePart));
}

/** Member by member: to spread a part costs as much as a tenth of sending it. */
function toOutgoingBatch(
  { texts, bytes, requestId }: BatchPart,
  handedOverAtMs: number,
  settle: (verdict: Verdict) => void,
): OutgoingBatch {
  return { texts, bytes, requestId, handedOverAtMs, settle };
}
