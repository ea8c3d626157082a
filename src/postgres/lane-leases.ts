import type { Queryable } from "./database.ts";

/** One statement: marks this worker as alive, and counts who is. */
const HEARTBEAT = `
WITH seen AS (
  INSERT INTO mparticle_events_worker (owner, seen_until) VALUES ($1, now() + $2 * interval '1 ms')
  ON CONFLICT (owner) DO UPDATE SET seen_until = excluded.seen_until
), gone AS (
  DELETE FROM mparticle_events_worker WHERE seen_until < now() - interval '1 day'
)
SELECT count(*) FILTER (WHERE owner <> $1 AND seen_until > now()) + 1 AS workers,
  (SELECT count(*) FROM mparticle_events_lane) AS lanes
FROM mparticle_events_worker`;

const RENEW = `
UPDATE mparticle_events_lane SET lease_until = now() + $2 * interval '1 ms'
WHERE owner = $1 AND lease_until > now() AND lane = ANY($3::int[]) RETURNING lane`;

/** Whoever is first takes a free lane; nobody waits for a lane that somebody else is taking. */
const CLAIM = `
UPDATE mparticle_events_lane SET owner = $1, lease_until = now() + $2 * interval '1 ms'
WHERE lane IN (
  SELECT lane FROM mparticle_events_lane WHERE lease_until <= now() ORDER BY random() LIMIT $3 FOR UPDATE SKIP LOCKED
) RETURNING lane`;

const RELEASE = `
UPDATE mparticle_events_lane SET owner = NULL, lease_until = '-infinity' WHERE owner = $1 AND lane = ANY($2::int[])`;

/**
 * The lanes that this worker may send, by leases that all workers see. A lane has one owner at a time, so that the order
 * of its users' batches is kept; a worker that dies loses its lanes when their leases end.
 */
export class LaneLeases {
  readonly #pool: Queryable;
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #now: () => number;
  readonly #onLost: (lanes: readonly number[]) => void;
  /** Until when each lane is ours, by our own clock: from before the statement was sent, so never too long. */
  readonly #until = new Map<number, number>();

  /**
   * @param now - a clock that goes on while the process is frozen, because leases do.
   * @param onLost - told of lanes that were not its own for a moment, even if they are again: others may have sent what is
   *   in them.
   */
  constructor(
    pool: Queryable,
    owner: string,
    leaseMs: number,
    now: () => number,
    onLost: (lanes: readonly number[]) => void,
  ) {
    this.#pool = pool;
    this.#owner = owner;
    this.#leaseMs = leaseMs;
    this.#now = now;
    this.#onLost = onLost;
  }

  /** Lanes whose lease is long enough for another request. */
  get lanes(): readonly number[] {
    return [...this.#until.keys()].filter((lane) => this.holds(lane));
  }

  /** Whether a batch of this lane may still be sent. */
  holds(lane: number): boolean {
    return (this.#until.get(lane) ?? -Infinity) - this.#leaseMs / 4 > this.#now();
  }

  /**
   * Renews what it has, and takes or gives up lanes until it has its share. Call it several times within a lease.
   *
   * @param mayGiveUp - whether nothing of a lane is on its way.
   */
  async balance(mayGiveUp: (lane: number) => boolean): Promise<void> {
    const startedMs = this.#now();
    const beat = await this.#pool.query(HEARTBEAT, [this.#owner, this.#leaseMs]);
    const [counts] = beat.rows as readonly { readonly workers: string; readonly lanes: string }[]; // as selected
    const share = Math.ceil(Number(counts?.lanes ?? 0) / Number(counts?.workers ?? 1));
    const surplus = [...this.#until.keys()].filter(mayGiveUp).slice(0, Math.max(0, this.#until.size - share));
    await this.release(surplus);
    const before = [...this.#until.keys()];
    await this.#take(RENEW, [this.#owner, this.#leaseMs, before], startedMs, "renew");
    this.#onLost(before.filter((lane) => !this.#until.has(lane)));
    const missing = share - this.#until.size;
    if (missing > 0) await this.#take(CLAIM, [this.#owner, this.#leaseMs, missing], this.#now(), "claim");
  }

  /** Lets others have these lanes at once. */
  async release(lanes: readonly number[]): Promise<void> {
    if (lanes.length === 0) return;
    for (const lane of lanes) this.#until.delete(lane);
    this.#onLost(lanes);
    await this.#pool.query(RELEASE, [this.#owner, lanes]);
  }

  /** Ends: all lanes are free, and the others have a larger share. */
  async end(): Promise<void> {
    this.#until.clear();
    await this.#pool.query(
      `WITH freed AS (UPDATE mparticle_events_lane SET owner = NULL, lease_until = '-infinity' WHERE owner = $1)
       DELETE FROM mparticle_events_worker WHERE owner = $1`,
      [this.#owner],
    );
  }

  async #take(text: string, values: unknown[], startedMs: number, kind: "renew" | "claim"): Promise<void> {
    const { rows } = await this.#pool.query(text, values);
    if (kind === "renew") this.#until.clear();
    for (const { lane } of rows as readonly { readonly lane: number }[])
      this.#until.set(lane, startedMs + this.#leaseMs);
  }
}
