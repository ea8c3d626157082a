import { runSoon } from "#platform";
import { MParticleError } from "../errors.ts";
import { onAbort } from "../transport/abort.ts";
import { packRequests } from "./chunk.ts";
import type { Dispatcher, Parcel } from "./dispatcher.ts";

/** More would not be faster, and each is a socket. */
const MAX_REQUESTS = 8;

/**
 * Lets uploads that happen at the same time travel as bulk requests.
 *
 * Nobody waits for company: while there is room a request leaves as soon as everything that is ready has joined.
 */
export class Coalescer {
  readonly #dispatcher: Dispatcher;
  #gathered = new Set<Parcel>();
  #requests = 0;
  #scheduled = false;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Sends a parcel with others; the signal ends the wait of this one alone. */
  add(parcel: Parcel, signal: AbortSignal | undefined): void {
    if (signal === undefined) this.#gathered.add(parcel);
    else this.#addAbortable(parcel, signal);
    this.#schedule();
  }

  #addAbortable(parcel: Parcel, signal: AbortSignal): void {
    let settled = false;
    // A signal that has aborted already calls back before there is anything to ignore.
    let ignoreAbort = (): void => undefined;
    const abortable: Parcel = {
      ...parcel,
      settle: (verdict) => {
        if (settled) return;
        settled = true;
        ignoreAbort();
        parcel.settle(verdict);
      },
    };
    this.#gathered.add(abortable);
    ignoreAbort = onAbort(signal, () => {
      const attempts = this.#gathered.delete(abortable) ? 0 : 1;
      const cause: unknown = signal.reason;
      const facts = { requestIds: [parcel.requestId], attempts, cause };
      abortable.settle({ kind: "undelivered", error: new MParticleError("ABORTED", "Aborted by its signal.", facts) });
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#requests >= MAX_REQUESTS) return;
    this.#scheduled = true;
    runSoon(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const gathered = this.#gathered;
    this.#gathered = new Set();
    for (const parcels of packRequests([...gathered])) {
      if (this.#requests >= MAX_REQUESTS) {
        for (const parcel of parcels) this.#gathered.add(parcel);
        continue;
      }
      this.#requests++;
      void this.#dispatcher.dispatch(parcels, { path: "/bulkevents" }).then(() => {
        this.#requests--;
        if (this.#gathered.size > 0) this.#schedule();
      });
    }
  }
}
