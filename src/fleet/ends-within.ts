import type { Effects } from "../delivery/effects.ts";

/** A store that does not answer for so long must not keep a worker from ending. */
export const ANSWER_MS = 5_000;

/** @returns whether it ended in time; what it throws is thrown, unless it is late. */
export async function endsWithin(ending: Promise<void>, timeoutMs: number, effects: Effects): Promise<boolean> {
  let stopTimer = (): void => undefined;
  const late = new Promise<boolean>((resolve) => {
    stopTimer = effects.startTimer(() => {
      resolve(false);
    }, timeoutMs);
  });
  try {
    return await Promise.race([ending.then(() => true), late]);
  } finally {
    stopTimer();
    ending.catch(() => undefined);
  }
}
