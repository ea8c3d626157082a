import type { Effects } from "./effects.ts";

/**
 * Waits for something, but not for ever.
 *
 * @param timeoutMs - how long to wait; no limit without one.
 * @returns whether it ended in time.
 */
export async function endsInTime(
  ended: Promise<unknown>,
  timeoutMs: number | undefined,
  effects: Effects,
): Promise<boolean> {
  const inTime = ended.then(() => true);
  if (timeoutMs === undefined) return inTime;
  let stopTimer: (() => void) | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    stopTimer = effects.startTimer(() => {
      resolve(false);
    }, timeoutMs);
  });
  try {
    return await Promise.race([inTime, timeout]);
  } finally {
    stopTimer?.();
  }
}
