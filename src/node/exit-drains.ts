import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { hearMainThread, ThreadCalls, type ThreadDrains } from "./thread-drains.ts";

/** What is to be done before the process ends. */
export interface Drain {
  /** Those that mean the end. */
  readonly signals: readonly NodeJS.Signals[];
  /** Longest time that `flush` takes, in milliseconds. */
  readonly timeoutMs: number;
  /** Sends what is pending, for as long as there is time after a signal. */
  flush(): Promise<unknown>;
  /**
   * Puts what is pending where it is safe, at once: it works synchronously. May be called again, and then replaces or
   * removes what it has written before.
   *
   * @param isLast - says what is lost; before that there is time to send it.
   */
  spill(isLast: boolean): void;
  /** Takes nothing more in, once the process is sure to end. */
  close(): Promise<unknown>;
  /** Tells the logger, or the console. */
  warn(message: string): void;
}

/** All drains of a thread. */
export interface ExitDrains {
  add(drain: Drain): void;
  delete(drain: Drain): void;
}

/**
 * An ES module and a CommonJS copy of this package may live in one process. They share the drains: otherwise each would take
 * the listener of the other for the application's, leave the end to it, and the process would never end.
 */
const KEY = Symbol.for("mparticle-events.exit-drains");

export function exitDrains(): ExitDrains {
  const shared = Reflect.get(globalThis, KEY) as ExitDrains | undefined; // as put there below, by whichever copy was first
  if (shared !== undefined) return shared;
  const drains = new ProcessDrains();
  Object.defineProperty(globalThis, KEY, { value: drains });
  return drains;
}

/** One listener for each signal and for the exit, whatever the number of drains: they drain at the same time. */
class ProcessDrains implements ExitDrains {
  readonly #drains = new Set<Drain>();
  #isDraining = false;
  #threads: ThreadCalls | undefined;
  #stopHearing: (() => void) | undefined;

  add(drain: Drain): void {
    if (this.#drains.size === 0) this.#start();
    // A worker thread hears no signals: its main thread passes them on.
    if (isMainThread) {
      for (const signal of drain.signals) {
        // In front of the application's: see `#onSignal`.
        if (!this.#isAwaited(signal)) process.prependListener(signal, this.#onSignal);
      }
    }
    this.#drains.add(drain);
  }

  delete(drain: Drain): void {
    if (!this.#drains.delete(drain)) return;
    for (const signal of drain.signals) {
      if (!this.#isAwaited(signal)) process.off(signal, this.#onSignal);
    }
    if (this.#drains.size === 0) this.#stop();
  }

  #start(): void {
    process.prependListener("exit", this.#onExit);
    process.on("newListener", this.#stayFirst);
    if (isMainThread) this.#threads = new ThreadCalls();
    else this.#stopHearing = hearMainThread(this.#asThread);
  }

  #stop(): void {
    process.off("newListener", this.#stayFirst);
    process.off("exit", this.#onExit);
    this.#threads?.close();
    this.#threads = undefined;
    this.#stopHearing?.();
    this.#stopHearing = undefined;
  }

  #isAwaited(signal: NodeJS.Signals): boolean {
    return [...this.#drains].some(({ signals }) => signals.includes(signal));
  }

  /** What the main thread may ask of this one. */
  readonly #asThread: ThreadDrains = {
    timeoutMs: () => Math.max(...Array.from(this.#drains, ({ timeoutMs }) => timeoutMs)),
    drain: async (signal) => {
      const concerned = this.#concernedBy(signal);
      await drainAll(concerned);
      spillAll(concerned, true);
    },
    spill: () => {
      spillAll(this.#drains, true);
    },
    warn: (message) => {
      for (const drain of this.#drains) drain.warn(message);
    },
  };

  #concernedBy(signal: NodeJS.Signals): readonly Drain[] {
    return [...this.#drains].filter(({ signals }) => signals.includes(signal));
  }

  readonly #onExit = (): void => {
    spillAll(this.#drains, true);
    this.#threads?.spill();
    this.#stopHearing?.();
  };

  /** A listener that throws keeps those behind it from being called. */
  readonly #stayFirst = (event: string | symbol, listener: unknown): void => {
    if (event !== "exit" || listener === this.#onExit) return;
    queueMicrotask(() => {
      if (this.#drains.size === 0 || process.listeners("exit")[0] === this.#onExit) return;
      process.off("exit", this.#onExit);
      process.prependListener("exit", this.#onExit);
    });
  };

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // Asked on arrival: a handler for one time leaves before it is called, and may still be at work when all is sent.
    const isHandled = hasOtherListeners(signal);
    if (this.#isDraining) {
      this.#end(signal, isHandled);
      return;
    }
    this.#isDraining = true;
    void this.#drain(signal, isHandled).then(() => {
      this.#isDraining = false;
      this.#end(signal, isHandled);
    });
  };

  async #drain(signal: NodeJS.Signals, isHandled: boolean): Promise<void> {
    const concerned = this.#concernedBy(signal);
    await Promise.all([drainAll(concerned), this.#threads?.drain(signal)]);
    if (isHandled || hasOtherListeners(signal)) return;
    // Only now: until the end is sure, an event that is added is better than one that is refused.
    await closeAll(concerned);
  }

  #end(signal: NodeJS.Signals, isHandled: boolean): void {
    // A signal ends the process without an "exit" event.
    spillAll(this.#drains, true);
    if (isHandled || hasOtherListeners(signal)) return;
    this.#threads?.spill();
    process.off(signal, this.#onSignal);
    process.kill(process.pid, signal);
    // As process 1 of a container we are still here, because the default action of a signal means nothing there.
    const code = 128 + constants.signals[signal];
    if (process.listenerCount(signal) === 0) exit(code);
    else setTimeout(exit, SIGNAL_EXIT_TIMEOUT_MS, code);
  }
}

/** What is safe before it is sent stays so, should there be less time than was thought. */
async function drainAll(drains: Iterable<Drain>): Promise<void> {
  spillAll(drains, false);
  await Promise.allSettled(Array.from(drains, (drain) => drain.flush()));
}

async function closeAll(drains: Iterable<Drain>): Promise<void> {
  await Promise.allSettled(Array.from(drains, (drain) => drain.close()));
}

/** What goes wrong with one must not keep the others from being spilled. */
function spillAll(drains: Iterable<Drain>, isLast: boolean): void {
  for (const drain of drains) {
    try {
      drain.spill(isLast);
    } catch (error) {
      drain.warn(`What a queue holds could not be spilled: ${String(error)}`);
    }
  }
}

/** Ends the process, whatever the application's own listeners throw. */
function exit(code: number): void {
  try {
    process.exit(code);
  } catch {
    process.exit(code); // calls no listener a second time
  }
}

/** Whether somebody else sees to the end of the process; our own listener is one. */
function hasOtherListeners(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) > 1 + countSignalExit();
}

/** How long `signal-exit` may take to end the process, which it cannot as process 1. */
const SIGNAL_EXIT_TIMEOUT_MS = 500;

/**
 * Listeners of `signal-exit`, which comes with many packages: they end the process once no other is left, and as long as
 * each waits for the other to go nobody does. Versions 3 and 4 count themselves for each other, in these places.
 */
function countSignalExit(): number {
  const emitters: readonly unknown[] = [
    Reflect.get(process, "__signal_exit_emitter__"),
    Reflect.get(globalThis, Symbol.for("signal-exit emitter")),
  ];
  let count = 0;
  for (const emitter of emitters) {
    if (typeof emitter === "object" && emitter !== null && "count" in emitter) count += Number(emitter.count);
  }
  return count;
}
