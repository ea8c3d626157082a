import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventQueue, EventsClient, customEvent, type MParticleError, type Outbox } from "mparticle-events";
import { loadSqlite } from "../../src/node/sqlite.ts";
import { sqliteOutbox, type SqliteOutbox, type SqliteOutboxOptions } from "../../src/node/sqlite-outbox.ts";
import { recordingFetch, startFakeServer } from "../../src/testing/testing.ts";
import { bundleChild } from "../bundle-child.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { SmallDisk, whyNoSmallDisk } from "./small-disk.ts";

const run = promisify(execFile);

const filling = await bundleChild(new URL("children/filling.ts", import.meta.url));
const unprivileged = await bundleChild(new URL("children/unprivileged.ts", import.meta.url));
const adding = await bundleChild(new URL("children/adding.ts", import.meta.url));
const recovering = await bundleChild(new URL("children/recovering.ts", import.meta.url));

let folder: string;
let path: string;
const opened: SqliteOutbox[] = [];
beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-faults-");
  path = join(folder, "events.db");
});
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: SqliteOutboxOptions = {}): Promise<SqliteOutbox> {
  const outbox = sqliteOutbox(path, { takeoverTimeoutMs: 1, ...options });
  await outbox.open();
  opened.push(outbox);
  return outbox;
}

const EVENTS = [JSON.stringify({ event_type: "custom_event", data: { event_name: "x".repeat(20_000) } })];

function append(outbox: Outbox, requestId: string): Promise<void> {
  return outbox.append([{ requestId, context: '{"environment":"development"}', events: EVENTS }]);
}

async function fill(count: number): Promise<void> {
  const outbox = await open();
  for (let n = 0; n < count; n++) await append(outbox, `r-${String(n)}`);
  await outbox.close();
}

async function pendingIds(outbox: Outbox): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { requestId } of outbox.recover()) ids.push(requestId);
  return ids;
}

/** Says what is wrong and what to do, and leaves the file as it is. */
async function expectRefused(message: RegExp): Promise<void> {
  const before = readFileSync(path);
  await expect(open()).rejects.toMatchObject({ code: "OUTBOX", message: expect.stringMatching(message) as string });
  expect(readFileSync(path).equals(before)).toBe(true);
}

const NO_SPACE = /There is no space left on the disk of \S+events\.db; nothing was added\. Make room on it:/;

describe("a full disk", () => {
  const reason = whyNoSmallDisk();

  beforeEach(({ skip }) => {
    skip(reason !== undefined, reason);
  });

  /** Appends until there is no room. */
  async function fillUp(outbox: Outbox): Promise<readonly string[]> {
    const stored: string[] = [];
    for (;;) {
      const requestId = `r-${String(stored.length)}`;
      try {
        await append(outbox, requestId);
      } catch (error) {
        expect(String(error)).toMatch(NO_SPACE);
        return stored;
      }
      stored.push(requestId);
    }
  }

  it("filled by the queue empties as the service accepts, and takes events again", async () => {
    using disk = new SmallDisk();
    path = join(disk.folder, "events.db");
    const fetch = recordingFetch(503);
    const client = new EventsClient({
      apiKey: "k",
      apiSecret: "s",
      fetch,
      retry: { baseDelayMs: 1, maxDelayMs: 20 },
    });
    const outbox = sqliteOutbox(path, { takeoverTimeoutMs: 1 });
    await using queue = new EventQueue(client, { outbox, flushIntervalMs: 1 });
    const add = (n: number): Promise<void> =>
      queue.add(
        { environment: "development", user_identities: { customer_id: String(n) } },
        customEvent("x".repeat(20_000), "other"),
      );
    let count = 0;
    let refusal: unknown;
    for (; refusal === undefined; count++) await add(count).catch((error: unknown) => (refusal = error));
    expect(refusal).toMatchObject({ code: "OUTBOX", message: expect.stringMatching(NO_SPACE) as string });
    expect(count).toBeGreaterThan(20);
    fetch.script(202);
    await queue.flush();
    await add(count);
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ added: count, accepted: count, pending: 0 });
    await queue.close();
    expect(await pendingIds(await open())).toEqual([]);
  });

  it("filled by others as well, to the last byte, keeps what is stored, adds nothing, and goes on when there is room", async () => {
    using disk = new SmallDisk();
    path = join(disk.folder, "events.db");
    const outbox = await open();
    const stored = await fillUp(outbox);
    disk.fill();
    await expect(append(outbox, "more")).rejects.toThrow(NO_SPACE);
    expect(await pendingIds(outbox)).toEqual(stored);
    disk.clear();
    await outbox.remove(stored.slice(1));
    await append(outbox, "next");
    await outbox.close();
    expect(readdirSync(disk.folder)).toEqual(["events.db"]);
    expect(await pendingIds(await open())).toEqual(["r-0", "next"]);
  });

  it("is no obstacle for the next owner: it sends what is stored, once more with its ids what it could not remove", async () => {
    using disk = new SmallDisk();
    path = join(disk.folder, "events.db");
    const child = spawn(process.execPath, [filling, path, "stay"], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = once(child, "close");
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    const { message, stored } = JSON.parse(String(said)) as { message: string; stored: string[] };
    expect(message).toMatch(NO_SPACE);
    child.kill("SIGKILL");
    await closed;
    disk.fill();
    await using server = await startFakeServer({ script: 202 });
    // In a process: what SQLite cannot write at the end keeps the file locked in this one for a while.
    await run(process.execPath, [recovering, server.url, path]);
    expect([...server.acceptedIds().keys()]).toEqual(stored);
    disk.clear();
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: server.url });
    const next = new EventQueue(client, { outbox: sqliteOutbox(path, { takeoverTimeoutMs: 1 }) });
    await next.flush();
    await next.close();
    expect([...server.acceptedIds().keys()]).toEqual(stored);
    expect(await pendingIds(await open())).toEqual([]);
  });

  it("says so when there is no room for a new file either", async () => {
    using disk = new SmallDisk();
    path = join(disk.folder, "events.db");
    disk.fill();
    const outbox = sqliteOutbox(path, { takeoverTimeoutMs: 1 });
    await expect(outbox.open()).rejects.toThrow(NO_SPACE);
    disk.clear();
    await append(await open(), "first");
  });
});

describe("a limit", () => {
  it("for the size of files is said to be one, keeps what is stored, and is over with the process", async () => {
    // 512-byte blocks.
    const { stdout } = await run("sh", ["-c", 'ulimit -f 2000; exec "$0" "$1" "$2"', process.execPath, filling, path]);
    const { message, stored, pending } = JSON.parse(stdout) as {
      message: string;
      stored: string[];
      pending: string[];
    };
    expect(message).toMatch(/^MParticleError: The outbox failed: .*(no space left|disk is full)/);
    expect(stored.length).toBeGreaterThan(2);
    expect(pending).toEqual(stored);
    const outbox = await open();
    await append(outbox, "next");
    expect(await pendingIds(outbox)).toEqual([...stored, "next"]);
  });

  it("of its own is `maxBytes`, which dead letters count for", async () => {
    const outbox = await open({ maxBytes: 200_000 });
    let refusal: unknown;
    let count = 0;
    for (; refusal === undefined && count < 20; count++) {
      await append(outbox, `r-${String(count)}`).catch((error: unknown) => (refusal = error));
    }
    expect(String(refusal)).toMatch(/reached its `maxBytes` of 200000; nothing was added\./);
    expect(statSync(path).size).toBeLessThanOrEqual(200_000);
    expect(await pendingIds(outbox)).toHaveLength(count - 1);
    await outbox.remove(["r-0", "r-1"]);
    await append(outbox, "next");
  });

  it("that is reached lets that go first which makes room, whatever was asked for first", async () => {
    const outbox = await open({ maxBytes: 200_000 });
    let refusal: unknown;
    let count = 0;
    for (; refusal === undefined; count++) {
      await append(outbox, `r-${String(count)}`).catch((error: unknown) => (refusal = error));
    }
    await expect(Promise.all([append(outbox, "next"), outbox.remove(["r-0", "r-1"])])).resolves.toBeDefined();
    expect(await pendingIds(outbox)).toHaveLength(count - 2);
    expect((await pendingIds(outbox)).at(-1)).toBe("next");
  });
});

describe("a process without SQLite", () => {
  it("is told where to get it, and leaves nothing behind", async () => {
    // There is neither a package near its folder nor, with this flag, one in Node.
    const flag = process.allowedNodeEnvironmentFlags.has("--experimental-sqlite") ? ["--no-experimental-sqlite"] : [];
    const failed = run(process.execPath, [...flag, filling, path], { cwd: folder });
    await expect(failed).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /sqliteOutbox\(\) needs SQLite: Node 22\.13 or later.*npm install libsql/,
      ) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a file that cannot be used", () => {
  it("because it or its folder is read-only is said to be", async () => {
    const ways = [
      ["file", 0o444, 0o777],
      ["folder", 0o666, 0o555],
    ] as const;
    const paths: string[] = [];
    const other = mkdtempSync(join(tmpdir(), "mparticle-events-other-"));
    try {
      for (const [name, fileMode, folderMode] of ways) {
        mkdirSync(join(folder, name));
        path = join(folder, name, "events.db");
        paths.push(path);
        await fill(1);
        chmodSync(path, fileMode);
        chmodSync(join(folder, name), folderMode);
      }
      chmodSync(folder, 0o555);
      const { stdout } = await run(process.execPath, [unprivileged, join(other, "events.db"), ...paths]);
      const said = stdout.trimEnd().split("\n");
      expect(said).toHaveLength(ways.length);
      for (const [n, line] of said.entries()) {
        expect(line).toContain(paths[n]);
        expect(line).toMatch(/cannot be written to: it, its folder or its disk is read-only, or forbidden/);
      }
    } finally {
      for (const one of [folder, ...paths.map((one) => dirname(one))]) chmodSync(one, 0o777);
      rmSync(other, { recursive: true });
    }
    for (path of paths) expect(await pendingIds(await open())).toEqual(["r-0"]);
  });

  it("because its pages are damaged is said to be, and kept", async () => {
    await fill(30);
    const file = openSync(path, "r+");
    for (let page = 2; page < 6; page++) writeSync(file, Buffer.alloc(2_000, 0xa5), 0, 2_000, page * 4096);
    closeSync(file);
    await expectRefused(/events\.db is damaged.*not changed\. Move it away/);
  });

  it("because it belongs to something else is said to be", async () => {
    const database = loadSqlite()(path);
    database.exec("CREATE TABLE customers (name TEXT)");
    database.close();
    await expectRefused(/is a database of something else; it was not changed/);
  });

  it.each([0, 2])("because its format is %d is said to be, with the format that is expected", async (format) => {
    await fill(1);
    const database = loadSqlite()(path);
    database.exec(`PRAGMA user_version = ${String(format)}`);
    database.close();
    await expectRefused(new RegExp(`has format ${String(format)}, expected 1; it was not changed`));
  });
});

describe("a file that another process has", () => {
  it("is refused as long as it lives, and taken over when it dies", async () => {
    await using server = await startFakeServer({ script: "hang" });
    const child = spawn(process.execPath, [adding, server.url, path, "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = once(child, "close");
    try {
      await once(child.stdout, "data");
      await expect(open()).rejects.toThrow(/in use by another queue, of this process or another; each needs its own/);
      const takeover = open({ takeoverTimeoutMs: 20_000 });
      child.kill("SIGKILL");
      expect((await pendingIds(await takeover)).length).toBeGreaterThan(0);
    } finally {
      child.kill("SIGKILL");
      await closed;
    }
  });
});

describe("a queue whose outbox fails", () => {
  const USER = { environment: "development", user_identities: { customer_id: "1" } } as const;

  function makeQueue(outbox: Outbox): EventQueue {
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch: recordingFetch(202) });
    return new EventQueue(client, { outbox });
  }

  it("to open takes nothing in, says why each time, and closes", async () => {
    path = join(folder, "missing", "events.db");
    const queue = makeQueue(sqliteOutbox(path));
    for (let n = 0; n < 2; n++) {
      await expect(queue.add(USER, customEvent("e", "other"))).rejects.toMatchObject({
        code: "OUTBOX",
        message: expect.stringContaining("does not exist") as string,
      });
    }
    expect(queue.stats().events).toMatchObject({ added: 0, pending: 0 });
    await expect(queue.close()).resolves.toMatchObject({ accepted: 0, unsent: [] });
  });

  it("to write takes nothing in, and goes on with what can be written", async () => {
    const outbox = sqliteOutbox(path, { maxBytes: 60_000 });
    const queue = makeQueue(outbox);
    await queue.add(USER, customEvent("small", "other"));
    const large = customEvent("x".repeat(90_000), "other");
    const refusal = await queue.add(USER, large).catch((error: unknown) => error as MParticleError);
    expect(refusal).toMatchObject({ code: "OUTBOX", message: expect.stringContaining("`maxBytes`") as string });
    await queue.add(USER, customEvent("small", "other"));
    expect(queue.stats().events).toMatchObject({ added: 2, pending: 2 });
    expect(await queue.close()).toMatchObject({ accepted: 2, rejected: 0, undelivered: 0 });
    expect(await pendingIds(await open())).toEqual([]);
  });

  it("to forget asks again, so that nothing accepted stays", async () => {
    const outbox = sqliteOutbox(path);
    let failures = 2;
    const moody: Outbox = {
      open: () => outbox.open(),
      close: () => outbox.close(),
      recover: () => outbox.recover(),
      append: (entries) => outbox.append(entries),
      setAside: (letters) => outbox.setAside(letters),
      remove: (ids) => (failures-- > 0 ? Promise.reject(new Error("not now")) : outbox.remove(ids)),
    };
    const queue = makeQueue(moody);
    for (let n = 0; n < 3; n++) {
      await queue.add(USER, customEvent("e", "other"));
      await queue.flush();
    }
    await queue.close();
    expect(failures).toBeLessThan(0);
    expect(await pendingIds(await open())).toEqual([]);
  });
});
