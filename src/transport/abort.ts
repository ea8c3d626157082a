import { LinkedList } from "./linked-list.ts";

/**
 * Ends one exchange, at its timeout or for its caller. An AbortController would do, and would cost each request more
 * than all else that surrounds it here.
 */
export class Cancellation {
  #cancelled = false;
  #reason: unknown;
  #callback: ((reason: unknown) => void) | undefined;
  /** What the exchange waited for in vain, where that is not an answer. */
  waitsFor: "a free socket" | undefined;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Why, once it is cancelled. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Ends the exchange, the first time it is called. */
  cancel(reason: unknown): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#reason = reason;
    this.#callback?.(reason);
  }

  /** Calls `callback` when the exchange has to end, at once if it had to before. There is one: the exchange's own. */
  onCancel(callback: (reason: unknown) => void): void {
    this.#callback = callback;
    if (this.#cancelled) callback(this.#reason);
  }
}

/**
 * An AbortSignal and its controller in one, without those of the runtime: in a Worker, an AbortSignal belongs to the request
 * in which it was made, and another request that waits for it hangs.
 */
export class EndSignal {
  readonly #callbacks = new LinkedList<() => void>();
  #aborted = false;
  #reason: unknown;

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Why, once it has aborted. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Aborts, the first time it is called. */
  abort(reason?: unknown): void {
    const called = this.aborting(reason);
    while (called.next().done !== true);
  }

  /** As {@link abort}, for who has many callbacks: one is called with each step, the first of which aborts. */
  *aborting(reason?: unknown): Generator<void, void> {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    // A callback may take others out: those are not called any more.
    for (let next = this.#callbacks.first; next !== undefined; next = this.#callbacks.first) {
      this.#callbacks.remove(next);
      next.item();
      yield;
    }
  }

  /** See {@link onAbort}. */
  onAbort(callback: () => void): () => void {
    if (this.#aborted) {
      callback();
      return () => undefined;
    }
    const link = this.#callbacks.add(callback);
    return () => {
      this.#callbacks.remove(link);
    };
  }
}

/** What ends requests and waits: a caller's own signal, or one of ours. */
export type AnySignal = AbortSignal | EndSignal;

const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` when `signal` aborts (at once if it has), at most once, unless the returned function was called before.
 *
 * A signal that lives as long as the process may be passed to any number of calls: all of them share one listener,
 * which leaves with the last. (Node warns of a leak from the eleventh.)
 */
export function onAbort(signal: AnySignal, callback: () => void): () => void {
  if (signal instanceof EndSignal) return signal.onAbort(callback);
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  const callbacks = watched.get(signal) ?? watch(signal);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    signal.removeEventListener("abort", callAll);
    watched.delete(signal);
  };
}

function watch(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  watched.set(signal, callbacks);
  signal.addEventListener("abort", callAll, { once: true });
  return callbacks;
}

function callAll(this: AbortSignal): void {
  const callbacks = watched.get(this) ?? [];
  watched.delete(this);
  for (const callback of callbacks) callback();
}

/**
 * What `work` comes to, or the signal's reason as soon as it aborts; no listener stays.
 *
 * @param graceMs - for work that heeds the signal by itself, and may have a result all the same.
 * @throws unknown - the signal's reason, or what `work` rejects with.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal, graceMs = 0): Promise<T> {
  let forget = (): void => undefined;
  let grace: ReturnType<typeof setTimeout> | undefined;
  const aborted = new Promise<typeof ABORTED>((resolve) => {
    forget = onAbort(signal, () => {
      if (graceMs === 0) resolve(ABORTED);
      else
        grace = setTimeout(() => {
          resolve(ABORTED);
        }, graceMs);
    });
  });
  try {
    // The race also handles a rejection of `work` after the abort, which would be an unhandled one otherwise.
    const result = await Promise.race([work, aborted]);
    if (result === ABORTED || graceMs === 0) signal.throwIfAborted();
    return await work;
  } finally {
    clearTimeout(grace);
    forget();
  }
}

const ABORTED = Symbol("aborted");

/** The reason of an abort may be anything. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The request was aborted.", { cause: reason });
}
