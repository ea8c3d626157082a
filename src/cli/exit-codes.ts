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
  /** Clean as far as it went, but whoever read the output did not stay for all of it: 128 and the number of SIGPIPE. */
  cutOff: 141,
} as const;
