import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { resolve } from "node:path";
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
  /** Longest time to send what is pending after a signal, in milliseconds. `@default 10_000` */
  readonly timeoutMs?: number | undefined;
  /**
   * File that takes what could not be sent, for the next start to send. When there is one already, of a process that has
   * not ended or whose events are still unsent, a second one is written beside it. Without a path, and without an
   * outbox, what is pending at the very end is lost, and the client's logger, or the console, is told how much.
   */
  readonly spillPath?: string | undefined;
}

/**
 * Sends what a queue holds before the process ends, and spills what there is no time for.
 *
 * After a signal there is time: the queue is flushed, for at most `timeoutMs`. After `process.exit` or an uncaught error
 * there is none: what is pending goes to `spillPath` at once, and so does what `close` has handed back as unsent. What an
 * earlier process spilled there is taken in now and sent with the ids it had, so what had arrived is dropped as a
 * repetition; its file is removed when all of it is accepted or rejected.
 *
 * Handlers of your own keep working. Where there is none for a signal, the process ends by that signal once the queue
 * is drained; where there is one, ending is its business. A second signal, of whatever kind, ends the wait.
 *
 * @param queue - the queue to drain.
 * @param options - see {@link DrainOptions}.
 * @returns a function that takes all of it back.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 * @throws Error - when `spillPath` is a folder, a file that this function has not written, or lies where nothing can be
 * written, which is better known now. Nothing is changed then.
 */
export function drainOnExit(queue: EventQueue, options: DrainOptions = {}): () => void {
  checkOptions(options, { signals: "any", timeoutMs: "any", spillPath: "string" });
  const signals = requireSignals(options.signals ?? ["SIGTERM", "SIGINT"]);
  const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 10_000);
  const internals = internalsOfQueue(queue);
  const { sealAll, outbox, pending, telemetry } = internals;
  const leftovers = options.spillPath === undefined ? undefined : loadSpilled(internals, resolve(options.spillPath));
  const drain: Drain = {
    signals,
    flush: () => queue.flush({ timeoutMs }),
    spill() {
      let rest: readonly StoredBatch[] = [];
      // An outbox has on disk what was added.
      if (outbox === undefined) {
        sealAll();
        rest = pending();
      }
      if (leftovers !== undefined) leftovers.writeSpill(rest);
      else if (rest.length > 0) {
        telemetry.loss(
          `The process ends with ${String(countEvents(rest))} events unsent; \`spillPath\` or an outbox would keep them.`,
        );
      }
    },
  };
  exitDrains().add(drain);
  return () => {
    exitDrains().delete(drain);
  };
}

function loadSpilled(queue: QueueInternals, path: string): Leftovers {
  const leftovers = new Leftovers(queue, new SpillFiles(path, queue.apiKey));
  leftovers.loadSpilled();
  if (queue.outbox === undefined) rehearse(queue, path, leftovers);
  return leftovers;
}

/** Runs while there is time, on a file of its own, what runs at the end: half of a first time is spent on compiling it. */
function rehearse({ apiKey, pending }: QueueInternals, path: string, leftovers: Leftovers): void {
  pending();
  leftovers.writeSpill([]);
  const files = new SpillFiles(`${path}.rehearsal-${randomUUID()}`, apiKey);
  try {
    files.remove([files.write([{ requestId: "", context: "{}", events: ["{}"] }], [])]);
  } catch {
    // A disk that is full now may have room when it matters.
  }
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
