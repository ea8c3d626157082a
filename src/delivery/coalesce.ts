import { runSoon } from "#platform";
import { MParticleError } from "../errors.ts";
import { BLANK } from "../rules/objects.ts";
import { onAbort } from "../transport/abort.ts";
import { runOutside } from "./attempt-start.ts";
import { packRequests } from "./chunk.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import type { Telemetry } from "./telemetry.ts";

/** Requests in flight at most: more would not be faster, and each is a socket. */
const MAX_REQUESTS = 8;

/**
 * Lets uploads that happen at the same time travel as bulk requests.
 *
 * No upload waits for others: while there is room, a request leaves as soon as everything that is ready now has joined.
 */
export class Coalescer {
  readonly #dispatcher: Dispatcher;
  readonly #telemetry: Telemetry;
  #gathered = new Set<OutgoingBatch>();
  #requests = 0;
  #scheduled = false;

  constructor(dispatcher: Dispatcher, telemetry: Telemetry) {
    this.#dispatcher = dispatcher;
    this.#telemetry = telemetry;
  }

  /** Sends a batch with others; the signal ends the wait of this one alone. */
  add(given: OutgoingBatch, signal: AbortSignal | undefined): void {
    const origin = this.#telemetry.origin();
    const batch = origin === undefined ? given : { ...given, origins: [origin] };
    if (signal === undefined) this.#gathered.add(batch);
    else this.#addAbortable(batch, signal);
    this.#schedule();
  }

  #addAbortable(batch: OutgoingBatch, signal: AbortSignal): void {
    let settled = false;
    // A signal that has aborted already calls back before there is anything to ignore.
    let ignoreAbort = (): void => undefined;
    const abortable: OutgoingBatch = {
      ...BLANK,
      ...batch,
      settle: (verdict) => {
        if (settled) return;
        settled = true;
        ignoreAbort();
        batch.settle(verdict);
      },
    };
    this.#gathered.add(abortable);
    ignoreAbort = onAbort(signal, () => {
      const attempts = this.#gathered.delete(abortable) ? 0 : 1;
      const cause: unknown = signal.reason;
      const facts = { requestIds: [batch.requestId], attempts, cause };
      abortable.settle({ kind: "undelivered", error: new MParticleError("ABORTED", "Aborted by its signal.", facts) });
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#requests >= MAX_REQUESTS) return;
    this.#scheduled = true;
    runSoon(() => {
      this.#scheduled = false;
      // A request for several callers is made in the context of none of them.
      runOutside(() => {
        this.#send();
      });
    });
  }

  #send(): void {
    const gathered = this.#gathered;
    this.#gathered = new Set();
    for (const batches of packRequests([...gathered])) {
      if (this.#requests >= MAX_REQUESTS) {
        for (const batch of batches) this.#gathered.add(batch);
        continue;
      }
      this.#requests++;
      void this.#dispatcher.dispatch(batches, { path: "/bulkevents", single: true }).then(() => {
        this.#requests--;
        if (this.#gathered.size > 0) this.#schedule();
      });
    }
  }
}
