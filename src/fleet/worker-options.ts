import type { Outcome } from "../delivery/outcome.ts";
import { positive, wholeNumber } from "../transport/option-checks.ts";
import { LIMITS } from "../../generated/contract.ts";

/** What the workers of every store have in common. */
export interface WorkerOptions {
  /** Batches a second of the account, for all workers together. `@default 270` */
  readonly rate?: number | undefined;
  /** Batches that this process works on at a time; they travel together. `@default 400` */
  readonly concurrency?: number | undefined;
  /** Requests of this process in flight at most. `@default 8` */
  readonly requests?: number | undefined;
  /**
   * How long batches belong to a worker that says nothing, in milliseconds: those of a killed worker wait so long, and
   * a worker that hangs for longer may send what another one sends as well. `@default 30_000`
   */
  readonly leaseMs?: number | undefined;
  /** Called once for each verdict. What it throws goes to the client's logger. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
}

/** Their names, as `checkOptions` wants them. */
export const WORKER_OPTIONS = {
  rate: "any",
  concurrency: "any",
  requests: "any",
  leaseMs: "any",
  onOutcome: "function",
} as const satisfies Record<keyof WorkerOptions, "any" | "function">;

/** {@link WorkerOptions} with their defaults. */
export interface WorkerSettings {
  readonly rate: number;
  /** Batches in one request at most, so that a single one never exceeds the rate. */
  readonly maxBatches: number;
  readonly concurrency: number;
  readonly requests: number;
  readonly leaseMs: number;
}

/** @throws RangeError, TypeError - naming the option, its value and what was expected. */
export function resolveWorkerOptions(options: WorkerOptions): WorkerSettings {
  const rate = positive("rate", options.rate ?? LIMITS.accountBatchesPerSecond);
  return {
    rate,
    maxBatches: Math.max(1, Math.min(LIMITS.bulkMaxBatches, Math.floor(rate))),
    concurrency: wholeNumber("concurrency", options.concurrency ?? 400),
    requests: wholeNumber("requests", options.requests ?? 8),
    leaseMs: positive("leaseMs", options.leaseMs ?? 30_000),
  };
}
