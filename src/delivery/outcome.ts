import type { Batch } from "../../generated/schema.ts";
import type { ApiError, InvalidBatchError, MParticleError } from "../errors.ts";

/** Proof that the service took a batch: a 2xx answer. Accepted is not delivered downstream. */
export interface Receipt {
  /** The 2xx status, 202 as documented. */
  readonly status: number;
  /** The batch's `source_request_id`, by which the service drops duplicates. */
  readonly requestId: string;
  /** Requests made until this one was accepted, 1 when the first was. */
  readonly attempts: number;
  /** From the moment the batch was handed over to the answer. */
  readonly durationMs: number;
  /** `X-mp-rate-limit-percentage-used`, the highest consumption among the applicable limits, if the answer had it. */
  readonly rateLimitPercentageUsed?: number | undefined;
}

/** How it ended for one batch. */
export type Verdict =
  | { readonly kind: "accepted"; readonly receipt: Receipt }
  /** Will never succeed as it is, or was dropped by `beforeSend`. */
  | { readonly kind: "rejected"; readonly error: ApiError | InvalidBatchError }
  /** Out of time, aborted or closed: safe to send again. */
  | { readonly kind: "undelivered"; readonly error: MParticleError };

/** What became of one batch that was handed over. Each batch ends in exactly one. */
export type Outcome = Verdict & {
  /** The batch as it was sent: with the ids it was given, so that sending it again is recognised as the same. */
  readonly batch: Batch;
  /** Position in what was handed over, from 0. */
  readonly index: number;
};
