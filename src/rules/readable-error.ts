/**
 * What somebody else has thrown, or an error in its place where not even its message can be read: it may be anything, and
 * whoever tells of it must not fail with it.
 */
export function readableError(thrown: unknown): unknown {
  try {
    const isObject = typeof thrown === "object" && thrown !== null;
    const read = thrown instanceof Error ? thrown.message : String(thrown);
    // Looked for in every fault of the network.
    const code: unknown = isObject ? Reflect.get(thrown, "code") : undefined;
    return typeof read === "string" && typeof code !== "function" ? thrown : unreadable();
  } catch {
    return unreadable();
  }
}

function unreadable(): Error {
  return new Error("an error that cannot be read");
}
