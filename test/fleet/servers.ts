import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server of a test's own, on a free port, with a folder of its own. */
export interface Server {
  readonly port: number;
  /** Ends it as a crash would, and starts it again on the same port with the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen within a minute.`);
}

async function exitOf(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exited;
}

/** @param options - as on its command line; by default each change is on disk within a second. */
export async function startRedis(options: readonly string[] = ["--appendonly", "yes"]): Promise<Server> {
  const program = ["/usr/bin/redis-server", "/usr/bin/valkey-server", "/usr/local/bin/redis-server"].find(existsSync);
  if (program === undefined) throw new Error("There is no Redis here: `apt-get install redis-server`.");
  const folder = mkdtempSync(join(tmpdir(), "mparticle-redis-"));
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...options];
    const child = spawn(program, args, { stdio: "ignore" });
    await until("The start of Redis", () => {
      try {
        return execFileSync("redis-cli", ["-p", String(port), "ping"], { stdio: "pipe" })
          .toString()
          .startsWith("PONG");
      } catch {
        return false;
      }
    });
    return child;
  };
  let child = await start();
  return {
    port,
    restart: async () => {
      await exitOf(child, "SIGKILL");
      child = await start();
    },
    stop: async () => {
      await exitOf(child, "SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * PostgreSQL does not run as root: there it runs as its own user.
 *
 * @param settings - of its configuration. By default it does not wait for the disk: what a process that is killed has
 *   written is kept by the system, and a recovery that syncs each file of many databases takes half a minute.
 */
export async function startPostgres(settings: readonly string[] = ["fsync=off"]): Promise<Server> {
  const versions = "/usr/lib/postgresql";
  const version = existsSync(versions) ? readdirSync(versions).sort().at(-1) : undefined;
  if (version === undefined) throw new Error("There is no PostgreSQL here: `apt-get install postgresql`.");
  const bin = join(versions, version, "bin");
  const isRoot = process.getuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), "mparticle-postgres-"));
  chmodSync(folder, 0o755);
  if (isRoot) execFileSync("chown", ["postgres", folder]);
  const command = (program: string, args: readonly string[]): readonly [string, readonly string[]] =>
    isRoot
      ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", join(bin, program), ...args]]
      : [join(bin, program), args];
  const run = (program: string, args: readonly string[]): void => {
    const [file, all] = command(program, args);
    execFileSync(file, all, { stdio: "pipe", cwd: folder });
  };
  const data = join(folder, "data");
  run("initdb", ["--pgdata", data, "--auth", "trust", "--username", "postgres", "--no-sync"]);
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const place = ["listen_addresses=127.0.0.1", `port=${String(port)}`, `unix_socket_directories=${folder}`];
    const [file, args] = command("postgres", [
      "-D",
      data,
      ...[...place, ...settings].flatMap((setting) => ["-c", setting]),
    ]);
    const child = spawn(file, args, { stdio: "ignore", cwd: folder });
    await until("The start of PostgreSQL", () => {
      try {
        run("pg_isready", ["--host", "127.0.0.1", "--port", String(port)]);
        return true;
      } catch {
        return false;
      }
    });
    return child;
  };
  let child = await start();
  return {
    port,
    restart: async () => {
      // An immediate shutdown: as after a crash, the next start recovers from the log.
      await exitOf(child, "SIGQUIT");
      child = await start();
    },
    stop: async () => {
      await exitOf(child, "SIGINT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
