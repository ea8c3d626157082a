import { isUtf8 } from "node:buffer";

/** The text of one value, and where it begins. */
export interface JsonPart {
  /** 1 for the first. */
  readonly line: number;
  /** In characters, 1 for the first. */
  readonly column: number;
  /** `undefined` when there is none to be had: see `fault`. */
  readonly text: string | undefined;
  readonly fault?: "too-long" | "not-utf8" | "array-without-end" | undefined;
}

const [QUOTE, BACKSLASH, LINE_FEED, COMMA, COLON] = [0x22, 0x5c, 0x0a, 0x2c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;
}

/**
 * Cuts JSON into the texts of its batches, without reading them: the members of an array, or values one after the
 * other, on as many lines as they like. Knows brackets and texts only, so that ids stay as they are written.
 *
 * A value that is broken costs that value where its end can be found: a text ends at the line, because JSON has no line
 * breaks in texts; and an object whose bracket is missing ends where something stands that no object may hold.
 */
export class JsonSplitter {
  readonly #maxBytes: number;
  #parts: JsonPart[] = [];
  #line = 1;
  /** Of the byte that is looked at. */
  #column = 0;
  /** Whether the values are members of an array. */
  #inArray = false;
  /** The array that was not closed when the text ended. */
  #arrayAt = { line: 1, column: 1 };

  /** The value that is being read; `undefined` between two. */
  #value: { line: number; column: number; bytes: number; kept: Buffer[]; isScalar: boolean } | undefined;
  /** Its brackets that are open. */
  readonly #open: number[] = [];
  #inText = false;
  #escaped = false;
  /** A text of the value was not closed on its line. */
  #textBroke = false;
  /** The last byte outside of texts that is no space. */
  #last = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes; gives the values that end in them. */
  push(chunk: Buffer): readonly JsonPart[] {
    this.#parts = [];
    let start = this.#value === undefined ? -1 : 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      // All but the bytes that continue a character.
      if ((byte & 0xc0) !== 0x80) this.#column++;
      if (this.#inText) {
        this.#stepInText(byte);
      } else if (this.#value === undefined) {
        if (this.#begins(byte)) start = at;
      } else {
        const end = this.#step(byte);
        if (end !== "goes-on") {
          this.#end(chunk.subarray(start, end === "with-it" ? at + 1 : at));
          start = -1;
          // What ended the value may begin the next one, or end the array.
          if (end === "before-it" && this.#begins(byte)) start = at;
        }
      }
      if (byte === LINE_FEED) {
        this.#line++;
        this.#column = 0;
      }
    }
    if (this.#value !== undefined) this.#keep(chunk.subarray(start));
    return this.#parts;
  }

  /** There are no more bytes; gives what was not complete. */
  end(): readonly JsonPart[] {
    this.#parts = [];
    if (this.#value !== undefined) this.#end(Buffer.alloc(0));
    if (this.#inArray) this.#parts.push({ ...this.#arrayAt, text: undefined, fault: "array-without-end" });
    return this.#parts;
  }

  /** Between two values: whether one begins here. */
  #begins(byte: number): boolean {
    if (isSpace(byte) || byte === COMMA) return false;
    if (byte === OPEN_BRACKET && !this.#inArray) {
      this.#inArray = true;
      this.#arrayAt = { line: this.#line, column: this.#column };
      return false;
    }
    if (byte === CLOSE_BRACKET && this.#inArray) {
      this.#inArray = false;
      return false;
    }
    const opens = byte === OPEN_BRACE || byte === OPEN_BRACKET;
    this.#value = { line: this.#line, column: this.#column, bytes: 0, kept: [], isScalar: !opens };
    this.#open.length = 0;
    if (opens) this.#open.push(byte);
    this.#inText = byte === QUOTE;
    this.#textBroke = false;
    this.#last = byte;
    return true;
  }

  #stepInText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inText = false;
    if (byte !== LINE_FEED) return;
    this.#inText = false;
    this.#escaped = false;
    this.#textBroke = true;
  }

  /** Within a value, outside of its texts: whether it ends, with this byte or before it. */
  #step(byte: number): "goes-on" | "with-it" | "before-it" {
    if (this.#value?.isScalar === true) {
      if (byte === QUOTE) this.#inText = true;
      const ends = [COMMA, CLOSE_BRACKET, OPEN_BRACE, OPEN_BRACKET, LINE_FEED].includes(byte);
      return ends ? "before-it" : "goes-on";
    }
    switch (byte) {
      case QUOTE:
        this.#inText = true;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (this.#wasLeftOpen()) return "before-it";
        this.#open.push(byte);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET: {
        const opening = byte === CLOSE_BRACE ? OPEN_BRACE : OPEN_BRACKET;
        const depth = this.#open.lastIndexOf(opening);
        // The end of the array, in a value whose own bracket is missing.
        if (depth === -1 && byte === CLOSE_BRACKET && this.#inArray) return "before-it";
        // What is open within what is closed lacks its bracket: the value is broken, and ends where it would have.
        this.#open.length = depth === -1 ? this.#open.length - 1 : depth;
        if (this.#open.length === 0) return "with-it";
        break;
      }
      default:
        if (isSpace(byte)) return "goes-on";
    }
    this.#last = byte;
    return "goes-on";
  }

  /** A bracket opens where none can: an object holds one behind a colon alone. */
  #wasLeftOpen(): boolean {
    const isInObject = this.#open[this.#open.length - 1] === OPEN_BRACE;
    if (!isInObject || this.#last === COLON) return false;
    // Deeper down it may as well belong to the same value; unless a text had no end, for then its brackets are lost.
    return this.#open.length === 1 || this.#textBroke;
  }

  #keep(bytes: Buffer): void {
    const value = this.#value;
    if (value === undefined) return;
    value.bytes += bytes.length;
    if (value.bytes > this.#maxBytes) value.kept = [];
    else value.kept.push(bytes);
  }

  #end(last: Buffer): void {
    this.#keep(last);
    const value = this.#value;
    if (value === undefined) return;
    const { line, column, bytes, kept } = value;
    this.#value = undefined;
    this.#inText = false;
    this.#escaped = false;
    const whole = kept.length === 1 ? kept[0] : Buffer.concat(kept);
    if (bytes > this.#maxBytes) this.#parts.push({ line, column, text: undefined, fault: "too-long" });
    else if (whole === undefined || !isUtf8(whole)) {
      this.#parts.push({ line, column, text: undefined, fault: "not-utf8" });
    } else this.#parts.push({ line, column, text: whole.toString("utf8").trimEnd() });
  }
}
