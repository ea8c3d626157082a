/** How a command ends, for scripts; the same for all of them. */
export const EXIT = {
  /** Nothing to say. */
  clean: 0,
  /** Something was found, or batches were rejected: mend them. */
  findings: 1,
  /** The command was called wrongly, or there was nothing to work on. */
  wrongUse: 2,
  /** Batches were not delivered, or the run was interrupted: run it again. */
  undelivered: 3,
} as const;
