const PREFIX = "id-";

/**
 * The id of a batch's job. BullMQ takes neither a colon nor digits alone, and drops a job whose id it has already.
 *
 * @returns the `source_request_id` itself where it can, as it does for UUIDs, and else an encoding of it.
 */
export function jobIdOf(requestId: string): string {
  const isPlain = /^[\w.-]+$/.test(requestId) && !/^\d+$/.test(requestId) && !requestId.startsWith(PREFIX);
  return isPlain ? requestId : `${PREFIX}${encodeURIComponent(requestId.replace(/\p{Surrogate}/gu, "\uFFFD"))}`;
}
