import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";

/** Names a thread of a process among all that ever ran on all machines. A process id alone does not: every container has a 1. */
export interface ProcessIdentity {
  readonly host: string;
  /** Of this start of the machine; "" where the system does not tell. */
  readonly boot: string;
  /** Within which the process id is unique; "" where the system does not tell. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When the process was started, in ticks since the boot; "" where the system does not tell. */
  readonly startedAt: string;
  readonly thread: number;
}

export function ownIdentity(): ProcessIdentity {
  return {
    host: hostname(),
    boot: tryToRead(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    pidNamespace: tryToRead(() => readlinkSync("/proc/self/ns/pid")),
    pid: process.pid,
    startedAt: readStat(process.pid).startedAt,
    thread: threadId,
  };
}

/** Whether that process has certainly ended. What happened on another machine, or in another container, cannot be seen. */
export function hasCertainlyEnded(other: ProcessIdentity, own: ProcessIdentity): boolean {
  if (other.host !== own.host || other.boot !== own.boot || other.pidNamespace !== own.pidNamespace) return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // Any other error means that it is there, and somebody else's.
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const { state, startedAt } = readStat(other.pid);
  // The id may have gone to another process; and one that nobody has waited for is a zombie.
  return (
    state === "Z" || state === "X" || (startedAt !== "" && other.startedAt !== "" && startedAt !== other.startedAt)
  );
}

/** On Linux: the third and the twenty-second field of `/proc/PID/stat`, behind the name, which may hold anything. */
function readStat(pid: number): { readonly state: string; readonly startedAt: string } {
  const stat = tryToRead(() => readFileSync(`/proc/${String(pid)}/stat`, "utf8"));
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startedAt: fields[19] ?? "" };
}

function tryToRead(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
