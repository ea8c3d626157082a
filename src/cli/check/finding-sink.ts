import type { Finding } from "../../errors.ts";
import { formatPlace, type Place } from "../input/entry.ts";
import type { Output } from "../terminal.ts";
import { oneLine, printable } from "../printable.ts";

/** A finding, and where in the files it is. */
export interface PlacedFinding extends Finding {
  readonly place: Place;
}

/** Takes findings as they are made, and writes them in one form. */
export interface FindingSink {
  /** A file of which nothing may be found. */
  file?(name: string): void | Promise<void>;
  add(finding: PlacedFinding): void | Promise<void>;
  end?(): void | Promise<void>;
}

/** `file:line path code message hint`, for people and for `grep`. The batch itself has the path `/`. */
export class LineSink implements FindingSink {
  readonly #write: Writer;

  constructor(output: Output) {
    this.#write = new Writer(output);
  }

  add({ place, path, code, message, hint }: PlacedFinding): Promise<void> | undefined {
    const words = [formatPlace(place), path === "" ? "/" : path, code, message, ...(hint === undefined ? [] : [hint])];
    return this.#write.line(words.map(oneLine).join(" "));
  }

  end(): Promise<void> {
    return this.#write.end();
  }
}

/** Each finding as a line of JSON. */
export class JsonSink implements FindingSink {
  readonly #write: Writer;

  constructor(output: Output) {
    this.#write = new Writer(output);
  }

  add({ place, ...finding }: PlacedFinding): Promise<void> | undefined {
    return this.#write.line(printable(JSON.stringify({ ...place, ...finding })));
  }

  end(): Promise<void> {
    return this.#write.end();
  }
}

/** Workflow commands of GitHub Actions: annotations at the lines of the files. */
export class GithubSink implements FindingSink {
  readonly #write: Writer;

  constructor(output: Output) {
    this.#write = new Writer(output);
  }

  add({ place, severity, code, path, message, hint }: PlacedFinding): Promise<void> | undefined {
    const { file, line, column } = place;
    const properties = [
      `file=${escapeProperty(file)}`,
      `line=${String(line)}`,
      ...(column === undefined ? [] : [`col=${String(column)}`]),
      `title=${escapeProperty(code)}`,
    ];
    const text = [path, message, hint ?? ""].filter((part) => part !== "").join(" ");
    return this.#write.line(`::${severity} ${properties.join(",")}::${escapeData(text)}`);
  }

  end(): Promise<void> {
    return this.#write.end();
  }
}

function escapeData(text: string): string {
  return printable(text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A"));
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Gathers lines, and waits for whoever reads them: neither one write a line, nor all of them in memory. */
export class Writer {
  readonly #output: Output;
  #text = "";

  constructor(output: Output) {
    this.#output = output;
  }

  /** Resolves when there is room; nothing to wait for as a rule. */
  line(text: string): Promise<void> | undefined {
    this.#text += `${text}\n`;
    return this.#text.length < 32_768 && !this.#output.isTTY ? undefined : this.end();
  }

  async end(): Promise<void> {
    const text = this.#text;
    this.#text = "";
    if (text !== "") await this.#output.write(text);
  }
}
