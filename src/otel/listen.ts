import { onMessage } from "#platform";
import type { AttemptStart } from "../delivery/attempt-start.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { AttemptReport, PauseReport, RetryReport } from "../delivery/telemetry.ts";

/** What is published on each channel of the package. */
interface Messages {
  readonly "attempt-start": AttemptStart;
  readonly attempt: AttemptReport;
  readonly retry: RetryReport;
  readonly pause: PauseReport;
  readonly outcome: Outcome;
}

/**
 * Listens to a channel of the package.
 *
 * @returns a function that ends it.
 */
export function listen<Topic extends keyof Messages>(
  topic: Topic,
  listener: (message: Messages[Topic]) => void,
): () => void {
  return onMessage(`mparticle-events:${topic}`, (message) => {
    listener(message as Messages[Topic]); // as the package publishes it
  });
}
