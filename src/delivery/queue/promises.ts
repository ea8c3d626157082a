/** Marks a rejection as handled: who awaits the promise is told, and the process does not end where nobody does. */
export function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}
