import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../errors.ts";
import { forgetStamps } from "../model/stamp-memory.ts";
import { onAbort } from "../transport/abort.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { RequestPacker } from "./chunk.ts";
import type { Dispatcher, OutgoingBatch } from "./dispatcher.ts";
import type { Effects } from "./effects.ts";
import { Fifo } from "./fifo.ts";
import type { Outcome, Verdict } from "./outcome.ts";
import {
  combineVerdicts,
  prepareBatch,
  requestIdOf,
  type BatchPart,
  type Prepared,
  type PrepareOptions,
} from "./prepare.ts";

export type BatchSource = Iterable<Batch> | AsyncIterable<Batch>;

export interface DeliverySettings extends PrepareOptions {
  readonly path: EndpointPath;
  /** Requests of this delivery in flight at most. */
  readonly concurrency: number;
  /** How long gathered batches wait for a source that yields no more. */
  readonly lingerMs: number;
  /** When the whole source was handed over; batches that come as they are made are handed over as they come. */
  readonly handedOverAtMs?: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly report: (outcome: Outcome) => void;
}

/**
 * Takes batches from a source as fast as they are accepted and the outcomes are taken, and yields each outcome when it
 * is known. What is held at any time is what is in flight, one request being packed, and the outcomes not yet taken.
 */
export async function* deliver(
  source: BatchSource,
  dispatcher: Dispatcher,
  effects: Effects,
  settings: DeliverySettings,
): AsyncGenerator<Outcome, void, undefined> {
  const { path, concurrency, lingerMs, report } = settings;
  const packer = new RequestPacker<OutgoingBatch>();
  /** Full requests: a batch that had to be split may make several at once. */
  const packed = new Fifo<readonly OutgoingBatch[]>();
  const settled = new Fifo<Outcome>();
  const flow: Flow = { requests: 0, pulled: 0, state: "idle", lingered: false, fault: undefined };
  let wake: () => void = () => undefined;
  const somethingHappens = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  // Leaving the loop early aborts what is in flight, as does the caller's signal.
  const stop = new AbortController();

  const settle = (batch: Batch, index: number, verdict: Verdict): void => {
    const outcome: Outcome = { batch, index, ...verdict };
    report(outcome);
    settled.push(outcome);
    wake();
  };

  const send = (batches: readonly OutgoingBatch[] | undefined): void => {
    if (batches === undefined) return;
    flow.requests++;
    void dispatcher.dispatch(batches, { path, signal: stop.signal }).then(() => {
      flow.requests--;
      wake();
    });
  };

  const take = (batch: Batch): void => {
    const index = flow.pulled++;
    let prepared: Prepared;
    try {
      prepared = prepareBatch(batch, settings);
    } catch (error) {
      if (!(error instanceof InvalidBatchError)) throw error;
      settle(batch, index, { kind: "rejected", error });
      return;
    }
    const batches = toOutgoing(prepared, settings.handedOverAtMs ?? effects.now(), (verdict) => {
      if (verdict.kind === "accepted") forgetStamps(batch);
      settle(prepared.batch, index, verdict);
    });
    for (const batch of batches) {
      const full = packer.add(batch);
      if (full !== undefined) packed.push(full);
    }
  };

  const receive = ({ done, value }: IteratorResult<Batch, unknown>): void => {
    if (flow.state === "over") {
      // It came after the end: nobody takes its outcome any more, but it has one as all others.
      if (done === true) return;
      const error = new MParticleError("ABORTED", "It was read from the source after the delivery had ended.");
      report({ batch: value, index: flow.pulled++, kind: "undelivered", error });
      return;
    }
    flow.state = done === true ? "ended" : "idle";
    flow.lingered = false;
    if (done !== true) take(value);
  };

  const fail = (error: unknown): void => {
    if (flow.state === "over") return;
    flow.state = "ended";
    flow.fault = { error };
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
      void Promise.resolve(next)
        .then(receive)
        .catch(fail)
        .then(() => {
          wake();
        });
    } catch (error) {
      fail(error);
    }
  };

  const { signal } = settings;
  const ignoreAbort =
    signal &&
    onAbort(signal, () => {
      stop.abort(signal.reason);
      wake();
    });

  try {
    for (;;) {
      for (let outcome = settled.shift(); outcome !== undefined; outcome = settled.shift()) yield outcome;
      const stopped = stop.signal.aborted;
      const ending = stopped || flow.state === "ended";
      while (packed.size > 0 && (stopped || flow.requests < concurrency)) send(packed.shift());
      if (stopped || (flow.requests < concurrency && (ending || flow.lingered))) send(packer.flush());
      if (ending && flow.requests === 0 && packer.size === 0) {
        if (settled.size > 0) continue;
        break;
      }
      if (!ending && flow.state === "idle" && flow.requests < concurrency) {
        pull();
        continue;
      }
      const stopTimer =
        flow.state === "pulling" && packer.size > 0 && !flow.lingered
          ? effects.startTimer(() => {
              flow.lingered = true;
              wake();
            }, lingerMs)
          : undefined;
      await somethingHappens();
      stopTimer?.();
    }
    if (flow.fault !== undefined) throw flow.fault.error;
  } finally {
    ignoreAbort?.();
    stop.abort(new MParticleError("ABORTED", "The outcomes were not read to their end."));
    // Nobody reads the outcomes of what was still being packed, but they are reported as all others.
    while (packed.size > 0) send(packed.shift());
    send(packer.flush());
    const { state } = flow;
    flow.state = "over";
    // A source that hangs in its next batch would hang in its return as well.
    if (state === "idle") await iterator.return?.();
    else if (state === "pulling") void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** How far a delivery is. */
interface Flow {
  /** In flight. */
  requests: number;
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
  if (parts.length === 1) return parts.map((part) => toOutgoingBatch(part, handedOverAtMs, settle));
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
