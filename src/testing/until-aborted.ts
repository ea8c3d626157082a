import { onAbort } from "../transport/abort.ts";

/**
 * What `work` comes to, or the signal's reason as soon as it aborts; no listener stays.
 *
 * @throws unknown - the signal's reason, or what `work` rejects with.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let forget = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    forget = onAbort(signal, resolve);
  });
  try {
    // The race also takes note of a rejection that comes after an abort, which nobody waits for then.
    await Promise.race([work, aborted]);
    signal.throwIfAborted();
    return await work;
  } finally {
    forget();
  }
}
