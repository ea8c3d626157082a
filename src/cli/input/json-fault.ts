/** Where and why a text is no JSON. */
export interface JsonFault {
  /** Position of the first character that cannot stand where it does; the length of the text when it ends too early. */
  readonly offset: number;
  /** One sentence. */
  readonly message: string;
  /** Whether the text is the beginning of JSON: with more of it, it could be right. */
  readonly endsEarly: boolean;
}

/**
 * Finds the first fault of a text that `JSON.parse` refuses. The runtime's own message names no position for some
 * faults, and words them for programmers.
 *
 * @returns `undefined` when the text is one JSON value.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.readDocument();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return { offset: error.offset, message: error.message, endsEarly: error.endsEarly };
    // Nesting that exhausts the stack.
    if (error instanceof RangeError) return { offset: 0, message: "it is nested too deeply.", endsEarly: false };
    throw error;
  }
}

class Fault extends Error {
  readonly offset: number;
  readonly endsEarly: boolean;

  constructor(message: string, offset: number, endsEarly: boolean) {
    super(message);
    this.offset = offset;
    this.endsEarly = endsEarly;
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[\p{L}\p{N}_$+-]+/uy;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
/** More digits would make a number of it. */
const CUT_NUMBER = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE][+-]?)?)?$/;
const MAX_SHOWN = 400;
const WORDS = ["true", "false", "null"];

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): void {
    this.#value();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the line");
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #value(): void {
    this.#skip(SPACE);
    const next = this.#peek();
    if (next === "{") this.#object();
    else if (next === "[") this.#array();
    else if (next === '"') this.#string();
    else if (next === "-" || /\d/.test(next)) this.#number();
    else this.#word();
    this.#skip(SPACE);
  }

  #object(): void {
    const start = this.#at++;
    this.#skip(SPACE);
    if (this.#closes("}")) return;
    for (;;) {
      this.#skip(SPACE);
      if (this.#peek() !== '"') throw this.#unexpected("a key in double quotes");
      this.#string();
      this.#skip(SPACE);
      if (this.#peek() !== ":") throw this.#unexpected("a colon after the key");
      this.#at++;
      this.#value();
      if (this.#closes("}")) return;
      if (this.#peek() !== ",") throw this.#unexpected(`a comma, or the } of the { at character ${String(start + 1)}`);
      this.#at++;
    }
  }

  #array(): void {
    const start = this.#at++;
    this.#skip(SPACE);
    if (this.#closes("]")) return;
    for (;;) {
      this.#value();
      if (this.#closes("]")) return;
      if (this.#peek() !== ",") throw this.#unexpected(`a comma, or the ] of the [ at character ${String(start + 1)}`);
      this.#at++;
    }
  }

  #closes(bracket: string): boolean {
    if (this.#peek() !== bracket) return false;
    this.#at++;
    return true;
  }

  #string(): void {
    const start = this.#at++;
    for (;;) {
      this.#skip(PLAIN);
      const next = this.#peek();
      if (next === "") {
        throw new Fault(`the text that begins at character ${String(start + 1)} has no end.`, this.#text.length, true);
      }
      if (next === '"') {
        this.#at++;
        return;
      }
      if (next !== "\\") throw this.#fault("a control character within a text; write it as an escape, such as \\n.");
      const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
      if (this.#skip(escape) !== "") continue;
      const isCut = /^\\(?:u[0-9a-fA-F]{0,3})?$/.test(this.#text.slice(this.#at));
      if (isCut) throw new Fault("it ends within an escape.", this.#text.length, true);
      throw this.#fault("a backslash that begins no escape; write \\\\ for the character itself.");
    }
  }

  #number(): void {
    const start = this.#at;
    this.#skip(NUMBER);
    if (!/[\w.+-]/.test(this.#peek()) && this.#at > start) return;
    if (CUT_NUMBER.test(this.#text.slice(start, start + MAX_SHOWN))) {
      throw new Fault("it ends within a number.", this.#text.length, true);
    }
    throw this.#fault("a number that is not written as JSON writes numbers.");
  }

  #word(): void {
    const start = this.#at;
    const word = this.#skip(WORD);
    if (WORDS.includes(word)) return;
    this.#at = start;
    const isCut = start + word.length === this.#text.length && WORDS.some((one) => one.startsWith(word));
    if (isCut) throw new Fault("it ends where a value belongs.", this.#text.length, true);
    throw this.#unexpected("a value");
  }

  #unexpected(expected: string): Fault {
    const found = this.#skip(WORD) || Array.from(this.#text.slice(this.#at, this.#at + 2))[0];
    if (found === undefined) return new Fault(`it ends where ${expected} belongs.`, this.#text.length, true);
    const start = this.#text.lastIndexOf(found, this.#at);
    const shown = found.length > 20 ? `${found.slice(0, 20)}…` : found;
    return new Fault(`expected ${expected}, found ${JSON.stringify(shown)}.`, start, false);
  }

  #fault(message: string): Fault {
    return new Fault(message, this.#at, false);
  }
}
