import { captureContext } from "#platform";
import type { EndpointPath } from "../transport/hosts.ts";
import { callQuietly } from "./call-quietly.ts";
import type { AttemptReport } from "./telemetry.ts";

/** Runs a task in an async context that was captured before. */
export type RunInContext = <Result>(task: () => Result) => Result;

/**
 * Runs a task in the async context in which the package was loaded. What one request starts on behalf of many, such as a
 * timer, must not run in the context of that request.
 */
export const runOutside: RunInContext = /* @__PURE__ */ captureContext();

/** What is known of a request before it is made. */
export interface AttemptFacts {
  readonly path: EndpointPath;
  /** 1 for the first. */
  readonly attempt: number;
  readonly requestIds: readonly string[];
  /** Bytes of the body. */
  readonly bytes: number;
  /** The contexts of those who handed over what is sent, where they are not the context of the request itself. */
  readonly origins: readonly RunInContext[];
}

/**
 * The message of the channel `mparticle-events:attempt-start`: a request that is about to be made. A subscriber may
 * choose the context it is made in, and be told of its end.
 */
export class AttemptStart {
  readonly path: EndpointPath;
  readonly attempt: number;
  readonly requestIds: readonly string[];
  readonly bytes: number;
  readonly origins: readonly RunInContext[];
  readonly #around: ((send: () => void) => void)[] = [];
  readonly #endListeners: ((report: AttemptReport) => void)[] = [];

  constructor({ path, attempt, requestIds, bytes, origins }: AttemptFacts) {
    this.path = path;
    this.attempt = attempt;
    this.requestIds = requestIds;
    this.bytes = bytes;
    this.origins = origins;
  }

  /** @param around - calls `send` at once, in the context in which the request is to be made. */
  runIn(around: (send: () => void) => void): void {
    this.#around.push(around);
  }

  /** @param listener - called once, when the request has ended. */
  onEnd(listener: (report: AttemptReport) => void): void {
    this.#endListeners.push(listener);
  }

  /** Makes the request, exactly once, whatever the subscribers do. */
  run<Result>(send: () => Result, complain: (error: unknown) => void): Result {
    const results: Result[] = [];
    let go = (): void => {
      if (results.length === 0) results.push(send());
    };
    const sendOnce = go;
    for (const around of this.#around) {
      const inner = go;
      go = () => {
        around(inner);
      };
    }
    callQuietly(go, complain);
    sendOnce();
    const [result] = results as [Result]; // sent by now
    return result;
  }

  /** Tells of the end. */
  end(report: AttemptReport, complain: (error: unknown) => void): void {
    for (const listener of this.#endListeners) {
      callQuietly(() => {
        listener(report);
      }, complain);
    }
  }
}
