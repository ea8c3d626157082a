import { utf8Length } from "#platform";
import { internalsOf, type ClientInternals, type EventsClient } from "../delivery/client.ts";
import type { Outcome, Verdict } from "../delivery/outcome.ts";
import { MParticleError } from "../errors.ts";
import type { FleetBatch } from "../fleet/fleet-batch.ts";
import { RequestSender } from "../fleet/request-sender.ts";
import { resolveRate } from "../fleet/account-pace.ts";
import { WorkerLedger, type FleetWorkerStats } from "../fleet/worker-ledger.ts";
import { atLeastZero, checkOptions, positive, wholeNumber } from "../transport/option-checks.ts";
import { requireQueryable, type PostgresPool } from "./database.ts";
import { describeDurability } from "./durability.ts";
import { LaneLeases } from "./lane-leases.ts";
import { PostgresPace } from "./postgres-pace.ts";
import { SettledRows } from "./settled-rows.ts";
import { WakeUp } from "./wake-up.ts";

/** What a {@link FleetWorker} takes batches from, and how fast it sends them. */
export interface FleetWorkerOptions {
  /** A pool of `pg`, of the database in which `migrate` has made the tables. It uses up to three connections. */
  readonly connection: PostgresPool;
  /** Batches a second of the account, for all workers together. `@default 270` */
  readonly rate?: number | undefined;
  /** Batches that this process works on at a time; they travel together. `@default 400` */
  readonly concurrency?: number | undefined;
  /** Requests of this process in flight at most. `@default 8` */
  readonly requests?: number | undefined;
  /**
   * How long a lane belongs to a worker that says nothing, in milliseconds: a killed worker's batches wait that long.
   * `@default 15_000`
   */
  readonly leaseMs?: number | undefined;
  /** How often an idle worker looks for batches that nobody has told it of, in milliseconds. `@default 1_000` */
  readonly pollMs?: number | undefined;
  /** Called once for each verdict. What it throws goes to the client's logger. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
}

/** A row of `mparticle_events_batch`. */
interface Row extends FleetBatch {
  readonly id: string;
  readonly lane: number;
}

const FETCH = `
SELECT id, lane, user_hash, source_request_id, body FROM mparticle_events_batch
WHERE lane = ANY($1::int[]) AND id <> ALL($2::bigint[]) ORDER BY id LIMIT $3`;

/** A batch that the service does not take is tried by the same worker again after this time. */
const RETRY_MS = 5_000;

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
  readonly #concurrency: number;
  readonly #leaseMs: number;
  /** Fetched and not settled, in their order. */
  readonly #rows = new Map<string, Row>();
  /** Users with a batch on its way, or whose batch waits to be tried again. */
  readonly #busyUsers = new Set<string>();
  #inFlight = 0;
  #isClosing = false;
  readonly #loop: Promise<void>;
  #closing: Promise<FleetWorkerStats> | undefined;

  /**
   * Starts at once.
   *
   * @param client - its credentials, host and transport are used; its own `rate` is not.
   * @param options - see {@link FleetWorkerOptions}.
   * @throws RangeError, TypeError - naming the option, its value and what was expected.
   */
  constructor(client: EventsClient, options: FleetWorkerOptions) {
    checkOptions(options, {
      connection: "any",
      rate: "any",
      concurrency: "any",
      requests: "any",
      leaseMs: "any",
      pollMs: "any",
      onOutcome: "function",
    });
    requireQueryable("connection", options.connection);
    this.#pool = options.connection;
    this.#internals = internalsOf(client);
    const { telemetry, effects, transport } = this.#internals;
    const { rate, maxBatches } = resolveRate(options.rate);
    this.#concurrency = wholeNumber("concurrency", options.concurrency ?? 400);
    this.#leaseMs = positive("leaseMs", options.leaseMs ?? 15_000);
    this.#ledger = new WorkerLedger(telemetry, options.onOutcome);
    this.#leases = new LaneLeases(this.#pool, crypto.randomUUID(), this.#leaseMs, effects.now);
    this.#settled = new SettledRows(this.#pool, telemetry, effects);
    this.#wakeUp = new WakeUp(this.#pool, telemetry, effects, positive("pollMs", options.pollMs ?? 1_000));
    this.#sender = new RequestSender({
      transport,
      telemetry,
      effects,
      pace: new PostgresPace(this.#pool, rate),
      maxBatches,
      concurrency: wholeNumber("requests", options.requests ?? 8),
      // Shorter than a lease: nothing is sent for a lane that may be somebody else's.
      maxHoldMs: this.#leaseMs / 2,
    });
    this.#loop = this.#run();
  }

  /** What has become of the batches that this worker took. */
  stats(): FleetWorkerStats {
    return this.#ledger.stats(this.#inFlight);
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
    const { telemetry, effects } = this.#internals;
    void this.#warnOfLoss();
    let balancedAtMs = -Infinity;
    while (!this.#isClosing) {
      try {
        if (effects.now() - balancedAtMs > this.#leaseMs / 5) {
          balancedAtMs = effects.now();
          await this.#leases.balance((lane) => !this.#hasRowsOf(lane));
          this.#dropForeign();
        }
        const found = await this.#fetch();
        this.#handOver();
        if (this.#isFull() || found === 0) await this.#wakeUp.wait(found === 0 && this.#inFlight === 0);
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
    const known = [...this.#rows.keys(), ...this.#settled.ids()];
    const { rows } = await this.#pool.query(FETCH, [lanes, known, room]);
    let found = 0;
    for (const row of rows as readonly StoredRow[]) {
      // Settled, or fetched, while the statement ran.
      if (this.#rows.has(row.id) || this.#settled.has(row.id) || known.includes(row.id)) continue;
      found++;
      this.#rows.set(row.id, toRow(row));
    }
    return found;
  }

  /** Each user's first batch, in order, as long as there is room. */
  #handOver(): void {
    for (const row of this.#rows.values()) {
      if (this.#isFull() || this.#isClosing) return;
      if (this.#busyUsers.has(row.userKey) || !this.#leases.holds(row.lane)) continue;
      this.#busyUsers.add(row.userKey);
      this.#inFlight++;
      void this.#sender.send(row).then((verdict) => {
        this.#inFlight--;
        this.#settle(row, verdict);
      });
    }
  }

  #settle(row: Row, verdict: Verdict): void {
    this.#ledger.record(row, verdict);
    if (verdict.kind === "undelivered") {
      // It stays the first of its user.
      this.#internals.effects.startTimer(
        () => {
          this.#busyUsers.delete(row.userKey);
          this.#wakeUp.wake();
        },
        RETRY_MS,
        "idle",
      );
      return;
    }
    this.#rows.delete(row.id);
    this.#busyUsers.delete(row.userKey);
    if (verdict.kind === "accepted") this.#settled.accept(row.id);
    else this.#settled.bury(row.id, verdict.error.message);
    this.#handOver();
    this.#wakeUp.wake();
  }

  /** Rows of lanes that are not ours any more are their new owner's; what is on its way ends on its own. */
  #dropForeign(): void {
    for (const row of this.#rows.values()) {
      if (!this.#leases.holds(row.lane) && !this.#busyUsers.has(row.userKey)) this.#rows.delete(row.id);
    }
  }

  #hasRowsOf(lane: number): boolean {
    for (const row of this.#rows.values()) if (row.lane === lane && this.#busyUsers.has(row.userKey)) return true;
    return false;
  }

  #isFull(): boolean {
    return this.#inFlight >= this.#concurrency;
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
    const { effects, telemetry } = this.#internals;
    this.#isClosing = true;
    this.#wakeUp.wake();
    const stopTimer = effects.startTimer(() => {
      this.#sender.stop(new MParticleError("CLOSED", "The worker was closed before it was accepted."));
    }, timeoutMs);
    while (this.#inFlight > 0) await this.#wakeUp.wait(false);
    stopTimer();
    await this.#loop;
    this.#wakeUp.end();
    try {
      await this.#settled.flush();
      await this.#leases.end();
    } catch (error) {
      telemetry.reportError("What was sent could not be noted down; it is sent again with its ids.", error);
    }
    return this.stats();
  }
}

/** As `pg` gives them: 64-bit integers are text. */
interface StoredRow {
  readonly id: string;
  readonly lane: number;
  readonly user_hash: string;
  readonly source_request_id: string;
  readonly body: string;
}

function toRow({ id, lane, user_hash, source_request_id, body }: StoredRow): Row {
  return { id, lane, userKey: user_hash, requestId: source_request_id, text: body, bytes: utf8Length(body) };
}
