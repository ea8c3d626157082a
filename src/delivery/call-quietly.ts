/** Calls what is not ours: it may throw, or give a promise that rejects, whatever its type says. */
export function callQuietly(run: () => unknown, complain: (error: unknown) => void): void {
  try {
    const result = run();
    if (result !== undefined) void Promise.resolve(result).catch(complain);
  } catch (error) {
    complain(error);
  }
}
