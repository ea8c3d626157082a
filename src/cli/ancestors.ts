import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Enough for npm, and the shell that it runs a script in. */
const MAX_DEPTH = 3;
const POLL_MS = 250;

/**
 * Calls `handler` when a package manager that started this process has gone. npm and npx run a script in a shell; ended
 * by a signal, they leave what the shell runs behind.
 *
 * @returns what ends the watch.
 */
export function watchAncestors(env: Readonly<Record<string, string | undefined>>, handler: () => void): () => void {
  // All of them set it: npm, npx, pnpm, yarn and bun.
  if (env["npm_config_user_agent"] === undefined) return () => undefined;
  const parent = process.ppid;
  const ancestors = ancestorsOf(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && ancestors.every(isAlive)) return;
    clearInterval(timer);
    handler();
  }, POLL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** From the parent up, as far as they belong to what was started; never the first process of the machine. */
function ancestorsOf(parent: number): readonly number[] {
  const found: number[] = [];
  for (let id: number | undefined = parent; id !== undefined && id > 1 && found.length < MAX_DEPTH; id = parentOf(id)) {
    found.push(id);
    if (isPackageManager(id)) break;
  }
  // Beyond a package manager nothing is known of who belongs to whom; without one only the parent counts.
  return found.some(isPackageManager) ? found : found.slice(0, 1);
}

function parentOf(id: number): number | undefined {
  const text = read(`/proc/${String(id)}/stat`) ?? ask(id, "ppid");
  // The second field is the name, in brackets, and may hold spaces.
  const parent = Number(text?.includes(")") === true ? text.slice(text.lastIndexOf(")") + 2).split(" ")[1] : text);
  return Number.isInteger(parent) && parent > 0 ? parent : undefined;
}

function isPackageManager(id: number): boolean {
  const command = read(`/proc/${String(id)}/cmdline`)?.replaceAll("\0", " ") ?? ask(id, "command") ?? "";
  return /(^|[/\\\s])(npm|npx|pnpm|yarn|bun)(-cli\.js|\.c?js|\.cmd)?(\s|$)/.test(command);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Where there is no /proc, as on a Mac. */
function ask(id: number, what: "ppid" | "command"): string | undefined {
  if (process.platform === "win32") return undefined;
  try {
    return execFileSync("ps", ["-o", `${what}=`, "-p", String(id)], { encoding: "utf8", timeout: 1000 }).trim();
  } catch {
    return undefined;
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
