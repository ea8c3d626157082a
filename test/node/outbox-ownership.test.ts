import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventQueue, EventsClient, customEvent } from "mparticle-events";
import { OutboxFile } from "../../src/node/outbox-file.ts";
import { OutboxLease, OwnerWatch } from "../../src/node/outbox-lease.ts";
import { ownIdentity } from "../../src/node/process-identity.ts";
import { sqliteOutbox, type SqliteOutbox } from "../../src/node/sqlite-outbox.ts";
import { recordingFetch } from "../../src/testing/testing.ts";
import { FULL, full, onlyInFull } from "../full.ts";
import { bundleChild } from "../bundle-child.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { whyNoNamespace } from "./dying-process.ts";

const USER = { environment: "development" } as const;
const CONTEXT = '{"environment":"development"}';

const owning = await bundleChild(new URL("children/owning.ts", import.meta.url));

let folder: string;
let path: string;
const opened: SqliteOutbox[] = [];
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-owner-");
  path = join(folder, "events.db");
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  }
  for (const outbox of opened.splice(0)) await outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(takeoverTimeoutMs = 1): Promise<SqliteOutbox> {
  const outbox = sqliteOutbox(path, { takeoverTimeoutMs });
  await outbox.open();
  opened.push(outbox);
  return outbox;
}

async function pendingIds(outbox: SqliteOutbox): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { requestId } of outbox.recover()) ids.push(requestId);
  return ids;
}

/** Starts a process that owns the outbox, or says why not. */
async function startOwner(
  how: string,
  before?: readonly string[],
): Promise<{ child: ChildProcess; said: () => string }> {
  const [command, ...args] = [...(before ?? []), process.execPath, owning, path, how];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
  while (!output.includes("added\n")) await once(child.stdout, "data");
  await sleep(50);
  return { child, said: () => output };
}

/** Takes an owner that it cannot look at for dead, unless it has given a sign of life since. */
class Impatient extends OwnerWatch {
  #first: string | undefined;
  override isStale({ beat }: { readonly beat: string }): boolean {
    this.#first ??= beat;
    return beat === this.#first;
  }
}

const IN_USE = /in use by another queue, of this process or another/;

/** Kills the owner, who leaves its lease and what it has added, and opens the outbox. */
async function expectFollowed(owner: ChildProcess, added: string): Promise<void> {
  owner.kill("SIGKILL");
  await once(owner, "close");
  expect(existsSync(`${path}-owner`)).toBe(true);
  expect(await pendingIds(await open())).toEqual([added]);
}

describe("the owner of an outbox", () => {
  it.each([
    ["another process", "reading"],
    ["this one, read by this very process", ""],
  ])("in %s stays so when its file was opened and closed for reading, until it ends", async (_, how) => {
    if (how === "reading") {
      const { child } = await startOwner(how);
      await expect(open()).rejects.toThrow(IN_USE);
      await expectFollowed(child, how);
    } else {
      const outbox = await open();
      await outbox.append([{ requestId: "own", context: CONTEXT, events: [] }]);
      closeSync(openSync(path, "r"));
      readFileSync(path);
      const { said } = await startOwner("intruder");
      expect(said()).toMatch(IN_USE);
      await outbox.append([{ requestId: "still own", context: CONTEXT, events: [] }]);
      await outbox.close();
      expect(await pendingIds(await open())).toEqual(["own", "still own"]);
    }
  });

  it("is met by whoever comes by a link to the file", async () => {
    const outbox = await open();
    await outbox.append([{ requestId: "own", context: CONTEXT, events: [] }]);
    closeSync(openSync(path, "r"));
    const link = join(folder, "link.db");
    symlinkSync(path, link);
    await expect(sqliteOutbox(link, { takeoverTimeoutMs: 1 }).open()).rejects.toThrow(IN_USE);
  });

  onlyInFull(() => {
    it("that was killed is followed at once", async () => {
      const { child } = await startOwner("first");
      await expectFollowed(child, "first");
    });
  });

  it("that was killed is followed at once when its id belongs to another process now", async () => {
    await (await open()).close();
    writeFileSync(`${path}-owner`, JSON.stringify({ token: "t", ...ownIdentity(), pid: process.ppid, startedAt: "1" }));
    await open();
  });

  it("that is a worker thread keeps other threads out", async () => {
    const worker = new Worker(owning, { argv: [path, "thread"] });
    await once(worker, "message");
    closeSync(openSync(path, "r"));
    await expect(open()).rejects.toThrow(IN_USE);
    await worker.terminate();
  });

  const reason = whyNoNamespace();

  it("in another container, with the same process id, keeps others out and is followed when it has died", async ({
    skip,
  }) => {
    skip(reason !== undefined, reason);
    const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const first = await startOwner("reading", container);
    const second = await startOwner("second", container);
    expect(second.said()).toMatch(IN_USE);
    if (!FULL) return; // the wait for signs of life takes seconds
    first.child.kill("SIGKILL");
    await startOwner("waiting", container);
    expect(await readOwnerPid()).toBe(1);
  });

  it("that was stopped for long keeps its lease, as long as it has the lock, and goes on when it wakes", async () => {
    const { child } = await startOwner("stopped");
    child.kill("SIGSTOP");
    const before = readFileSync(`${path}-owner`, "utf8");
    const { ino } = statSync(`${path}-owner`);
    const settings = { path, durability: "process", maxBytes: 1e9 } as const;
    expect(OutboxFile.tryToOpen(settings, new Impatient(), undefined)).toBeUndefined();
    // It would find another's at its place if it woke up in between.
    expect(statSync(`${path}-owner`).ino).toBe(ino);
    expect(readFileSync(`${path}-owner`, "utf8")).toBe(before);
  });

  onlyInFull(() => {
    it("that is a worker thread is followed when it was terminated", async () => {
      const worker = new Worker(owning, { argv: [path, "thread"] });
      await once(worker, "message");
      await worker.terminate();
      // Without a process that has ended it is the lack of signs of life that tells, which takes seconds.
      expect(await pendingIds(await open(60_000))).toEqual(["thread"]);
    });

    it("that was stopped for long and has lost the lock is followed", async () => {
      const { child } = await startOwner("reading");
      child.kill("SIGSTOP");
      const settings = { path, durability: "process", maxBytes: 1e9 } as const;
      const file = OutboxFile.tryToOpen(settings, new Impatient(), undefined);
      expect(file).toBeDefined();
      expect(await readOwnerPid()).toBe(process.pid);
      file?.close();
    });

    it("that wakes up when its lock was found free and not its lease goes on, and loses nothing", async () => {
      const { child, said } = await startOwner("adding");
      const settings = { path, durability: "process", maxBytes: 1e9 } as const;
      const wakingUp = new (class extends Impatient {
        override isStale(found: { readonly beat: string }): boolean {
          const isStale = super.isStale(found);
          utimesSync(`${path}-owner`, 1_000_000_000, 1_000_000_000);
          return isStale;
        }
      })();
      expect(OutboxFile.tryToOpen(settings, wakingUp, undefined)).toBeUndefined();
      child.stdin?.write("add\n");
      while (!said().includes("more\n")) await sleep(10);
      // As a process finds it that comes after both.
      for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, `${path}-later${suffix}`);
      path += "-later";
      expect(await pendingIds(await open())).toEqual(["adding", "more"]);
    });
  });

  it("that has closed it leaves nothing beside the file", async () => {
    await (await open()).close();
    expect(readdirSync(folder)).toEqual(["events.db"]);
  });
});

/** Of the lease. */
async function readOwnerPid(): Promise<number> {
  await Promise.resolve();
  return (JSON.parse(readFileSync(`${path}-owner`, "utf8")) as { pid: number }).pid;
}

describe("a lease", () => {
  const TIMES = { heartbeatMs: 10, staleMs: 100 };
  const leases: OutboxLease[] = [];
  afterEach(() => {
    for (const lease of leases.splice(0)) lease.release();
  });

  function acquire(watch: OwnerWatch, isUnlocked = (): boolean => true): OutboxLease | undefined {
    const lease = OutboxLease.acquire(path, { watch, onBeat: () => undefined, isUnlocked, times: TIMES });
    if (lease !== undefined) leases.push(lease);
    return lease;
  }

  async function acquireInTime(watch: OwnerWatch, atMostMs: number): Promise<OutboxLease | undefined> {
    const giveUpAtMs = performance.now() + atMostMs;
    let lease: OutboxLease | undefined;
    while ((lease = acquire(watch)) === undefined && performance.now() < giveUpAtMs) await sleep(5);
    return lease;
  }

  /** As an owner on another machine would. */
  function writeForeign(): void {
    writeFileSync(
      `${path}-owner`,
      JSON.stringify({ token: "t", ...ownIdentity(), host: `not-${hostname()}`, boot: "other" }),
    );
  }

  it.each([
    ["of another machine", writeForeign],
    [
      "without a text, as a power cut leaves it",
      () => {
        writeFileSync(`${path}-owner`, "");
      },
    ],
    [
      "of zeros",
      () => {
        writeFileSync(`${path}-owner`, "\0".repeat(200));
      },
    ],
  ])(
    "%s is respected while it gives signs of life, whatever its clock says, and taken when it gives none",
    async (_, write) => {
      write();
      const watch = new OwnerWatch();
      let beats = 0;
      const beating = setInterval(() => {
        // A clock that jumps back and forth.
        const seconds = beats++ % 2 === 0 ? 1_000_000_000 + beats : 4_000_000_000 - beats;
        utimesSync(`${path}-owner`, seconds, seconds);
      }, 5);
      expect(await acquireInTime(watch, full(200, 400))).toBeUndefined();
      clearInterval(beating);
      expect(await acquireInTime(watch, 60_000)).toBeDefined();
      expect(readdirSync(folder)).toEqual(["events.db-owner"]);
    },
  );

  it("whose owner wakes up while it is being taken stays its owner's", () => {
    writeForeign();
    const before = statSync(`${path}-owner`);
    const taken = acquire(new Impatient(), () => {
      utimesSync(`${path}-owner`, 1_000_000_000, 1_000_000_000);
      return true;
    });
    expect(taken).toBeUndefined();
    expect(statSync(`${path}-owner`).ino).toBe(before.ino);
    expect(readdirSync(folder)).toEqual(["events.db-owner"]);
  });

  it("of a process of this machine that has ended is taken at once", () => {
    writeFileSync(`${path}-owner`, JSON.stringify({ token: "t", ...ownIdentity(), pid: 4_194_304 }));
    expect(acquire(new OwnerWatch())).toBeDefined();
  });

  it("is one: of many that find it stale, one gets it", async () => {
    writeForeign();
    const watches = Array.from({ length: 5 }, () => new OwnerWatch());
    for (const watch of watches) acquire(watch);
    await sleep(TIMES.staleMs + 20);
    expect(watches.map((watch) => acquire(watch)).filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it("that was taken away is noticed by who had it", async () => {
    const lease = acquire(new OwnerWatch());
    expect(lease?.isHeld).toBe(true);
    rmSync(`${path}-owner`);
    writeForeign();
    await vi.waitFor(() => {
      expect(lease?.isHeld).toBe(false);
    });
    lease?.release();
    expect(existsSync(`${path}-owner`)).toBe(true);
  });

  it("whose file somebody has removed is made anew, unless another was faster", () => {
    const lease = acquire(new OwnerWatch());
    rmSync(`${path}-owner`);
    return vi.waitFor(() => {
      expect(existsSync(`${path}-owner`)).toBe(true);
      expect(lease?.isHeld).toBe(true);
    });
  });

  it("can be read by its owner alone", () => {
    acquire(new OwnerWatch());
    expect(statSync(`${path}-owner`).mode & 0o077).toBe(0);
  });
});

describe("an outbox of one input", () => {
  function makeQueue(
    apiKey: string,
    warn?: (message: string) => void,
  ): { queue: EventQueue; fetch: ReturnType<typeof recordingFetch> } {
    const fetch = recordingFetch(202);
    const log = (message: string): void => {
      warn?.(message);
    };
    const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
    const client = new EventsClient({ apiKey, apiSecret: "s", fetch, logger });
    return { queue: new EventQueue(client, { outbox: sqliteOutbox(path, { takeoverTimeoutMs: 1 }) }), fetch };
  }

  async function leaveOneEvent(apiKey: string): Promise<void> {
    const client = new EventsClient({ apiKey, apiSecret: "s", fetch: recordingFetch("hang") });
    const queue = new EventQueue(client, { outbox: sqliteOutbox(path) });
    await queue.add(USER, customEvent("left", "other"));
    await queue.close({ timeoutMs: 0 });
  }

  it("sends nothing to another one, says so, and keeps what it has for its own", async () => {
    await leaveOneEvent("us1-first-key");
    const said: string[] = [];
    const other = makeQueue("us1-second-key", (message) => said.push(message));
    await expect(other.queue.add(USER, customEvent("e", "other"))).rejects.toMatchObject({
      code: "OUTBOX",
      message: expect.stringMatching(
        /holds events of another input, by its `apiKey`: they stay, none of them is sent/,
      ) as string,
    });
    expect(said.length).toBeGreaterThan(0);
    await other.queue.close();
    expect(other.fetch.requests).toEqual([]);
    const own = makeQueue("us1-first-key");
    await own.queue.close();
    expect(own.fetch.acceptedIds().size).toBe(1);
    // Empty, it can go to another.
    const next = makeQueue("us1-second-key");
    await next.queue.add(USER, customEvent("e", "other"));
    await next.queue.close();
    expect(next.fetch.acceptedIds().size).toBe(1);
  });

  it("does not hold the key", async () => {
    await leaveOneEvent("us1-very-own-key");
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name)).includes("us1-very-own-key")).toBe(false);
  });
});

describe("a file that is no longer what it was while it is open", () => {
  it.each([
    [
      "deleted",
      (): void => {
        rmSync(path);
      },
    ],
    [
      "replaced",
      (): void => {
        copyFileSync(path, `${path}-copy`);
        renameSync(`${path}-copy`, path);
      },
    ],
    [
      "cut short or overwritten",
      (): void => {
        truncateSync(path);
      },
    ],
    [
      "cut short or overwritten",
      (): void => {
        truncateSync(`${path}-wal`, statSync(`${path}-wal`).size - 1);
      },
    ],
    [
      "cut short or overwritten",
      (): void => {
        writeFileSync(path, "another file\n".repeat(10_000));
      },
    ],
  ])("because it was %s is told of, and nothing more is added to it; what it holds is sent", async (how, change) => {
    const fetch = recordingFetch(202);
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch });
    const queue = new EventQueue(client, { flushIntervalMs: 60_000, outbox: sqliteOutbox(path) });
    await queue.add(USER, customEvent("before", "other"));
    change();
    const message = new RegExp(`was ${how} while it was open: nothing more can be added`);
    await expect(queue.add(USER, customEvent("after", "other"))).rejects.toThrow(message);
    expect(warn.mock.calls.filter(([text]) => message.test(String(text)))).toHaveLength(1);
    warn.mockRestore();
    await queue.flush();
    expect(fetch.accepted()).toHaveLength(1);
    await queue.close();
  });

  it("is told of without anything being added", async () => {
    const warn = vi.fn();
    const outbox = sqliteOutbox(path);
    await outbox.open({ apiKey: "k", warn });
    opened.push(outbox);
    rmSync(path);
    await vi.waitFor(
      () => {
        expect(warn).toHaveBeenCalledWith(expect.stringMatching(/was deleted while it was open/));
      },
      { timeout: 20_000 },
    );
  });
});

describe("a link", () => {
  it.each(["-wal", "-shm", "-journal", "-owner"])("at the place of the file's %s is never followed", async (suffix) => {
    const precious = join(folder, "precious");
    writeFileSync(precious, "do not touch\n");
    symlinkSync(precious, path + suffix);
    await expect(open()).rejects.toThrow(/is a link, and is not followed/);
    expect(readFileSync(precious, "utf8")).toBe("do not touch\n");
    expect(existsSync(path)).toBe(false);
  });

  it("that leads nowhere does not make a file somewhere else", async () => {
    symlinkSync(join(folder, "elsewhere"), path);
    await expect(open()).rejects.toThrow(/is a link, and is not followed/);
    expect(existsSync(join(folder, "elsewhere"))).toBe(false);
  });

  it("of the kind that shares the file's bytes is kept out by SQLite's own lock", async () => {
    await open();
    linkSync(path, join(folder, "hard.db"));
    await expect(sqliteOutbox(join(folder, "hard.db"), { takeoverTimeoutMs: 1 }).open()).rejects.toThrow(IN_USE);
  });
});
