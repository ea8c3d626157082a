/**
 * What somebody else has thrown, or an error in its place where not even its message can be read: it may be anything, and
 * whoever tells of it must not fail with it.
 */
export function readableError(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) {
      void String(thrown);
      if (typeof thrown === "object" && thrown !== null) void Reflect.get(thrown, "code");
      return thrown;
    }
    const { message, code }: { message: unknown; code?: unknown } = thrown;
    void code;
    return typeof message === "string" ? thrown : UNREADABLE();
  } catch {
    return UNREADABLE();
  }
}

const UNREADABLE = (): Error => new Error("an error that cannot be read");
