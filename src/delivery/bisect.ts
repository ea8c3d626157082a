/**
 * Quarters cost as many requests as halves, and take half as many rounds: log4(n) rounds of 4 against log2(n) of 2.
 */
const PARTS = 4;

/**
 * The requests to make after one was refused for what it holds: its items in order, in parts of nearly equal size.
 *
 * A refused part is divided again, an accepted one is done. So k culprits among n items are alone after
 * 4·k·⌈log4(n/k)⌉ + 6·k + 1 requests at most, and every other item is accepted exactly once.
 *
 * @returns none for a single item: it is the culprit, and its own answer says why.
 */
export function divideRefused<Item>(refused: readonly Item[]): readonly (readonly Item[])[] {
  const { length } = refused;
  if (length < 2) return [];
  const parts = Math.min(PARTS, length);
  const cut = (part: number): number => Math.floor((length * part) / parts);
  return Array.from({ length: parts }, (_, part) => refused.slice(cut(part), cut(part + 1)));
}
