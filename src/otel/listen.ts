import { onMessage } from "#platform";
import { callQuietly } from "../delivery/call-quietly.ts";
import type { AttemptStart } from "../delivery/attempt-start.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { AttemptReport, PauseReport, RetryReport } from "../delivery/telemetry.ts";
import { tellConsole } from "../rules/tell-console.ts";

/** What is published on each channel of the package. */
interface Messages {
  readonly "attempt-start": AttemptStart;
  readonly attempt: AttemptReport;
  readonly retry: RetryReport;
  readonly pause: PauseReport;
  readonly outcome: Outcome;
}

/** What OpenTelemetry is made of is the application's own: a processor that throws is told of once. */
let hasSaidSo = false;

/**
 * Listens to a channel of the package. Node ends the process for a listener that throws.
 *
 * @returns a function that ends it.
 */
export function listen<Topic extends keyof Messages>(
  topic: Topic,
  listener: (message: Messages[Topic]) => void,
): () => void {
  return onMessage(`mparticle-events:${topic}`, (message) => {
    callQuietly(() => {
      listener(message as Messages[Topic]); // as the package publishes it
    }, complain);
  });
}

function complain(error: unknown): void {
  if (hasSaidSo) return;
  hasSaidSo = true;
  tellConsole("warn", "mparticle-events: OpenTelemetry threw while something was recorded. This is said once.", error);
}
