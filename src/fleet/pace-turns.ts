import type { Effects } from "../delivery/effects.ts";
import type { Telemetry } from "../delivery/telemetry.ts";
import { TURN_MS, type GivenTurn, type SharedPace } from "./account-pace.ts";

/** How long to wait before a store that failed is asked again. */
const ASK_AGAIN_MS = 1_000;

/**
 * The turns of one process: asks the shared pace for them, keeps them alive while their requests are on their way, and
 * gives them back. A store that fails is asked again, because without it nobody knows the pace.
 */
export class PaceTurns {
  readonly #pace: SharedPace;
  readonly #telemetry: Telemetry;
  readonly #effects: Effects;
  readonly #endWaits = new Set<() => void>();
  readonly #telling = new Set<Promise<void>>();
  /** The last of those who want a turn. */
  #line: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(pace: SharedPace, telemetry: Telemetry, effects: Effects) {
    this.#pace = pace;
    this.#telemetry = telemetry;
    this.#effects = effects;
  }

  /**
   * Waits for a turn.
   *
   * @param count - of batches that the request would hold; asked again each time, because more come while it waits.
   * @returns `undefined` when there is nothing to send any more, or when this was ended.
   */
  async take(count: () => number): Promise<GivenTurn | undefined> {
    // One after the other: while there is none, a process asks the store once at a time, and not for each request.
    const before = this.#line;
    let leave = (): void => undefined;
    this.#line = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    try {
      return await this.#takeNext(count);
    } finally {
      leave();
    }
  }

  async #takeNext(count: () => number): Promise<GivenTurn | undefined> {
    while (!this.#isOver) {
      const wanted = count();
      if (wanted === 0) return undefined;
      try {
        const turn = await this.#pace.take(wanted);
        if ("id" in turn) return turn;
        await this.sleep(turn.waitMs);
      } catch (error) {
        this.#telemetry.reportError("The shared pace could not be asked; trying again.", error);
        await this.sleep(ASK_AGAIN_MS);
      }
    }
    return undefined;
  }

  /** Runs what a turn is for, and gives the turn back. */
  async use(turn: GivenTurn, run: () => Promise<void>): Promise<void> {
    let stopTimer = (): void => undefined;
    const extend = (): void => {
      stopTimer = this.#effects.startTimer(() => {
        this.#tell(this.#pace.extend(turn));
        extend();
      }, TURN_MS / 3);
    };
    extend();
    try {
      await run();
    } finally {
      stopTimer();
      this.#tell(this.#pace.give(turn));
    }
  }

  /** Nobody gets a turn for so long, in any process. */
  pause(durationMs: number): void {
    this.#tell(this.#pace.pause(durationMs));
  }

  /** Lets all processes know how much of the account's rate is used, in percent. */
  observe(percentageUsed: number): void {
    this.#tell(this.#pace.observe(percentageUsed));
  }

  /** Ends early when this is ended. */
  sleep(durationMs: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        stopTimer();
        this.#endWaits.delete(end);
        resolve();
      };
      const stopTimer = this.#effects.startTimer(end, durationMs);
      this.#endWaits.add(end);
    });
  }

  /** Ends all waits: nobody gets a turn any more. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#endWaits) end();
  }

  /** Resolves when the store knows what it was told: before that, its connection must not be closed. */
  async told(): Promise<void> {
    while (this.#telling.size > 0) await Promise.all(this.#telling);
  }

  #tell(telling: Promise<void>): void {
    const told = telling
      .catch((error: unknown) => {
        this.#telemetry.reportError("The shared pace could not be told.", error);
      })
      .finally(() => this.#telling.delete(told));
    this.#telling.add(told);
  }
}
