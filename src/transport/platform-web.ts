/** The piece of the transport that differs by runtime, for every runtime but Node; `platform-node.ts` is its twin. */
import type { Fetch } from "./exchange.ts";

/** The runtime's own `fetch`, looked up at each call so that one installed later is seen. */
export function createDefaultFetch(_options: { readonly maxSockets: number }): Fetch {
  return (request) => globalThis.fetch(request);
}

const encoder = /* @__PURE__ */ new TextEncoder();
const scratch = /* @__PURE__ */ new Uint8Array(65_536);

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let rest = text; rest !== "";) {
    const { read, written } = encoder.encodeInto(rest, scratch);
    bytes += written;
    rest = rest.slice(read);
  }
  return bytes;
}

/**
 * As they are when this is loaded: fake timers of a test put others in their place, in which no time passes until the
 * test says so.
 */
const { clearTimeout, setTimeout } = globalThis;

/** Milliseconds of a monotonic clock. */
export const now = /* @__PURE__ */ performance.now.bind(performance);

/** Runs `task` once everything that is ready now has run. */
export function runSoon(task: () => void): void {
  setTimeout(task, 0);
}

/** There are no diagnostics channels here. */
export function channel(_name: string): { readonly hasSubscribers: boolean; publish(message: object): void } {
  return { hasSubscribers: false, publish: () => undefined };
}

/** There are no diagnostics channels here. */
export function onMessage(_name: string, _listener: (message: unknown) => void): () => void {
  return () => undefined;
}

/** There is no context to capture here. */
export function captureContext(): <Result>(task: () => Result) => Result {
  return (task) => task();
}

/**
 * Calls `callback` after a while.
 *
 * @param _idle - where nothing tells of the end, the timer has to keep the program alive until what it waits for is sent.
 * @returns a function that takes it back.
 */
export function startTimer(callback: () => void, delayMs: number, _idle?: "idle"): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => {
    clearTimeout(timer);
  };
}

/** Other runtimes do not tell when they are about to end. */
export function onIdleExit(_drain: () => void): () => void {
  return () => undefined;
}
