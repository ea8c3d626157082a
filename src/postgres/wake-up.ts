import type { Effects } from "../delivery/effects.ts";
import type { Telemetry } from "../delivery/telemetry.ts";
import type { PostgresClient, PostgresPool } from "./database.ts";

/** Says for how long somebody is idle and wants to be told. */
const IDLE = `UPDATE mparticle_events_pace SET idle_until = greatest(idle_until, now() + $1 * interval '1 ms')`;

/**
 * Lets a worker wait until there is something to do: `enqueue` notifies where the worker can listen, and it polls where
 * it cannot, such as behind a pooler that gives each statement another session.
 */
export class WakeUp {
  readonly #pool: PostgresPool;
  readonly #telemetry: Telemetry;
  readonly #effects: Effects;
  readonly #pollMs: number;
  readonly #sleeping = new Set<() => void>();
  #isWoken = false;
  #listener: PostgresClient | undefined;
  #listening: Promise<void> | undefined;
  #isOver = false;

  constructor(pool: PostgresPool, telemetry: Telemetry, effects: Effects, pollMs: number) {
    this.#pool = pool;
    this.#telemetry = telemetry;
    this.#effects = effects;
    this.#pollMs = pollMs;
  }

  /**
   * Resolves when {@link wake} is called, a notification arrives, or it is time to look again.
   *
   * @param isIdle - whether there is nothing to do at all: then whoever enqueues is asked to notify.
   */
  async wait(isIdle: boolean): Promise<void> {
    if (isIdle && !this.#isWoken && !this.#isOver) {
      this.#listening ??= this.#listen();
      await this.#pool.query(IDLE, [this.#pollMs * 2]);
    }
    if (this.#isWoken) {
      this.#isWoken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const end = (): void => {
        stopTimer();
        this.#sleeping.delete(end);
        resolve();
      };
      const stopTimer = this.#effects.startTimer(end, this.#pollMs);
      this.#sleeping.add(end);
    });
    this.#isWoken = false;
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    for (const end of this.#sleeping) end();
  }

  /** Gives the connection back. */
  end(): void {
    this.#isOver = true;
    this.wake();
    this.#listener?.release(true);
    this.#listener = undefined;
  }

  async #listen(): Promise<void> {
    // The only connection of a pool is for what has to be done.
    if ((this.#pool.options?.max ?? 2) < 2) return;
    let client: PostgresClient | undefined;
    const letGo = (message: string, error: unknown): void => {
      if (this.#isOver || client === undefined) return;
      this.#telemetry.reportError(message, error);
      client.release(true);
      client = this.#listener = this.#listening = undefined;
    };
    try {
      client = await this.#pool.connect();
      client.on("error", (error: unknown) => {
        letGo("The connection that listens was lost; polling until there is another.", error);
      });
      client.on("notification", () => {
        this.wake();
      });
      await client.query("LISTEN mparticle_events");
      if (this.#isOver) client.release(true);
      else this.#listener = client;
    } catch (error) {
      letGo("Listening is not possible; polling instead.", error);
      this.#listening = undefined;
    }
  }
}
