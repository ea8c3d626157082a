/** Whether the exhaustive forms of the tests were asked for: `npm run test:full` does. */
export const FULL = process.env["FULL"] !== undefined;

/**
 * Chooses how much of something a test does, so that `npm test` is quick and nothing that can be proved gets lost.
 *
 * @param usual - what `npm test` does, such as a number of runs.
 * @param exhaustive - what `npm run test:full` does.
 */
export function full<Value>(usual: Value, exhaustive: Value): Value {
  return FULL ? exhaustive : usual;
}

/**
 * Defines tests for `npm run test:full` alone: each starts processes, or works for seconds, and shows a variant of what a
 * neighbour shows.
 */
export function onlyInFull(define: () => void): void {
  if (FULL) define();
}
