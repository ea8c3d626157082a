import { spawn } from "node:child_process";
import { bundleChild } from "./children/bundle.ts";

const dying = await bundleChild("dying");

/** How a process adds events, and how it is to die. */
export interface Life {
  readonly url: string;
  readonly way: string;
  readonly events: number;
  /** Of `drainOnExit`. */
  readonly timeoutMs?: number;
  readonly spillPath?: string | undefined;
  readonly outboxPath?: string | undefined;
  /** Sent once its events are added. */
  readonly signal?: NodeJS.Signals | undefined;
  /** When to send it once more, in milliseconds after the first one. */
  readonly again?: number;
}

/** What was seen of its end. */
export interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** From the moment the events were added. */
  readonly lastedMs: number;
}

/** Runs a process until it is dead. */
export function die(life: Life): Promise<Death> {
  const { url, way, events, timeoutMs = 1_500, spillPath = "", outboxPath = "", signal, again } = life;
  const child = spawn(process.execPath, [dying, url, String(events), way, String(timeoutMs), spillPath, outboxPath], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let addedAt = 0;
  const onOutput = (chunk: Buffer): void => {
    output += String(chunk);
    if (addedAt > 0 || !output.includes("added\n")) return;
    addedAt = performance.now();
    if (signal === undefined) return;
    child.kill(signal);
    if (again !== undefined) setTimeout(() => child.kill(signal), again);
  };
  child.stdout.on("data", onOutput);
  child.stderr.on("data", onOutput);
  return new Promise((resolve) => {
    child.on("close", (code, endedBy) => {
      resolve({ code, signal: endedBy, output, lastedMs: performance.now() - addedAt });
    });
  });
}
