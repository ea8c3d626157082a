import { MParticleError } from "../../errors.ts";

/** @param requestIds - of the batch that was not sent, where it is about one. */
export function closedError(requestIds?: readonly string[]): MParticleError {
  return new MParticleError("CLOSED", "The queue was closed before this was accepted; sending it again is safe.", {
    requestIds,
  });
}

/** @param requestId - of the batch that is dropped, if it is not what is new. */
export function overflowError(bytes: number, heldBytes: number, maxBytes: number, requestId?: string): MParticleError {
  const held = `${String(heldBytes)} of \`maxBufferedBytes\` ${String(maxBytes)}`;
  return new MParticleError("OVERFLOW", `No room for ${String(bytes)} bytes more: ${held} are held.`, {
    requestIds: requestId === undefined ? [] : [requestId],
  });
}
