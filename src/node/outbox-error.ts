import { MParticleError } from "../errors.ts";

/** What went wrong with an outbox, and what to do about it. */
export function outboxError(message: string, cause?: unknown): MParticleError {
  return new MParticleError("OUTBOX", `The outbox failed: ${message}`, { cause });
}
