import { CoverageCounter, type PlanCoverage } from "../../plan/plan-coverage.ts";
import type { PlanVersion } from "../../plan/plan.ts";

/** Counts what batches meet of a plan where not all of them were accepted, as at a mock. */
export class JudgedCoverage {
  readonly #accepted: CoverageCounter;
  readonly #refused: CoverageCounter;
  /** Batches that were not accepted. */
  refused = 0;

  constructor(plan: PlanVersion) {
    this.#accepted = new CoverageCounter(plan);
    this.#refused = new CoverageCounter(plan);
  }

  /** What was not accepted meets no data point: the service would not have it. */
  add(batch: unknown, isAccepted: boolean): void {
    if (!isAccepted) this.refused++;
    (isAccepted ? this.#accepted : this.#refused).add(batch);
  }

  /** Unplanned is what is so in any of them: a mock with a plan refuses it for that. */
  coverage(): PlanCoverage {
    const { points, unplanned } = this.#accepted.coverage();
    const all = new Map(unplanned);
    for (const [what, count] of this.#refused.coverage().unplanned) all.set(what, (all.get(what) ?? 0) + count);
    return { points, unplanned: all };
  }
}
