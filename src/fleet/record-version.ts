import type { Telemetry } from "../delivery/telemetry.ts";

/**
 * The form in which batches lie in a store. A worker reads this one and all before it; what is of a later one stays in the
 * store, for a worker with a newer version of this package: two versions run at once while a deploy rolls.
 */
export const RECORD_VERSION = 1;

/** Such records are met again and again until a newer worker takes them. */
const TELL_AGAIN_MS = 60_000;

/** Tells the operator of records that this version cannot read, at most once a minute. */
export class NewerRecords {
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  #toldAtMs = -Infinity;

  constructor(telemetry: Telemetry, now: () => number) {
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** @param version - of a record that was met. */
  met(version: number): void {
    if (this.#now() - this.#toldAtMs < TELL_AGAIN_MS) return;
    this.#toldAtMs = this.#now();
    this.#telemetry.warn(
      `Batches of record version ${String(version)} wait in the store, and this worker reads up to ${String(RECORD_VERSION)}: they stay there until a worker with a newer version of mparticle-events takes them.`,
    );
  }
}
