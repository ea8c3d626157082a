import type { Fetch } from "../transport/exchange.ts";

/** Where text goes: a terminal, a pipe or a file. */
export interface Output {
  /** Resolves when there is room for more: whoever writes much waits for it, so that nothing piles up. */
  write(text: string): Promise<void>;
  /** Whether whoever read has gone, as `head` goes; what is written then is thrown away. */
  readonly isClosed: boolean;
  readonly isTTY: boolean;
  /** Width of the terminal, in characters. */
  readonly columns: number;
}

/** Everything a command takes from its surroundings; tests inject their own. */
export interface Terminal {
  /** The standard input, as it comes. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Results. */
  readonly stdout: Output;
  /** Everything else. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Calls `callback` each `intervalMs` without keeping the process alive; the returned function ends it. */
  readonly every: (intervalMs: number, callback: () => void) => () => void;
  /**
   * Calls `handler` on Ctrl+C and on SIGTERM, in place of ending, and when nobody reads what is written any more; the
   * returned function gives the signals back.
   */
  readonly onInterrupt: (handler: (signal: "SIGINT" | "SIGTERM") => void) => () => void;
  /** Calls `handler` when the package manager that runs the command has gone without a word. */
  readonly onOrphaned: (handler: () => void) => () => void;
  /** Shows a page in the browser of who sits here; where there is none, nothing happens. */
  readonly openPage: (url: string) => void;
  /** Makes the requests of the commands that send. `@default the one of the library` */
  readonly fetch?: Fetch | undefined;
}

/** The colours that are used, by what they say. */
export interface Colours {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** Colours on a terminal, none in a pipe, and none where `NO_COLOR` is set (no-color.org). */
export function coloursFor(output: Output, env: Terminal["env"]): Colours {
  const wanted = output.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const paint =
    (code: number) =>
    (text: string): string =>
      wanted ? `\u001b[${String(code)}m${text}\u001b[0m` : text;
  return { good: paint(32), bad: paint(31), dim: paint(2), strong: paint(1) };
}
