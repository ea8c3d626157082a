import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { internalsOfQueue, type EventQueue } from "../delivery/queue.ts";
import { positive } from "../transport/option-checks.ts";
import { SpillFile } from "./spill-file.ts";

/** When a queue is drained, and what becomes of the rest. */
export interface DrainOptions {
  /** Signals that mean the end. `@default ["SIGTERM", "SIGINT"]` */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Longest time to send what is pending after a signal, in milliseconds. `@default 10_000` */
  readonly timeoutMs?: number | undefined;
  /**
   * File that takes what could not be sent, for the next start to send: one for each process and queue. Without it, and
   * without an outbox, what is pending at the very end is lost, and the client's logger is told how much.
   */
  readonly spillPath?: string | undefined;
}

/**
 * Sends what a queue holds before the process ends, and spills what there is no time for.
 *
 * After a signal there is time: the queue is flushed, for at most `timeoutMs`. After `process.exit` or an uncaught error
 * there is none: what is pending goes to `spillPath` at once. What an earlier process spilled there is taken in now and
 * sent with the ids it had, so what had arrived is dropped as a repetition.
 *
 * Handlers of your own keep working. Where there is none for a signal, the process ends by that signal once the queue
 * is drained; where there is one, ending is its business. A second signal ends the wait.
 *
 * @param queue - the queue to drain.
 * @param options - see {@link DrainOptions}.
 * @returns a function that takes all of it back.
 * @throws Error - when `spillPath` lies in a folder that cannot be written to, which is better known now.
 */
export function drainOnExit(queue: EventQueue, options: DrainOptions = {}): () => void {
  const signals = options.signals ?? ["SIGTERM", "SIGINT"];
  const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 10_000);
  const { outbox, pending, restore, telemetry } = internalsOfQueue(queue);
  const spill = options.spillPath === undefined ? undefined : new SpillFile(resolve(options.spillPath));
  let restoring = false;
  if (spill !== undefined) {
    accessSync(dirname(spill.path), constants.W_OK);
    const spilled = readSpilled();
    restoring = spilled.length > 0;
    if (restoring) {
      void restore(spilled).then(() => {
        // Until then the file stays: a crash in between must not lose what it holds.
        if (restoring) spill.remove();
        restoring = false;
      });
    }
  }

  function readSpilled(): ReturnType<typeof pending> {
    if (spill === undefined) return [];
    try {
      return spill.read();
    } catch (error) {
      telemetry.trouble(`${spill.path} is no spill file, or a damaged one; it was kept as ${spill.setAside()}.`, error);
      return [];
    }
  }

  /** Runs when nothing but synchronous work is possible. */
  const spillRest = (): void => {
    // An outbox has on disk what was added.
    if (outbox !== undefined) return;
    const rest = pending();
    if (rest.length === 0) {
      spill?.remove();
      return;
    }
    const events = rest.reduce((sum, batch) => sum + batch.events.length, 0);
    if (spill === undefined) {
      telemetry.trouble(
        `The process ends with ${String(events)} events unsent; \`spillPath\` or an outbox would keep them.`,
      );
      return;
    }
    try {
      spill.write(rest);
      restoring = false;
    } catch (error) {
      telemetry.trouble(`${String(events)} events are lost: ${spill.path} could not be written.`, error);
    }
  };

  const drain: Drain = { flush: () => queue.flush({ timeoutMs }), spillRest };
  process.on("exit", spillRest);
  for (const signal of signals) addDrain(signal, drain);
  return () => {
    process.off("exit", spillRest);
    for (const signal of signals) removeDrain(signal, drain);
  };
}

interface Drain {
  flush(): Promise<unknown>;
  spillRest(): void;
}

/** One listener for each signal, whatever the number of queues: they drain at the same time. */
const drains = new Map<NodeJS.Signals, Set<Drain>>();
const draining = new Set<NodeJS.Signals>();

function addDrain(signal: NodeJS.Signals, drain: Drain): void {
  const known = drains.get(signal);
  if (known !== undefined) {
    known.add(drain);
    return;
  }
  drains.set(signal, new Set([drain]));
  process.on(signal, onSignal);
}

function removeDrain(signal: NodeJS.Signals, drain: Drain): void {
  const known = drains.get(signal);
  known?.delete(drain);
  if (known?.size !== 0) return;
  drains.delete(signal);
  process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  const all = [...(drains.get(signal) ?? [])];
  if (draining.has(signal)) {
    end(signal, all);
    return;
  }
  draining.add(signal);
  void Promise.allSettled(all.map((drain) => drain.flush())).then(() => {
    draining.delete(signal);
    end(signal, all);
  });
}

function end(signal: NodeJS.Signals, all: readonly Drain[]): void {
  // A signal ends the process without an "exit" event.
  for (const drain of all) drain.spillRest();
  if (process.listenerCount(signal) > 1) return;
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
