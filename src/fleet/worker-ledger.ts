import type { Outcome, Verdict } from "../delivery/outcome.ts";
import type { Telemetry } from "../delivery/telemetry.ts";
import { parseExact } from "../transport/json.ts";
import type { Batch } from "../../generated/schema.ts";
import type { FleetBatch } from "./fleet-batch.ts";

/** What has become of the batches that this worker took from the store. */
export interface FleetWorkerStats {
  /** Accepted by the service, and gone from the store. */
  readonly accepted: number;
  /** Refused for good: they are dead letters in the store. */
  readonly rejected: number;
  /** Back in the store, with their ids. */
  readonly undelivered: number;
  /** Taken from the store, without a verdict yet. */
  readonly pending: number;
}

/** Counts verdicts, and tells of each. */
export class WorkerLedger {
  readonly #telemetry: Telemetry;
  readonly #onOutcome: ((outcome: Outcome) => void) | undefined;
  readonly #counts = { accepted: 0, rejected: 0, undelivered: 0 };
  #index = 0;

  constructor(telemetry: Telemetry, onOutcome: ((outcome: Outcome) => void) | undefined) {
    this.#telemetry = telemetry;
    this.#onOutcome = onOutcome;
  }

  record({ text }: FleetBatch, verdict: Verdict): void {
    this.#counts[verdict.kind]++;
    const index = this.#index++;
    if (verdict.kind === "accepted" && !this.#telemetry.hasOutcomeListener(this.#onOutcome)) return;
    let batch: Batch | undefined;
    const outcome: Outcome = {
      ...verdict,
      index,
      // Read when somebody looks: most listeners do not.
      get batch() {
        return (batch ??= parseExact(text) as Batch); // it was written by this package
      },
    };
    this.#telemetry.outcome(outcome, this.#onOutcome);
  }

  /** Of a batch that ends its workers nobody is told by a call, which may be what ends them. */
  bury({ requestId }: FleetBatch, reason: string): void {
    this.#counts.rejected++;
    this.#telemetry.warn(`Batch ${requestId} is a dead letter. ${reason}`);
  }

  stats(pending: number): FleetWorkerStats {
    return { ...this.#counts, pending };
  }
}
