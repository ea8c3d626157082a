/** The piece of the transport that differs by runtime, for Node; chosen by `imports` in package.json. Twin of `platform-web.ts`. */
import type { Fetch } from "./exchange.ts";
import { nodeFetch } from "./node-fetch.ts";
import { clearTimeout, setImmediate, setTimeout } from "./node-timers.ts";

// Not imported: each module of Node that is costs a start a third of a millisecond more, for a list of what it exports.
const { AsyncResource } = process.getBuiltinModule("node:async_hooks");
const { channel: diagnosticsChannel, subscribe, unsubscribe } = process.getBuiltinModule("node:diagnostics_channel");

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

/**
 * Hears what is published on a channel of `node:diagnostics_channel`.
 *
 * @returns a function that ends it.
 */
export function onMessage(name: string, listener: (message: unknown) => void): () => void {
  subscribe(name, listener);
  return () => {
    unsubscribe(name, listener);
  };
}

/** The values of every `AsyncLocalStorage` as they are now; what is returned runs a task with them. */
export function captureContext(): <Result>(task: () => Result) => Result {
  // `AsyncLocalStorage.snapshot` does the same and costs many times as much.
  const resource = new AsyncResource("mparticle-events", { requireManualDestroy: true });
  return (task) => resource.runInAsyncScope(task);
}

/**
 * Milliseconds of a monotonic clock, the one that was there when this was loaded: see `node-timers.ts`. It is the global
 * one, because `node:perf_hooks` takes as long to load as a quarter of this package.
 */
export const now = /* @__PURE__ */ performance.now.bind(performance);

/**
 * Calls `callback` after a while.
 *
 * @param idle - lets the process end meanwhile: {@link onIdleExit} tells when it is about to.
 * @returns a function that takes it back.
 */
export function startTimer(callback: () => void, delayMs: number, idle?: "idle"): () => void {
  const timer = setTimeout(callback, delayMs);
  if (idle) timer.unref();
  return () => {
    clearTimeout(timer);
  };
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
