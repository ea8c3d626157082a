import { spawn } from "node:child_process";
import { watchAncestors } from "./ancestors.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output, Terminal } from "./terminal.ts";

/** The terminal, or the pipes, of this process. */
export function processTerminal(): Terminal {
  return {
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
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
      return () => {
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

function outputOf(stream: NodeJS.WriteStream): Output {
  // Whoever reads has had enough, as `head` has: there is nobody left to tell anything.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    // A full disk, as a rule. Where it is the standard error itself, the exit code has to do.
    if (stream !== process.stderr) {
      process.stderr.write(`The output cannot be written: ${error.message}.\nMake room, or write it elsewhere.\n`);
    }
    process.exit(EXIT.wrongUse);
  });
  return {
    write: (text) =>
      stream.write(text)
        ? Promise.resolve()
        : new Promise((resolve) => {
            stream.once("drain", resolve);
          }),
    get isTTY() {
      return (stream.isTTY as boolean | undefined) === true;
    },
    get columns() {
      return (stream.columns as number | undefined) ?? 80;
    },
  };
}
