import { utf8Length } from "#platform";
import { internalsOf, type ClientInternals, type EventsClient } from "../delivery/client.ts";
import { SYSTEM_EFFECTS } from "../delivery/effects.ts";
import type { Verdict } from "../delivery/outcome.ts";
import { ApiError, MParticleError } from "../errors.ts";
import type { FleetBatch } from "../fleet/fleet-batch.ts";
import { ANSWER_MS, endsWithin } from "../fleet/ends-within.ts";
import { NewerRecords, RECORD_VERSION } from "../fleet/record-version.ts";
import { RequestSender } from "../fleet/request-sender.ts";
import { resolveWorkerOptions, WORKER_OPTIONS, type WorkerOptions } from "../fleet/worker-options.ts";
import { DEATHS_REASON, MOST_DEATHS } from "../fleet/suspects.ts";
import { warnOfUnused } from "../fleet/unused-options.ts";
import { WorkerLedger, type FleetWorkerStats } from "../fleet/worker-ledger.ts";
import { atLeastZero, checkOptions, positive } from "../transport/option-checks.ts";
import { requireQueryable, type PostgresPool } from "./database.ts";
import { describeDurability } from "./durability.ts";
import { LaneLeases } from "./lane-leases.ts";
import { PostgresPace } from "./postgres-pace.ts";
import { SettledRows } from "./settled-rows.ts";
import { WakeUp } from "./wake-up.ts";

/** What a {@link FleetWorker} takes batches from, and how fast it sends them. */
export interface FleetWorkerOptions extends WorkerOptions {
  /** A pool of `pg`, of the database in which `migrate` has made the tables. It uses up to three connections. */
  readonly connection: PostgresPool;
  /** How often an idle worker looks for batches that nobody has told it of, in milliseconds. `@default 1_000` */
  readonly pollMs?: number | undefined;
}

/** A row of `mparticle_events_batch`. */
interface Row extends FleetBatch {
  readonly id: string;
  readonly lane: number;
  /** Workers that may have ended because of it. */
  readonly deaths: number;
}

/** Not the client's, whose time stands still while the process is frozen: leases end all the same. */
const effects = SYSTEM_EFFECTS;

/** What this version cannot read, and what is behind it of the same user, is left where it is. */
const FETCH = `
SELECT id, lane, user_hash, source_request_id, body, deaths FROM mparticle_events_batch AS batch
WHERE lane = ANY($1::int[]) AND id <> ALL($2::bigint[]) AND user_hash <> ALL($3::bigint[])
  AND version <= ${String(RECORD_VERSION)} AND NOT EXISTS (
    SELECT FROM mparticle_events_batch AS newer
    WHERE newer.version > ${String(RECORD_VERSION)}
      AND newer.lane = batch.lane AND newer.user_hash = batch.user_hash AND newer.id < batch.id
  ) ORDER BY id LIMIT $4`;

/**
 * Before it is handed over: whoever ends while it is on its way cannot note that down. One more than what is known, and not
 * than what is stored, where the note that it was survived may be missing yet.
 */
const MAY_END_US = `
UPDATE mparticle_events_batch AS batch SET deaths = marked.deaths
FROM unnest($1::bigint[], $2::int[]) AS marked (id, deaths) WHERE batch.id = marked.id`;

/** After a batch that the service fails at, or with wrong credentials, its user's batches rest in the store so long. */
const REST_MS = 5_000;

/** After anything else, such as an outage: the sender waits for its end, and then this must not be what takes time. */
const SHORT_REST_MS = 200;

/** Of one user so many rows are fetched ahead: a user with a long backlog must not keep the others out. */
const ROWS_OF_USER = 16;

/**
 * Sends the batches of the outbox with a client, many in one request, at a pace that all workers share.
 *
 * Each user's batches arrive in the order in which they were enqueued: at most one of them is on its way, and what was
 * not delivered holds back what follows. A rejected batch goes to `mparticle_events_dead` with its reason. A worker that
 * is killed loses nothing; what it had sent without noting it down is sent again with its id.
 */
export class FleetWorker {
  readonly #internals: ClientInternals;
  readonly #pool: PostgresPool;
  readonly #sender: RequestSender;
  readonly #ledger: WorkerLedger;
  readonly #leases: LaneLeases;
  readonly #settled: SettledRows;
  readonly #wakeUp: WakeUp;
  readonly #newer: NewerRecords;
  readonly #concurrency: number;
  readonly #leaseMs: number;
  /** Fetched and not settled, in their order. */
  readonly #rows = new Map<string, Row>();
  /** How many of them are of each user. */
  readonly #rowsOfUser = new Map<string, number>();
  /** Ids of rows on their way. */
  readonly #sending = new Set<string>();
  /** Their users, of whom nothing else may be on its way. */
  readonly #busyUsers = new Set<string>();
  /** Of them, a row that may have ended its workers; there is one at a time, so that no other is blamed for it. */
  #suspect: string | undefined;
  /** Rows on their way of which that was noted down before. */
  readonly #marked = new Set<string>();
  /** Users whose first batch was not delivered, until it is tried again. */
  readonly #restingUsers = new Set<string>();
  /** Users who began to rest since the last fetch began: what it finds of them lacks their first batch. */
  readonly #restedSinceFetch = new Set<string>();
  #isClosing = false;
  readonly #loop: Promise<void>;
  #closing: Promise<FleetWorkerStats> | undefined;

  /**
   * Starts at once.
   *
   * @param client - its credentials, host and transport are used; its own `rate`, `beforeSend` and `validate` are not.
   * @param options - see {@link FleetWorkerOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: FleetWorkerOptions) {
    checkOptions(options, { ...WORKER_OPTIONS, connection: "any", pollMs: "any" });
    requireQueryable("connection", options.connection);
    this.#pool = options.connection;
    this.#internals = internalsOf(client);
    const { telemetry, transport } = this.#internals;
    const { rate, maxBatches, concurrency, requests, leaseMs } = resolveWorkerOptions(options);
    this.#concurrency = concurrency;
    this.#leaseMs = leaseMs;
    this.#ledger = new WorkerLedger(telemetry, options.onOutcome);
    this.#leases = new LaneLeases(this.#pool, crypto.randomUUID(), this.#leaseMs, effects.now, (lost) => {
      if (lost.length > 0) this.#dropRows((row) => lost.includes(row.lane));
    });
    this.#newer = new NewerRecords(telemetry, effects.now);
    this.#settled = new SettledRows(this.#pool, telemetry, effects);
    this.#wakeUp = new WakeUp(this.#pool, telemetry, effects, positive("pollMs", options.pollMs ?? 1_000));
    this.#sender = new RequestSender({
      transport,
      telemetry,
      effects,
      pace: new PostgresPace(this.#pool, rate),
      maxBatches,
      concurrency: requests,
      // Shorter than a lease: nothing is sent for a lane that may be somebody else's.
      maxHoldMs: this.#leaseMs / 2,
    });
    warnOfUnused(this.#internals);
    this.#loop = this.#run();
  }

  /** What has become of the batches that this worker took. */
  stats(): FleetWorkerStats {
    return this.#ledger.stats(this.#sending.size);
  }

  /**
   * Takes no further batch, finishes what is on its way, notes it down, and lets others have its lanes.
   *
   * @param options.timeoutMs - how long it may take to finish, in milliseconds. `@default 10_000`
   */
  close({ timeoutMs = 10_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<FleetWorkerStats> {
    this.#closing ??= this.#close(atLeastZero("timeoutMs", timeoutMs));
    return this.#closing;
  }

  /** As {@link close}: `await using worker = new FleetWorker(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Renews leases, fetches and hands over, until it is closed. A store that fails is asked again. */
  async #run(): Promise<void> {
    const { telemetry } = this.#internals;
    void this.#warnOfLoss();
    const busyLanes = (): ReadonlySet<number> => this.#busyLanes();
    let balancedAtMs = -Infinity;
    while (!this.#isClosing) {
      try {
        if (effects.now() - balancedAtMs > this.#leaseMs / 5) {
          balancedAtMs = effects.now();
          const newest = await this.#leases.balance(busyLanes);
          if (newest > RECORD_VERSION) this.#newer.met(newest);
        }
        await this.#leases.releaseLeaving(busyLanes);
        const found = await this.#fetch();
        this.#handOver();
        if (this.#isFull() || found === 0) await this.#wakeUp.wait(found === 0 && this.#sending.size === 0);
      } catch (error) {
        telemetry.reportError("The outbox could not be read; trying again.", error);
        await this.#wakeUp.wait(false);
      }
    }
  }

  async #fetch(): Promise<number> {
    const { lanes } = this.#leases;
    const room = this.#concurrency * 2 - this.#rows.size;
    if (lanes.length === 0 || room <= 0) return 0;
    // What is settled while the statement runs is among them, or among those on their way when it starts.
    const settled = this.#settled.ids();
    const survived = this.#settled.survived();
    // What cannot be noted down would be more and more.
    if (settled.length > this.#concurrency) return 0;
    const known = new Set([...this.#rows.keys(), ...settled]);
    const fullUsers = [...this.#rowsOfUser].filter(([, rows]) => rows >= ROWS_OF_USER).map(([user]) => user);
    this.#restedSinceFetch.clear();
    const { rows } = await this.#pool.query(FETCH, [lanes, [...known], [...this.#restingUsers, ...fullUsers], room]);
    let found = 0;
    for (const row of rows as readonly StoredRow[]) {
      const rowsOfUser = this.#rowsOfUser.get(row.user_hash) ?? 0;
      if (known.has(row.id) || rowsOfUser >= ROWS_OF_USER || this.#restedSinceFetch.has(row.user_hash)) continue;
      found++;
      this.#rowsOfUser.set(row.user_hash, rowsOfUser + 1);
      this.#rows.set(row.id, toRow(row, survived.has(row.id)));
    }
    return found;
  }

  /** Each user's first batch, in order, as long as there is room. */
  #handOver(): void {
    const toMark: Row[] = [];
    const waitingUsers = new Set<string>();
    for (const row of this.#rows.values()) {
      if (this.#isFull() || this.#isClosing) break;
      const { userKey } = row;
      if (this.#busyUsers.has(userKey) || waitingUsers.has(userKey) || !this.#leases.holds(row.lane)) continue;
      if (row.deaths > 0) {
        if (this.#suspect !== undefined) {
          waitingUsers.add(userKey);
          continue;
        }
        this.#suspect = row.id;
      }
      this.#busyUsers.add(userKey);
      this.#sending.add(row.id);
      if (row.deaths > 0 || this.#leases.isOfTheDead(row.lane)) toMark.push(row);
      else void this.#send(row);
    }
    if (toMark.length > 0) void this.#sendMarked(toMark);
  }

  async #send(row: Row): Promise<void> {
    this.#settle(row, await this.#sender.send(row));
  }

  /** Of each it is noted down before that it may be what ends this worker. */
  async #sendMarked(rows: readonly Row[]): Promise<void> {
    const [dead, alive] = [rows.filter(isDead), rows.filter((row) => !isDead(row))];
    for (const row of dead) {
      this.#ledger.bury(row, DEATHS_REASON);
      this.#settled.bury(row, DEATHS_REASON);
      this.#letGo(row);
    }
    if (alive.length === 0) return;
    try {
      await this.#pool.query(MAY_END_US, [alive.map(({ id }) => id), alive.map(({ deaths }) => deaths + 1)]);
    } catch (error) {
      this.#internals.telemetry.reportError("The outbox could not be written to; trying again.", error);
      for (const row of alive) this.#survive(row, REST_MS);
      return;
    }
    for (const row of alive) {
      this.#settled.forgetSurvived(row);
      this.#marked.add(row.id);
      // The lease may have become too short meanwhile.
      if (this.#leases.holds(row.lane)) void this.#send(row);
      else this.#survive(row, SHORT_REST_MS);
    }
  }

  /** It was noted down and not sent, which must not count: after a few times the batch would be a dead letter. */
  #survive(row: Row, restMs: number): void {
    this.#settled.survive(row);
    this.#letGo(row, restMs);
  }

  #settle(row: Row, verdict: Verdict): void {
    this.#ledger.record(row, verdict);
    if (verdict.kind === "accepted") this.#settled.accept(row);
    else if (verdict.kind === "rejected") this.#settled.bury(row, verdict.error.message);
    else if (this.#marked.has(row.id)) this.#settled.survive(row);
    this.#letGo(row, verdict.kind === "undelivered" ? restMsAfter(verdict.error) : undefined);
    this.#handOver();
  }

  /**
   * It is not on its way any more.
   *
   * @param restMs - of what stays in the store: for so long its user's batches are not tried again. None of them may be sent
   *   before it, so what is known of them is forgotten as well.
   */
  #letGo(row: Row, restMs?: number): void {
    this.#sending.delete(row.id);
    this.#busyUsers.delete(row.userKey);
    this.#drop(row);
    if (this.#suspect === row.id) this.#suspect = undefined;
    this.#marked.delete(row.id);
    if (restMs !== undefined) this.#rest(row.userKey, restMs);
    this.#wakeUp.wake();
  }

  /** All that is known of this user is fetched again later: the batch is still the first, and room is for others. */
  #rest(userKey: string, restMs: number): void {
    this.#restingUsers.add(userKey);
    this.#restedSinceFetch.add(userKey);
    this.#dropRows((row) => row.userKey === userKey);
    const endRest = (): void => {
      this.#restingUsers.delete(userKey);
      this.#wakeUp.wake();
    };
    effects.startTimer(endRest, restMs, "idle");
  }

  /** But for what is on its way, which ends on its own. */
  #dropRows(isToDrop: (row: Row) => boolean): void {
    for (const row of this.#rows.values()) if (isToDrop(row) && !this.#sending.has(row.id)) this.#drop(row);
  }

  #drop({ id, userKey }: Row): void {
    if (!this.#rows.delete(id)) return;
    const left = (this.#rowsOfUser.get(userKey) ?? 1) - 1;
    if (left > 0) this.#rowsOfUser.set(userKey, left);
    else this.#rowsOfUser.delete(userKey);
  }

  /** Whoever has one of these lanes next must not find what is on its way, or was sent and is still in the store. */
  #busyLanes(): ReadonlySet<number> {
    const busy = new Set(this.#settled.lanes());
    for (const id of this.#sending) {
      const lane = this.#rows.get(id)?.lane;
      if (lane !== undefined) busy.add(lane);
    }
    return busy;
  }

  #isFull(): boolean {
    return this.#sending.size >= this.#concurrency;
  }

  /** Once, at the start: an operator has to know before it happens. */
  async #warnOfLoss(): Promise<void> {
    try {
      const warning = await describeDurability(this.#pool);
      if (warning !== undefined) this.#internals.telemetry.warn(warning);
    } catch {
      // The loop reports a database that cannot be asked.
    }
  }

  async #close(timeoutMs: number): Promise<FleetWorkerStats> {
    const { telemetry } = this.#internals;
    this.#isClosing = true;
    this.#wakeUp.wake();
    const stopTimer = effects.startTimer(() => {
      this.#sender.stop(new MParticleError("CLOSED", "The worker was closed before it was accepted."));
    }, timeoutMs);
    while (this.#sending.size > 0) await this.#wakeUp.wait(false);
    stopTimer();
    this.#wakeUp.end();
    try {
      if (!(await endsWithin(this.#finish(), ANSWER_MS, effects))) {
        telemetry.warn("PostgreSQL does not answer: what was sent and is not noted down is sent again with its id.");
      }
    } catch (error) {
      telemetry.reportError("What was sent could not be noted down; it is sent again with its ids.", error);
    }
    return this.stats();
  }

  async #finish(): Promise<void> {
    await this.#loop;
    await this.#sender.end();
    await this.#settled.end();
    await this.#leases.end();
  }
}

function isDead({ deaths }: Row): boolean {
  return deaths >= MOST_DEATHS;
}

function restMsAfter(error: MParticleError): number {
  const isOutage = !(error instanceof ApiError) || error.status === 503 || error.code === "RATE_LIMITED";
  return isOutage ? SHORT_REST_MS : REST_MS;
}

/** As `pg` gives them: 64-bit integers are text. */
interface StoredRow {
  readonly id: string;
  readonly lane: number;
  readonly user_hash: string;
  readonly source_request_id: string;
  readonly body: string;
  readonly deaths: number;
}

/** @param hasSurvived - whether this worker has survived it since, and that may not be stored yet. */
function toRow({ id, lane, user_hash, source_request_id, body, deaths }: StoredRow, hasSurvived: boolean): Row {
  const batch = { userKey: user_hash, requestId: source_request_id, text: body, bytes: utf8Length(body) };
  return { id, lane, ...batch, deaths: hasSurvived ? 0 : deaths };
}
