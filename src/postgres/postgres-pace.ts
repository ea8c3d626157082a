import {
  LEAST_PART,
  PERCENT_COUNTS_MS,
  shareOfRate,
  TURN_MS,
  WINDOW_MS,
  type GivenTurn,
  type SharedPace,
  type Turn,
} from "../fleet/account-pace.ts";
import type { Queryable } from "./database.ts";

const TAKE = "SELECT given, wait_ms FROM mparticle_events_take($1, $2, $3, $4, $5)";

const NOW_MS = "floor(extract(epoch FROM clock_timestamp()) * 1000)";

/** The pace of all workers of one outbox, in a row of PostgreSQL. */
export class PostgresPace implements SharedPace {
  readonly #pool: Queryable;
  readonly #rate: number;

  constructor(pool: Queryable, rate: number) {
    this.#pool = pool;
    this.#rate = rate;
  }

  async take(batches: number): Promise<Turn> {
    const id = crypto.randomUUID();
    const { rows } = await this.#pool.query(TAKE, [batches, this.#rate, id, TURN_MS, LEAST_PART]);
    const [turn] = rows as readonly { readonly given: number; readonly wait_ms: string }[]; // 64-bit integers are text
    const given = turn?.given ?? 0;
    return given > 0 ? { id, batches: given } : { waitMs: Number(turn?.wait_ms ?? 1_000) };
  }

  async extend(turn: GivenTurn): Promise<void> {
    await this.#countFor(turn, TURN_MS);
  }

  async give(turn: GivenTurn): Promise<void> {
    await this.#countFor(turn, WINDOW_MS);
  }

  async pause(durationMs: number): Promise<void> {
    const text = `UPDATE mparticle_events_pace SET paused_until_ms = greatest(paused_until_ms, ${NOW_MS} + $1)`;
    await this.#pool.query(text, [Math.ceil(durationMs)]);
  }

  async observe(percentageUsed: number): Promise<void> {
    const share = shareOfRate(percentageUsed);
    if (share === 1) return;
    const text = `UPDATE mparticle_events_pace SET share = $1, share_until_ms = ${NOW_MS} + $2`;
    await this.#pool.query(text, [share, PERCENT_COUNTS_MS]);
  }

  async #countFor({ id, batches }: GivenTurn, durationMs: number): Promise<void> {
    await this.#pool.query("SELECT mparticle_events_count_for($1, $2, $3)", [id, batches, durationMs]);
  }
}
