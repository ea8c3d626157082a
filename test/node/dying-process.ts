import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { EventQueue, EventsClient } from "mparticle-events";
import { drainOnExit, sqliteOutbox } from "mparticle-events/node";
import type { FakeServer } from "../../src/testing/testing.ts";
import { FULL } from "../full.ts";
import { bundleChild } from "../bundle-child.ts";
import { pathOf } from "./path-of-queue.ts";

/** The program that dies, of the file of tests that prepared it last: files share a process, one after the other. */
export let dying = "";

/** Called by each file of tests that lets processes die: the program is there until its end. */
export async function prepareDying(): Promise<void> {
  dying = await bundleChild(new URL("children/dying.ts", import.meta.url));
}

/** How a process adds events, and how it is to die. */
export interface Life {
  readonly url: string;
  readonly way:
    | "exit"
    | "throw"
    | "reject"
    | "end"
    | "plain-end"
    | "signal"
    | "handler"
    | "once-handler"
    | "signal-exit"
    | "close"
    | "closing"
    | "waiting";
  readonly events: number;
  /** About how large each is. */
  readonly eventBytes?: number;
  /** Of `drainOnExit`. */
  readonly timeoutMs?: number;
  /** Among which the events are divided; the paths of those after the first have a number. */
  readonly queues?: number;
  readonly spillPath?: string | undefined;
  readonly outboxPath?: string | undefined;
  /** Of the client's retries. */
  readonly maxElapsedMs?: number;
  /** Whether the application has listeners for the end that throw, in front of the package's own and behind. */
  readonly throwAtExit?: boolean;
  /** Of each queue. */
  readonly maxBufferedBytes?: number;
  /** Sent once its events are added. */
  readonly signal?: NodeJS.Signals | undefined;
  /** One more, some time after the first one. */
  readonly again?: { readonly signal: NodeJS.Signals; readonly afterMs: number };
  /** Largest size of a file it may write, in bytes. */
  readonly maxFileBytes?: number;
}

/** What was seen of its end. */
export interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** From the moment the events were added. */
  readonly lastedMs: number;
}

/** A process that lives. */
export interface Living {
  /** Resolves when its events are added. */
  readonly added: Promise<void>;
  readonly death: Promise<Death>;
  kill(signal: NodeJS.Signals): void;
}

/** What a process shares with those before it and after it. */
export type Place = Pick<Life, "url" | "queues" | "spillPath" | "outboxPath" | "maxElapsedMs">;

/**
 * Does what the next process does that comes after the dead: takes in what they left, and delivers it. This process is as
 * good as any that did not leave it; asked for the exhaustive forms, it is one that starts and ends for that.
 */
export async function follow(place: Place): Promise<void> {
  if (FULL) {
    expect(await die({ ...place, way: "end", events: 0 })).toMatchObject({ code: 0 });
    return;
  }
  const { url, queues = 1, maxElapsedMs } = place;
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const retry = { maxElapsedMs, baseDelayMs: 10 };
  const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: url, logger, retry });
  for (let n = 0; n < queues; n++) {
    const outboxPath = pathOf(place.outboxPath, n);
    const outbox = outboxPath === undefined ? undefined : sqliteOutbox(outboxPath);
    const queue = new EventQueue(client, { flushIntervalMs: 60_000, outbox });
    const stop = drainOnExit(queue, { spillPath: pathOf(place.spillPath, n) });
    await queue.flush();
    await queue.close();
    stop();
  }
}

function ignore(): void {
  // What the next process says of what it found is not asked.
}

/** Runs a process until it is dead. */
export function die(life: Life): Promise<Death> {
  return live(life).death;
}

/** Lets a service answer that did not: what the dead have sent and is still on its way must not be answered as well. */
export async function comeBack(service: FakeServer): Promise<void> {
  do await sleep(20);
  while (service.sockets.open > 0);
  service.script(202);
}

/** Starts a process. */
export function live(life: Life): Living {
  const { signal, again, maxFileBytes } = life;
  const program = [process.execPath, dying, JSON.stringify(life)];
  // In blocks of 512 bytes.
  const limit = `ulimit -f ${String((maxFileBytes ?? 0) / 512)}; exec "$0" "$@"`;
  return watch(maxFileBytes === undefined ? program : ["sh", "-c", limit, ...program], (child) => {
    if (signal === undefined) return;
    child.kill(signal);
    if (again !== undefined) setTimeout(() => child.kill(again.signal), again.afterMs);
  });
}

/** Starts a program that prints "added", and watches it die. */
export function watch(
  [command = "", ...args]: readonly string[],
  onAdded: (child: ChildProcess) => void = () => {},
): Living {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let addedAt = 0;
  let tellAdded = (): void => {};
  const added = new Promise<void>((resolve) => (tellAdded = resolve));
  const onOutput = (chunk: Buffer): void => {
    output += String(chunk);
    if (addedAt > 0 || !output.includes("added\n")) return;
    addedAt = performance.now();
    tellAdded();
    onAdded(child);
  };
  child.stdout.on("data", onOutput);
  child.stderr.on("data", onOutput);
  const death = new Promise<Death>((resolve) => {
    child.on("close", (code, endedBy) => {
      resolve({ code, signal: endedBy, output, lastedMs: performance.now() - addedAt });
    });
  });
  return { added, death, kill: (signal) => child.kill(signal) };
}

/** Why this process can start none that is process 1 of a namespace; undefined when it can. */
export function whyNoNamespace(): string | undefined {
  try {
    execFileSync("unshare", ["--pid", "--fork", "true"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `needs the right to make a namespace: ${String(error)}`;
  }
}
