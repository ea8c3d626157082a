import type { Output, Terminal } from "../../src/cli/terminal.ts";
import { runProgram } from "../../src/cli/program.ts";

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal that remembers what is written to it, and whose signals and timers are the test's. */
export interface TestTerminal extends Terminal {
  readonly written: { stdout: string; stderr: string };
  /** As Ctrl+C does. */
  interrupt(signal?: "SIGINT" | "SIGTERM"): void;
  /** Calls all that wait for an interval, once. */
  tick(): void;
}

export function testTerminal(
  given: Partial<Terminal> & { readonly input?: string | Uint8Array | undefined } = {},
): TestTerminal {
  const { input, ...rest } = given;
  const written = { stdout: "", stderr: "" };
  const interrupts = new Set<(signal: "SIGINT" | "SIGTERM") => void>();
  const ticks = new Set<() => void>();
  const output = (name: "stdout" | "stderr"): Output => ({
    write: (text) => {
      written[name] += text;
      return Promise.resolve();
    },
    isClosed: false,
    isTTY: false,
    columns: 100,
  });
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  return {
    stdin: (async function* () {
      await Promise.resolve();
      if (bytes !== undefined) yield bytes;
    })(),
    stdout: output("stdout"),
    stderr: output("stderr"),
    env: {},
    cwd: process.cwd(),
    now: () => Date.now(),
    random: () => Math.random(),
    every: (_, callback) => {
      ticks.add(callback);
      return () => ticks.delete(callback);
    },
    openPage: () => undefined,
    onOrphaned: () => () => undefined,
    onInterrupt: (handler) => {
      interrupts.add(handler);
      return () => interrupts.delete(handler);
    },
    ...rest,
    written,
    interrupt: (signal = "SIGINT") => {
      for (const handler of [...interrupts]) handler(signal);
    },
    tick: () => {
      for (const callback of [...ticks]) callback();
    },
  };
}

/** Runs the command line in this process. */
export async function run(args: readonly string[], given: Parameters<typeof testTerminal>[0] = {}): Promise<Ran> {
  const terminal = testTerminal(given);
  const code = await runProgram(args, terminal);
  return { code, ...terminal.written };
}

/** The same on a terminal of its own, whose output may look as on a screen. */
export function screen(written: { stderr: string }): Output {
  return {
    write: (text) => {
      written.stderr += text;
      return Promise.resolve();
    },
    isClosed: false,
    isTTY: true,
    columns: 160,
  };
}
