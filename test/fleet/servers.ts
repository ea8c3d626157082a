import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server as TcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server of a test's own, on a free port, with a folder of its own. */
export interface Server {
  readonly port: number;
  /** Of its process, which a restart changes. */
  readonly pid: number;
  /** Ends it as a crash would, and starts it again on the same port with the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: TcpServer): number {
  const address = server.address();
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

interface Program {
  readonly name: string;
  readonly port: number;
  readonly folder: string;
  readonly start: () => ChildProcess;
  readonly isUp: () => void;
  /** How it ends in a crash, and how it ends well. */
  readonly signals: { readonly crash: NodeJS.Signals; readonly end: NodeJS.Signals };
}

async function serve({ name, port, folder, start, isUp, signals }: Program): Promise<Server> {
  const startAndWait = async (): Promise<ChildProcess> => {
    const started = start();
    await until(`The start of ${name}`, () => {
      try {
        isUp();
        return true;
      } catch {
        return false;
      }
    });
    return started;
  };
  let child = await startAndWait();
  return {
    port,
    get pid() {
      return child.pid ?? 0;
    },
    restart: async () => {
      await exitOf(child, signals.crash);
      child = await startAndWait();
    },
    stop: async () => {
      await exitOf(child, signals.end);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function programAt(name: string, paths: readonly string[], debianPackage: string): string {
  const program = paths.find(existsSync);
  if (program === undefined) throw new Error(`There is no ${name} here: \`apt-get install ${debianPackage}\`.`);
  return program;
}

/** Those of Debian that refuse to run as root run as the user `postgres` there, in a folder of that user. */
function asPostgres(prefix: string) {
  const isRoot = process.getuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o755);
  if (isRoot) execFileSync("chown", ["postgres", folder]);
  const command = (file: string, args: readonly string[]): readonly [string, readonly string[]] =>
    isRoot ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", file, ...args]] : [file, args];
  return {
    folder,
    run: (file: string, args: readonly string[]): void => {
      execFileSync(...command(file, args), { stdio: "pipe", cwd: folder });
    },
    start: (file: string, args: readonly string[]): ChildProcess =>
      spawn(...command(file, args), { stdio: "ignore", cwd: folder }),
  };
}

/**
 * @param options - as on its command line. By default each change is handed to the system before it is acknowledged, and the
 *   system outlives the process that is killed; with `everysec` that waits up to two seconds while the disk is busy.
 */
export async function startRedis(
  options: readonly string[] = ["--appendonly", "yes", "--appendfsync", "no"],
): Promise<Server> {
  const paths = ["/usr/bin/redis-server", "/usr/bin/valkey-server", "/usr/local/bin/redis-server"];
  const program = programAt("Redis", paths, "redis-server");
  const folder = mkdtempSync(join(tmpdir(), "mparticle-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...options];
  return serve({
    name: "Redis",
    port,
    folder,
    start: () => spawn(program, args, { stdio: "ignore" }),
    isUp: () => {
      const answer = execFileSync("redis-cli", ["-p", String(port), "ping"], { stdio: "pipe" }).toString();
      if (!answer.startsWith("PONG")) throw new Error(answer);
    },
    signals: { crash: "SIGKILL", end: "SIGTERM" },
  });
}

/** A way to a server that is as long as one to another region. */
export async function startSlowProxy(
  port: number,
  delayMs: number,
): Promise<{ readonly port: number; readonly chunks: () => number; readonly close: () => Promise<void> }> {
  let chunks = 0;
  const sockets = new Set<Socket>();
  const later = (act: () => void): void => {
    setTimeout(act, delayMs);
  };
  const proxy = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.on("data", () => chunks++);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => {
        later(() => to.write(chunk));
      });
      from.on("close", () => {
        later(() => to.destroy());
      });
      from.on("error", () => undefined);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => proxy.once("listening", resolve));
  return {
    port: portOf(proxy),
    chunks: () => chunks,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** NATS with JetStream. */
export async function startNats(): Promise<Server> {
  const program = programAt("NATS", ["/usr/sbin/nats-server", "/usr/bin/nats-server"], "nats-server");
  const folder = mkdtempSync(join(tmpdir(), "mparticle-nats-"));
  const port = await freePort();
  const args = ["--addr", "127.0.0.1", "--port", String(port), "--jetstream", "--store_dir", folder];
  return serve({
    name: "NATS",
    port,
    folder,
    start: () => spawn(program, args, { stdio: "ignore" }),
    isUp: () => {
      execFileSync(process.execPath, ["-e", connectTo(port)], { stdio: "pipe" });
    },
    signals: { crash: "SIGKILL", end: "SIGTERM" },
  });
}

/** A program that fails unless somebody listens there. */
function connectTo(port: number): string {
  return `require("node:net").connect(${String(port)}, "127.0.0.1", () => process.exit(0)).on("error", () => process.exit(1))`;
}

function postgresPrograms(): string {
  const versions = "/usr/lib/postgresql";
  const version = existsSync(versions) ? readdirSync(versions).sort().at(-1) : undefined;
  if (version === undefined) throw new Error("There is no PostgreSQL here: `apt-get install postgresql`.");
  return join(versions, version, "bin");
}

/**
 * PostgreSQL, with the user `postgres`, who needs no password.
 *
 * @param settings - of its configuration. By default it does not wait for the disk: what a process that is killed has
 *   written is kept by the system, and a recovery that syncs each file of many databases takes half a minute.
 */
export async function startPostgres(settings: readonly string[] = ["fsync=off"]): Promise<Server> {
  const bin = postgresPrograms();
  const { folder, run, start } = asPostgres("mparticle-postgres-");
  const data = join(folder, "data");
  run(join(bin, "initdb"), ["--pgdata", data, "--auth", "trust", "--username", "postgres", "--no-sync"]);
  const port = await freePort();
  const place = ["listen_addresses=127.0.0.1", `port=${String(port)}`, `unix_socket_directories=${folder}`];
  const args = ["-D", data, ...[...place, ...settings].flatMap((setting) => ["-c", setting])];
  return serve({
    name: "PostgreSQL",
    port,
    folder,
    start: () => start(join(bin, "postgres"), args),
    isUp: () => {
      run(join(bin, "pg_isready"), ["--host", "127.0.0.1", "--port", String(port)]);
    },
    // An immediate shutdown: as after a crash, the next start recovers from the log.
    signals: { crash: "SIGQUIT", end: "SIGINT" },
  });
}

/** PgBouncer before a PostgreSQL: each transaction may get another connection of only two. */
export async function startPgbouncer(postgresPort: number): Promise<Server> {
  const program = programAt("PgBouncer", ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"], "pgbouncer");
  const { folder, run, start } = asPostgres("mparticle-pgbouncer-");
  const port = await freePort();
  writeFileSync(join(folder, "users.txt"), '"postgres" ""\n');
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=127.0.0.1 port=${String(postgresPort)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${String(port)}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = 2
`,
  );
  return serve({
    name: "PgBouncer",
    port,
    folder,
    start: () => start(program, [join(folder, "pgbouncer.ini")]),
    isUp: () => {
      run(join(postgresPrograms(), "pg_isready"), ["--host", "127.0.0.1", "--port", String(port)]);
    },
    signals: { crash: "SIGKILL", end: "SIGINT" },
  });
}
