import { spawn } from "node:child_process";

/** How a process ended. */
export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A limit only catches what hangs: each takes two seconds, and a busy machine twenty times as long. */
const TIMEOUT_MS = 120_000;
/** None prints more than a few lines. */
const MAX_OUTPUT_CHARS = 200_000;

/**
 * Runs a program to its end, or kills it when that does not come.
 *
 * @param command - the program and what it is given.
 * @param home - where it runs, and finds and leaves what is its own: nothing of the user's has a say.
 */
export function runChild(command: readonly string[], home: string): Promise<Ended> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: home,
      // Not all of ours: a proxy, or options for Node, would be those of this machine.
      env: { PATH: process.env["PATH"], HOME: home, DENO_NO_UPDATE_CHECK: "1", DO_NOT_TRACK: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < MAX_OUTPUT_CHARS) stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < MAX_OUTPUT_CHARS) stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ status: signal ?? code, stdout, stderr });
    });
  });
}
