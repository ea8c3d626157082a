/** What is to be done before the process ends. */
export interface Drain {
  /** Those that mean the end. */
  readonly signals: readonly NodeJS.Signals[];
  /** Sends what is pending, for as long as there is time after a signal. */
  flush(): Promise<unknown>;
  /** Puts the rest where it is safe, at once: nothing but synchronous work is possible any more. May be called again. */
  spill(): void;
}

/** All drains of the process. */
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

  add(drain: Drain): void {
    if (this.#drains.size === 0) process.on("exit", this.#spillAll);
    for (const signal of drain.signals) {
      // In front of the application's: see `#onSignal`.
      if (!this.#isAwaited(signal)) process.prependListener(signal, this.#onSignal);
    }
    this.#drains.add(drain);
  }

  delete(drain: Drain): void {
    this.#drains.delete(drain);
    for (const signal of drain.signals) {
      if (!this.#isAwaited(signal)) process.off(signal, this.#onSignal);
    }
    if (this.#drains.size === 0) process.off("exit", this.#spillAll);
  }

  #isAwaited(signal: NodeJS.Signals): boolean {
    return [...this.#drains].some(({ signals }) => signals.includes(signal));
  }

  readonly #spillAll = (): void => {
    for (const drain of this.#drains) drain.spill();
  };

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // Asked on arrival: a handler for one time leaves before it is called, and may still be at work when all is sent.
    const isHandled = hasOtherListeners(signal);
    if (this.#isDraining) {
      this.#end(signal, isHandled);
      return;
    }
    this.#isDraining = true;
    const concerned = [...this.#drains].filter(({ signals }) => signals.includes(signal));
    void Promise.allSettled(concerned.map((drain) => drain.flush())).then(() => {
      this.#isDraining = false;
      this.#end(signal, isHandled);
    });
  };

  #end(signal: NodeJS.Signals, isHandled: boolean): void {
    // A signal ends the process without an "exit" event.
    this.#spillAll();
    if (isHandled || hasOtherListeners(signal)) return;
    process.off(signal, this.#onSignal);
    process.kill(process.pid, signal);
  }
}

/** Whether somebody else sees to the end of the process; our own listener is one. */
function hasOtherListeners(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) > 1 + countSignalExit();
}

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
