/**
 * One pace for all processes of an account, kept in their shared store.
 *
 * A request counts from the moment its turn is given until a second after its answer, by the clock of the store. So no
 * second at the service holds more batches than the rate, however long a request is on its way: of two requests that
 * arrive within one second, the one whose turn was given later was given it while the other still counted.
 */
export interface SharedPace {
  /** Asks for the turn of a request of so many batches. */
  take(batches: number): Promise<Turn>;
  /** The request of this turn is still on its way. */
  extend(turn: GivenTurn): Promise<void>;
  /** The request of this turn was answered, or will not be made. */
  give(turn: GivenTurn): Promise<void>;
  /** Nobody gets a turn for so long, because the service said so. */
  pause(durationMs: number): Promise<void>;
  /** The service said how much of the account's rate is used, in percent. */
  observe(percentageUsed: number): Promise<void>;
}

/** A request may be sent, of so many batches at most. */
export interface GivenTurn {
  readonly id: string;
  readonly batches: number;
}

/** A turn, or when to ask again. */
export type Turn = GivenTurn | { readonly waitMs: number };

/** A turn whose process says nothing for so long was that of a process that is dead. */
export const TURN_MS = 5_000;

/** How long an answered request counts. */
export const WINDOW_MS = 1_000;

/** Turns for less than this part of the rate are not given while more is asked for: small requests cost as much as large ones. */
export const LEAST_PART = 8;

/** From this share of the account's rate on, all processes slow down; at twice the distance to 100 they are at half. */
const SLOW_ABOVE_PERCENT = 80;

/** How long a percentage counts. */
export const PERCENT_COUNTS_MS = 10_000;

/**
 * The part of the rate that is used after the service has told a percentage.
 *
 * @returns 1 up to {@link SLOW_ABOVE_PERCENT}, falling to 0.5 at 100 and beyond.
 */
export function shareOfRate(percentageUsed: number): number {
  if (!(percentageUsed > SLOW_ABOVE_PERCENT)) return 1;
  return 1 - (0.5 * (Math.min(percentageUsed, 100) - SLOW_ABOVE_PERCENT)) / (100 - SLOW_ABOVE_PERCENT);
}
