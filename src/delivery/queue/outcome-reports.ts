import { captureContext, runSoon } from "#platform";
import type { Batch, Event } from "../../../generated/schema.ts";
import type { UserContext } from "../../model/types.ts";
import { runOutside, type RunInContext } from "../attempt-start.ts";
import type { StoredBatch } from "../outbox.ts";
import type { Outcome, Verdict } from "../outcome.ts";
import type { Telemetry } from "../telemetry.ts";
import { toBatch, toStored, type QueuedBatch } from "./queued-batch.ts";

/**
 * Tells whoever listens what has become of each batch, and of what never became one.
 *
 * Whoever is told may add again, which may drop or refuse something, which is an outcome again. So those that come while
 * somebody is told wait for another turn of the event loop: otherwise the first `add` might never return.
 */
export class OutcomeReports {
  readonly #telemetry: Telemetry;
  readonly #onOutcome: ((outcome: Outcome) => void) | undefined;
  /** Outcomes to tell later, each as a task. */
  #held: (() => void)[] = [];
  #isHolding = false;
  #nextTurn: Promise<void> | undefined;

  /** @param onOutcome - of the queue; the client may have one as well. */
  constructor(telemetry: Telemetry, onOutcome: ((outcome: Outcome) => void) | undefined) {
    this.#telemetry = telemetry;
    this.#onOutcome = onOutcome;
  }

  /** When all is told that has come so far, and `undefined` when it is. */
  get told(): Promise<void> | undefined {
    return this.#nextTurn;
  }

  /** Does something, and tells the outcomes of it after it: whoever is told must find it done. */
  holdDuring<Result>(run: () => Result): Result {
    if (this.#isHolding) return run();
    this.#isHolding = true;
    try {
      return run();
    } finally {
      this.#tellHeld();
    }
  }

  /** A batch was settled. */
  settled(batch: QueuedBatch, verdict: Verdict): void {
    // An object with a getter of its own costs as much as all else at the end of a batch.
    if (verdict.kind === "accepted" && !this.#telemetry.hasOutcomeListener(this.#onOutcome)) return;
    this.unsent(toStored(batch), batch.index, verdict, batch.origins?.[0]);
  }

  /**
   * What is kept as text was settled.
   *
   * @param context - of who added it first; without one it is told in nobody's, and never in that of whoever caused it.
   */
  unsent(stored: StoredBatch, index: number, verdict: Verdict, context: RunInContext = runOutside): void {
    let parsed: Batch | undefined;
    const outcome: Outcome = {
      ...verdict,
      index,
      get batch() {
        // Read from its own text, and only when somebody asks: most never do.
        return (parsed ??= toBatch(stored));
      },
    };
    this.#tell(() => {
      context(() => {
        this.#telemetry.outcomeOfQueue(outcome, this.#onOutcome);
      });
    });
  }

  /** Events that were not taken in. */
  refused(user: UserContext, events: readonly Event[], index: number, verdict: Verdict): void {
    const given = [...events];
    const outcome: Outcome = {
      ...verdict,
      index,
      get batch() {
        // Read when somebody asks: that may be what threw.
        return { ...user, events: given };
      },
    };
    // It may be told later, together with what others added.
    const context = captureContext();
    this.#tell(() => {
      context(() => {
        // Who adds is told of a rejection.
        if (verdict.kind === "rejected") this.#telemetry.outcome(outcome, this.#onOutcome);
        else this.#telemetry.outcomeOfQueue(outcome, this.#onOutcome);
      });
    });
  }

  #tell(tell: () => void): void {
    this.#held.push(tell);
    if (!this.#isHolding) this.#tellHeld();
  }

  /** What comes of it while it is told waits for another turn; what comes after that is told at once. */
  #tellHeld(): void {
    const held = this.#held;
    this.#held = [];
    this.#isHolding = true;
    try {
      for (const tell of held) tell();
    } finally {
      this.#isHolding = false;
    }
    if (this.#held.length === 0) return;
    this.#nextTurn ??= new Promise((resolve) => {
      runSoon(() => {
        this.#nextTurn = undefined;
        this.#tellHeld();
        resolve();
      });
    });
  }
}
