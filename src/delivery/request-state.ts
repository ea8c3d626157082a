import type { MParticleError } from "../errors.ts";
import type { AnySignal } from "../transport/abort.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { settleAll, type OutgoingBatch } from "./outgoing-batch.ts";
import type { Retry } from "./retry.ts";

/** What is known about a group of batches that travels as one request. */
export interface RequestState {
  readonly path: EndpointPath;
  readonly batches: readonly OutgoingBatch[];
  readonly signal: AnySignal;
  /** Of the batch that has waited longest. */
  readonly handedOverAtMs: number;
  readonly retry: Retry;
  /** Nobody waits for it: the time for which the service asks it to wait does not count. */
  readonly background: boolean;
  /** What the service had asked all requests to wait when it was handed over, in milliseconds since the start. */
  readonly askedBeforeMs: number;
  /**
   * Lanes with a batch that comes back, and why: those behind it must not arrive before it. None where what is not
   * delivered does not come back.
   */
  readonly blocked: Map<object, MParticleError> | undefined;
  attempts: number;
  /** The wait for a turn is no sign of trouble: the age of an upload counts from here. */
  firstAttemptMs: number | undefined;
}

/** What is not delivered blocks its lanes, where it comes back. */
export function leaveUndelivered({ batches, blocked }: RequestState, error: MParticleError): void {
  if (blocked !== undefined) {
    for (const { lane } of batches) if (lane !== undefined) blocked.set(lane, error);
  }
  settleAll(batches, { kind: "undelivered", error });
}
