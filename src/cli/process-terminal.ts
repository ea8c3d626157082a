import { spawn } from "node:child_process";
import { watchAncestors } from "./ancestors.ts";
import type { CutOff } from "./cut-off.ts";
import { EXIT } from "./exit-codes.ts";
import { streamOutput } from "./stream-output.ts";
import type { Output, Terminal } from "./terminal.ts";

/**
 * The terminal, or the pipes, of this process.
 *
 * @param cutOff - told when nobody reads what is written any more; that is an interrupt as well.
 */
export function processTerminal(cutOff: CutOff): Terminal {
  return {
    stdin: process.stdin,
    stdout: outputOf(process.stdout, cutOff),
    stderr: outputOf(process.stderr, cutOff),
    env: process.env,
    cwd: process.cwd(),
    now: () => Date.now(),
    random: () => Math.random(),
    every: (intervalMs, callback) => {
      const timer = setInterval(callback, intervalMs);
      timer.unref();
      return () => {
        clearInterval(timer);
      };
    },
    openPage,
    onOrphaned: (handler) => watchAncestors(process.env, handler),
    onInterrupt: (handler) => {
      process.on("SIGINT", handler);
      process.on("SIGTERM", handler);
      const forget = cutOff.onCutOff(handler);
      return () => {
        forget();
        process.off("SIGINT", handler);
        process.off("SIGTERM", handler);
      };
    },
  };
}

function openPage(url: string): void {
  const [command, ...args]: readonly [string, ...string[]] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  const opener = spawn(command, args, { stdio: "ignore", detached: true });
  // Without a browser the address that is printed has to do.
  opener.on("error", () => undefined);
  opener.unref();
}

function outputOf(stream: NodeJS.WriteStream, cutOff: CutOff): Output {
  const onClosed = (): void => {
    cutOff.happened();
  };
  return streamOutput(stream, onClosed, (error) => {
    // A full disk, as a rule. Where it is the standard error itself, the exit code has to do.
    if (stream !== process.stderr) {
      process.stderr.write(`The output cannot be written: ${error.message}.\nMake room, or write it elsewhere.\n`);
    }
    process.exit(EXIT.wrongUse);
  });
}
