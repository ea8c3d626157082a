/** Whoever awaits it is told; whoever does not must not end the process for it. */
export function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}
