/** Takes the secret out of what others say: of answers, and of errors that may hold the whole request. */
export class Redaction {
  readonly #secrets: readonly string[];
  /** Made for the first error. */
  #pattern: RegExp | undefined;

  /**
   * @param secret - of the input.
   * @param authorization - the header that holds it, `Basic …`.
   */
  constructor(secret: string, authorization: string) {
    // Base64 is also written without its padding.
    const basic = authorization.replace(/^Basic /, "").replace(/=+$/, "");
    this.#secrets = [`${patternOf(basic)}=*`, patternOf(secret)];
  }

  /** The text, with `[redacted]` in place of the secret and of its Basic form. */
  redact(text: string): string {
    this.#pattern ??= new RegExp(this.#secrets.join("|"), "gu");
    return text.replace(this.#pattern, "[redacted]");
  }

  /** What is worth knowing of an error: a parse error of Node holds the request, and others hold what they like. */
  copyError(error: unknown, depth = 0): unknown {
    try {
      if (!(error instanceof Error)) return this.redact(String(error));
      const copy = new Error(this.redact(error.message));
      copy.name = this.redact(error.name);
      if (error.stack !== undefined) copy.stack = this.redact(error.stack);
      for (const name of KEPT) {
        const value: unknown = Reflect.get(error, name);
        if (typeof value === "number") Object.assign(copy, { [name]: value });
        else if (typeof value === "string") Object.assign(copy, { [name]: this.redact(value) });
      }
      if (depth >= MAX_DEPTH) return copy;
      if (error.cause !== undefined) copy.cause = this.copyError(error.cause, depth + 1);
      // `fetch` hides the code of a fault in the cause of its TypeError.
      if (!("code" in copy) && copy.cause instanceof Error && "code" in copy.cause)
        Object.assign(copy, { code: copy.cause.code });
      const errors: unknown = Reflect.get(error, "errors");
      if (Array.isArray(errors)) {
        const copies = errors.slice(0, MAX_ERRORS).map((one) => this.copyError(one, depth + 1));
        Object.assign(copy, { errors: copies });
      }
      return copy;
    } catch {
      return new Error("an error that cannot be read");
    }
  }
}

/** What Node says of a fault of the network. */
const KEPT = ["code", "syscall", "address", "port", "hostname", "reason"] as const;
const MAX_DEPTH = 4;
const MAX_ERRORS = 10;

/** A shorter one is likely to be a part of ordinary words, and is looked for as a word. */
const MIN_LENGTH_IN_WORDS = 8;

function patternOf(secret: string): string {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return secret.length < MIN_LENGTH_IN_WORDS ? `(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])` : literal;
}
