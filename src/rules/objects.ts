/** An object whose members are read with nothing vouching for them: payloads come from JavaScript as well. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether a value is an object that JSON writes in braces: neither null nor an array. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
