import { constants } from "node:os";
import { resolve, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EventQueue } from "../delivery/queue/event-queue.ts";
import { internalsOfQueue, type QueueInternals } from "../delivery/queue/queue-internals.ts";
import type { StoredBatch } from "../delivery/outbox.ts";
import { show } from "../rules/show.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import { exitDrains, type Drain } from "./exit-drains.ts";
import { countEvents, Leftovers } from "./leftovers.ts";
import { SpillFiles } from "./spill-files.ts";

/** When a queue is drained, and what becomes of the rest. */
export interface DrainOptions {
  /** Signals that mean the end. `@default ["SIGTERM", "SIGINT"]` */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * Longest time to send what is pending after a signal, in milliseconds. Half of the ten seconds that `docker stop` and
   * Cloud Run give by default. `@default 5_000`
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Where the files lie that take what could not be sent, for the next start to send: a folder, or how their paths begin.
   * Each file gets an id behind that, so nothing that lies there is overwritten. Without a path, and without an outbox,
   * what is pending at the very end is lost, and the client's logger, or the console, is told how much.
   */
  readonly spillPath?: string | undefined;
}

/** To send what was added while the rest was sent. */
const LAST_ADDS_TIMEOUT_MS = 500;
/** To settle, and to close the outbox, when the time to send has passed. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Sends what a queue holds before the process ends, and spills what there is no time for.
 *
 * After a signal, what is pending goes to `spillPath` at once, because nobody knows how much time there is. Then it is sent,
 * for at most `timeoutMs`, and the file goes away again with what was sent. After `process.exit` or an uncaught error
 * there is no time to send: what is pending is spilled, and so is what `close` has handed back as unsent. What an earlier
 * process spilled there is taken in now and sent with the ids it had, so what had arrived is dropped as a repetition; its
 * file is removed when all of it is accepted or rejected.
 *
 * Handlers of your own keep working. Where there is none for a signal, the queue takes nothing more in once it is drained,
 * and the process ends by that signal; where there is one, ending is its business. A second signal, of whatever kind, ends
 * the wait.
 *
 * In a worker thread this works when the main thread has called `drainOnExit` as well, for whatever queue: signals and
 * `process.exit` reach the main thread alone, and it passes them on. Otherwise the logger, or the console, is told so.
 *
 * @param queue - the queue to drain.
 * @param options - see {@link DrainOptions}.
 * @returns a function that takes all of it back.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 * @throws Error - when `spillPath` lies where nothing can be written, which is better known now. Nothing is changed then.
 */
export function drainOnExit(queue: EventQueue, options: DrainOptions = {}): () => void {
  checkOptions(options, { signals: "any", timeoutMs: "any", spillPath: "string" });
  const signals = requireSignals(options.signals ?? ["SIGTERM", "SIGINT"]);
  const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 5_000);
  const internals = internalsOfQueue(queue);
  const { sealAll, outbox, pending, telemetry } = internals;
  const leftovers = options.spillPath === undefined ? undefined : loadSpilled(internals, options.spillPath);
  let saidToBeLost = 0;
  let isFlushed = false;
  const drain: Drain = {
    signals,
    timeoutMs,
    async flush() {
      isFlushed = await queue.flush({ timeoutMs });
    },
    spill(isLast) {
      let rest: readonly StoredBatch[] = [];
      // An outbox has on disk what was added.
      if (outbox === undefined) {
        sealAll();
        rest = pending();
      }
      if (leftovers !== undefined) {
        leftovers.writeSpill(rest, isLast);
        return;
      }
      const lost = countEvents(rest);
      if (!isLast || lost === saidToBeLost) return;
      saidToBeLost = lost;
      telemetry.loss(
        `The process ends with ${String(lost)} events unsent; \`spillPath\` or an outbox would keep them.`,
      );
    },
    async close() {
      const closed = queue.close({ timeoutMs: isFlushed ? LAST_ADDS_TIMEOUT_MS : 0 });
      await Promise.race([closed, sleep(CLOSE_TIMEOUT_MS)]);
    },
    warn(message) {
      telemetry.loss(message);
    },
  };
  exitDrains().add(drain);
  return () => {
    exitDrains().delete(drain);
  };
}

function loadSpilled(queue: QueueInternals, path: string): Leftovers {
  // Resolved now: the process may change its folder. A slash at the end says that it is a folder.
  const files = new SpillFiles(/[\\/]$/.test(path) ? resolve(path) + sep : resolve(path), queue.apiKey);
  const leftovers = new Leftovers(queue, path, files);
  leftovers.loadSpilled();
  if (queue.outbox === undefined) {
    // While there is time: it would be compiled when there is none.
    queue.pending();
    leftovers.writeSpill([], false);
    files.rehearse();
  }
  return leftovers;
}

/** @throws TypeError - for what is no list of signals. */
function requireSignals(signals: readonly NodeJS.Signals[]): readonly NodeJS.Signals[] {
  if (Array.isArray(signals)) return signals.map(requireSignal);
  throw new TypeError(`\`signals\` is ${show(signals)}; expected a list of names, such as ["SIGTERM"].`);
}

/** @throws TypeError - for what is no signal, or one that nobody can listen for: it would never come. */
function requireSignal(signal: NodeJS.Signals): NodeJS.Signals {
  if (Object.hasOwn(constants.signals, signal) && signal !== "SIGKILL" && signal !== "SIGSTOP") return signal;
  throw new TypeError(
    `\`signals\` has ${show(signal)}; expected names of signals that can be handled, such as "SIGTERM".`,
  );
}
