/**
 * A batch may end the process that works on it, such as by a callback that is told of it. Nobody can note that down
 * afterwards, so a worker notes down before it begins, of batches whose workers have ended, that this one may end as well.
 */

/** A batch whose workers ended so often while it was the only such batch on its way is a dead letter. */
export const MOST_DEATHS = 3;

/** Why it is one, for people. */
export const DEATHS_REASON = `Its workers ended ${String(MOST_DEATHS)} times while they worked on this batch, which may have been accepted. Look at what \`onOutcome\` does with it.`;
