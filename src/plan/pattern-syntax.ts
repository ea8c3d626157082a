/** The structure of a regular expression, as far as it decides how long matching takes. */
export type PatternNode =
  | { readonly kind: "char"; readonly source: string }
  | { readonly kind: "sequence"; readonly items: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly items: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly body: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: "assert"; readonly at: "start" | "end" | "word" | "not-word" }
  /** A lookaround: `body` is what it looks for. */
  | { readonly kind: "look"; readonly body: PatternNode }
  /** A back reference, or syntax that is newer than this reader. */
  | { readonly kind: "other" };

/** Groups within groups beyond it are not read: whoever nests that deep means harm. */
const MAX_DEPTH = 100;

/**
 * Reads an expression that `RegExp` has accepted already, so nothing here looks for mistakes.
 *
 * @returns undefined when groups are nested too deep.
 */
export function readPattern(source: string): PatternNode | undefined {
  const reader = new PatternReader(source);
  const node = reader.choice(0);
  return reader.tooDeep ? undefined : node;
}

class PatternReader {
  readonly #source: string;
  #at = 0;
  tooDeep = false;

  constructor(source: string) {
    this.#source = source;
  }

  choice(depth: number): PatternNode {
    if (depth > MAX_DEPTH) {
      this.tooDeep = true;
      this.#at = this.#source.length;
      return { kind: "other" };
    }
    const items = [this.#sequence(depth)];
    while (this.#take("|")) items.push(this.#sequence(depth));
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "choice", items };
  }

  #sequence(depth: number): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#peek())) items.push(this.#repeated(this.#atom(depth)));
    return { kind: "sequence", items };
  }

  #repeated(body: PatternNode): PatternNode {
    const rest = this.#source.slice(this.#at, this.#at + 40);
    const [text, symbol = "", least, comma, most] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(rest) ?? [""];
    if (text === "") return body;
    this.#at += text.length;
    if (symbol !== "") {
      return { kind: "repeat", body, min: symbol === "+" ? 1 : 0, max: symbol === "?" ? 1 : Infinity };
    }
    const min = Number(least);
    return { kind: "repeat", body, min, max: most !== "" ? Number(most) : comma === "" ? min : Infinity };
  }

  #atom(depth: number): PatternNode {
    const start = this.#at;
    const char = this.#peek();
    if (char === "(") return this.#group(depth);
    if (char === "^" || char === "$") {
      this.#at++;
      return { kind: "assert", at: char === "^" ? "start" : "end" };
    }
    if (char === "[") {
      this.#at++;
      if (this.#peek() === "^") this.#at++;
      for (; this.#at < this.#source.length && this.#peek() !== "]"; this.#at++) if (this.#peek() === "\\") this.#at++;
      this.#at++;
    } else if (char === "\\") {
      const [escape = "\\"] =
        /^\\(?:u\{[^}]*\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[pP]\{[^}]*\}|k<[^>]*>|c[a-z]|[1-9]\d*|[^])/i.exec(
          this.#source.slice(this.#at, this.#at + 100),
        ) ?? [];
      this.#at += escape.length;
      if (escape === "\\b" || escape === "\\B") return { kind: "assert", at: escape === "\\b" ? "word" : "not-word" };
      if (/^\\[1-9k]/.test(escape)) return { kind: "other" };
    } else {
      // A pair of surrogates is two characters to an expression without the flag `u`, and one to an expression with it.
      this.#at++;
    }
    return { kind: "char", source: this.#source.slice(start, this.#at) };
  }

  #group(depth: number): PatternNode {
    const [opening = "("] = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?/.exec(
      this.#source.slice(this.#at, this.#at + 100),
    ) ?? ["("];
    this.#at += opening.length;
    const body = this.choice(depth + 1);
    this.#take(")");
    if (/[=!]$/.test(opening)) return { kind: "look", body };
    return /^\(\?[a-z-]+:/.test(opening) ? { kind: "sequence", items: [{ kind: "other" }, body] } : body;
  }

  #peek(): string {
    return this.#source[this.#at] ?? "";
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }
}
