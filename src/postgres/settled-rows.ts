import type { Effects } from "../delivery/effects.ts";
import type { Telemetry } from "../delivery/telemetry.ts";
import type { Queryable } from "./database.ts";

const ACCEPTED = "DELETE FROM mparticle_events_batch WHERE id = ANY($1::bigint[])";

/** One statement: a batch is in one of the two tables at any time. */
const REJECTED = `
WITH dead AS (
  DELETE FROM mparticle_events_batch WHERE id = ANY($1::bigint[]) RETURNING id, user_hash, source_request_id, body, created_at, version
)
INSERT INTO mparticle_events_dead (id, user_hash, source_request_id, body, created_at, version, reason)
SELECT dead.*, reasons.reason FROM dead JOIN unnest($1::bigint[], $2::text[]) AS reasons (id, reason) USING (id)
ON CONFLICT DO NOTHING`;

const SURVIVED = "UPDATE mparticle_events_batch SET deaths = 0 WHERE id = ANY($1::bigint[])";

/** What is known of a row that has its verdict. */
interface SettledRow {
  readonly id: string;
  readonly lane: number;
}

/** Verdicts are gathered for so long: one statement for many batches costs little more than one for one. */
const GATHER_MS = 5;
const RETRY_MS = 1_000;

/**
 * Notes verdicts down in the store, many at a time. Until that has worked, it remembers them, so that this worker does
 * not send a batch again that it has sent.
 */
export class SettledRows {
  readonly #pool: Queryable;
  readonly #telemetry: Telemetry;
  readonly #effects: Effects;
  /** By id: the lane. */
  readonly #accepted = new Map<string, number>();
  readonly #rejected = new Map<string, { readonly lane: number; readonly reason: string }>();
  /** Ids. They stay in the store, and may be sent again before this is noted down. */
  readonly #survived = new Set<string>();
  #writing: Promise<void> | undefined;
  #isScheduled = false;
  #isEnding = false;

  constructor(pool: Queryable, telemetry: Telemetry, effects: Effects) {
    this.#pool = pool;
    this.#telemetry = telemetry;
    this.#effects = effects;
  }

  accept({ id, lane }: SettledRow): void {
    this.#accepted.set(id, lane);
    this.#schedule(GATHER_MS);
  }

  /** @param reason - what a person reads who looks at the dead letter. */
  bury({ id, lane }: SettledRow, reason: string): void {
    this.#rejected.set(id, { lane, reason: reason.replaceAll("\0", "") });
    this.#schedule(GATHER_MS);
  }

  /** It was not delivered, and has not ended its worker, which was noted down as possible. */
  survive({ id }: SettledRow): void {
    this.#survived.add(id);
    this.#schedule(GATHER_MS);
  }

  /** Ids of rows that have not ended this worker, of which that is not noted down yet. */
  survived(): ReadonlySet<string> {
    return new Set(this.#survived);
  }

  /** It is noted down anew that it may end its worker. */
  forgetSurvived({ id }: SettledRow): void {
    this.#survived.delete(id);
  }

  /** Of what is not noted down yet. */
  ids(): readonly string[] {
    return [...this.#accepted.keys(), ...this.#rejected.keys()];
  }

  /** Of what is not noted down yet. */
  lanes(): readonly number[] {
    return [...this.#accepted.values(), ...Array.from(this.#rejected.values(), ({ lane }) => lane)];
  }

  /**
   * Notes down the rest, and tries no further time.
   *
   * @throws what PostgreSQL says.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#writing;
    await this.#write();
  }

  #schedule(delayMs: number): void {
    if (this.#isScheduled || this.#isEnding) return;
    this.#isScheduled = true;
    this.#effects.startTimer(() => {
      this.#isScheduled = false;
      if (this.#isEnding) return;
      this.#writing ??= this.#write()
        .catch((error: unknown) => {
          this.#telemetry.reportError("What was sent could not be noted down; trying again.", error);
          this.#schedule(RETRY_MS);
        })
        .finally(() => {
          this.#writing = undefined;
          if (this.#accepted.size + this.#rejected.size + this.#survived.size > 0) this.#schedule(GATHER_MS);
        });
    }, delayMs);
  }

  async #write(): Promise<void> {
    const accepted = [...this.#accepted.keys()];
    if (accepted.length > 0) {
      await this.#pool.query(ACCEPTED, [accepted]);
      for (const id of accepted) this.#accepted.delete(id);
    }
    const rejected = [...this.#rejected];
    if (rejected.length > 0) {
      await this.#pool.query(REJECTED, [rejected.map(([id]) => id), rejected.map(([, { reason }]) => reason)]);
      for (const [id] of rejected) this.#rejected.delete(id);
    }
    const survived = [...this.#survived];
    if (survived.length > 0) {
      await this.#pool.query(SURVIVED, [survived]);
      for (const id of survived) this.#survived.delete(id);
    }
  }
}
