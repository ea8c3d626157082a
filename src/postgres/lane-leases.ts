import { RECORD_VERSION } from "../fleet/record-version.ts";
import type { Queryable } from "./database.ts";

const VERSION = String(RECORD_VERSION);

/**
 * One statement: marks this worker as alive, says how many lanes are its share, and what it must leave to newer workers.
 * A lane in which something newer waits is for who can read it, as long as such a worker is alive; without one, the others
 * go on with the rest of the lane.
 */
const HEARTBEAT = `
WITH seen AS (
  INSERT INTO mparticle_events_worker (owner, seen_until, version) VALUES ($1, now() + $2 * interval '1 ms', ${VERSION})
  ON CONFLICT (owner) DO UPDATE SET seen_until = excluded.seen_until
), gone AS (
  DELETE FROM mparticle_events_worker WHERE seen_until < now() - interval '1 day'
), newer AS (
  SELECT lane, max(version) AS version FROM mparticle_events_batch WHERE version > ${VERSION} GROUP BY lane
), marked AS (
  UPDATE mparticle_events_lane AS marked SET version = newer.version FROM newer
  WHERE marked.lane = newer.lane AND marked.version < newer.version
), alive AS (
  SELECT version FROM mparticle_events_worker WHERE owner <> $1 AND seen_until > now() UNION ALL SELECT ${VERSION}
), needed AS (
  SELECT least(greatest(lane.version, newer.version), (SELECT max(version) FROM alive)) AS version,
    array_agg(lane) AS lanes, count(*) AS count
  FROM mparticle_events_lane AS lane LEFT JOIN newer USING (lane) GROUP BY 1
)
SELECT coalesce(sum(ceil(count::double precision / (SELECT count(*) FROM alive WHERE alive.version >= needed.version)))
    FILTER (WHERE version <= ${VERSION}), 0)::int AS share,
  (SELECT array_agg(lane) FROM needed, unnest(lanes) AS lane WHERE version > ${VERSION}) AS for_newer,
  coalesce((SELECT max(version) FROM newer), 0)::int AS newest
FROM needed`;

/** As selected. */
interface Heartbeat {
  readonly share: number;
  readonly for_newer: readonly number[] | null;
  readonly newest: number;
}

const RENEW = `
UPDATE mparticle_events_lane SET lease_until = now() + $2 * interval '1 ms'
WHERE owner = $1 AND lease_until > now() AND lane = ANY($3::int[]) RETURNING lane`;

/**
 * Whoever is first takes a free lane; nobody waits for a lane that somebody else is taking. A worker that ended well has
 * taken its name off its lanes, and one that lost them for a moment lives.
 */
const CLAIM = `
UPDATE mparticle_events_lane AS claimed SET owner = $1, lease_until = now() + $2 * interval '1 ms'
FROM (
  SELECT lane, owner FROM mparticle_events_lane
  WHERE lease_until <= now() AND lane <> ALL($4::int[]) ORDER BY random() LIMIT $3 FOR UPDATE SKIP LOCKED
) AS free
WHERE claimed.lane = free.lane RETURNING claimed.lane, free.owner <> $1 AS of_the_dead`;

const RELEASE = `
UPDATE mparticle_events_lane SET owner = NULL, lease_until = '-infinity' WHERE owner = $1 AND lane = ANY($2::int[])`;

/** As returned; only a claim says whose it was. */
interface TakenLane {
  readonly lane: number;
  readonly of_the_dead?: boolean;
}

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
  /** Until when there may be a batch in a lane that has ended the worker before this one. */
  readonly #carefulUntil = new Map<number, number>();
  /** Lanes that others are to have. */
  #leaving = new Set<number>();

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
    if (this.#leaving.has(lane)) return false;
    return (this.#until.get(lane) ?? -Infinity) - this.#leaseMs / 4 > this.#now();
  }

  /** Whether the worker that had this lane has ended without a word, not long ago. */
  isOfTheDead(lane: number): boolean {
    return (this.#carefulUntil.get(lane) ?? -Infinity) > this.#now();
  }

  /**
   * Renews what it has, and takes or gives up lanes until it has its share. Call it several times within a lease.
   *
   * @param busyLanes - lanes of which something is on its way, or sent and not noted down.
   * @returns the highest version of what waits in any lane and cannot be read here, or 0.
   */
  async balance(busyLanes: () => ReadonlySet<number>): Promise<number> {
    const startedMs = this.#now();
    const beat = await this.#pool.query(HEARTBEAT, [this.#owner, this.#leaseMs]);
    const [found] = beat.rows as readonly Heartbeat[];
    const share = found?.share ?? 0;
    const forNewer = new Set(found?.for_newer);
    this.#leave(share, forNewer, busyLanes());
    await this.releaseLeaving(busyLanes);
    const before = [...this.#until.keys()];
    await this.#take(RENEW, [this.#owner, this.#leaseMs, before], startedMs, "renew");
    this.#onLost(before.filter((lane) => !this.#until.has(lane)));
    const missing = share - this.#until.size;
    if (missing > 0) {
      await this.#take(CLAIM, [this.#owner, this.#leaseMs, missing, [...forNewer]], this.#now(), "claim");
    }
    return found?.newest ?? 0;
  }

  /** Lets others have the lanes that are to be left, as soon as they are not busy. */
  async releaseLeaving(busyLanes: () => ReadonlySet<number>): Promise<void> {
    if (this.#leaving.size === 0) return;
    const busy = busyLanes();
    const lanes = [...this.#leaving].filter((lane) => !busy.has(lane));
    if (lanes.length === 0) return;
    for (const lane of lanes) {
      this.#until.delete(lane);
      this.#leaving.delete(lane);
    }
    await this.#pool.query(RELEASE, [this.#owner, lanes]);
  }

  /** Nothing more of a lane that is to be left is sent, because under load there is always something of it on its way. */
  #leave(share: number, forNewer: ReadonlySet<number>, busy: ReadonlySet<number>): void {
    const lanes = [...this.#until.keys()];
    const surplus = lanes.filter((lane) => !forNewer.has(lane));
    // Those that can be given up at once come first.
    surplus.sort((one, other) => Number(busy.has(one)) - Number(busy.has(other)));
    const leaving = [
      ...lanes.filter((lane) => forNewer.has(lane)),
      ...surplus.slice(0, Math.max(0, surplus.length - share)),
    ];
    this.#leaving = new Set(leaving);
    this.#onLost(leaving);
  }

  /** Ends: all lanes are free, and the others have a larger share. */
  async end(): Promise<void> {
    this.#until.clear();
    this.#leaving.clear();
    await this.#pool.query(
      `WITH freed AS (UPDATE mparticle_events_lane SET owner = NULL, lease_until = '-infinity' WHERE owner = $1)
       DELETE FROM mparticle_events_worker WHERE owner = $1`,
      [this.#owner],
    );
  }

  async #take(text: string, values: unknown[], startedMs: number, kind: "renew" | "claim"): Promise<void> {
    const { rows } = await this.#pool.query(text, values);
    if (kind === "renew") this.#until.clear();
    for (const { lane, of_the_dead } of rows as readonly TakenLane[]) {
      this.#until.set(lane, startedMs + this.#leaseMs);
      if (of_the_dead === true) this.#carefulUntil.set(lane, startedMs + this.#leaseMs);
    }
  }
}
