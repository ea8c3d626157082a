/** The piece of the transport that differs by runtime, for Node; chosen by `imports` in package.json. Twin of `platform-web.ts`. */
import { channel as diagnosticsChannel } from "node:diagnostics_channel";
import type { Fetch } from "./exchange.ts";
import { nodeFetch } from "./node-fetch.ts";

/**
 * `node:http(s)` with keep-alive: the global `fetch` costs ten times its CPU, opens a socket for each call in flight,
 * and takes 30 ms to load.
 */
export function createDefaultFetch(options: { readonly maxSockets: number }): Fetch {
  return nodeFetch(options);
}

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** Runs `task` once everything that is ready now has run. */
export function runSoon(task: () => void): void {
  setImmediate(task);
}

/** A channel of `node:diagnostics_channel`. */
export function channel(name: string): { readonly hasSubscribers: boolean; publish(message: object): void } {
  return diagnosticsChannel(name);
}

/** Lets the process end while the timer runs: {@link onIdleExit} tells when it is about to. */
export function unrefTimer(timer: unknown): void {
  (timer as NodeJS.Timeout).unref(); // what setTimeout gives here
}

const drains = new Set<() => void>();

function drainAll(): void {
  for (const drain of drains) drain();
}

/**
 * Calls `drain` whenever the process has nothing left to do and would end; what it starts keeps the process alive.
 *
 * @returns a function that takes the wish back.
 */
export function onIdleExit(drain: () => void): () => void {
  if (drains.size === 0) process.on("beforeExit", drainAll);
  drains.add(drain);
  return () => {
    drains.delete(drain);
    if (drains.size === 0) process.off("beforeExit", drainAll);
  };
}
