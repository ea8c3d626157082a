import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventQueue, EventsClient, customEvent, type StoredBatch } from "mparticle-events";
import { formatLines } from "../../src/node/batch-lines.ts";
import { sqliteOutbox, type SqliteOutbox } from "../../src/node/sqlite-outbox.ts";
import { loadSqlite, type Database } from "../../src/node/sqlite.ts";
import { recordingFetch } from "../../src/testing/testing.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";

let folder: string;
let path: string;
const opened: SqliteOutbox[] = [];
beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-records-");
  path = join(folder, "events.db");
});
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<SqliteOutbox> {
  const outbox = sqliteOutbox(path, { takeoverTimeoutMs: 1 });
  await outbox.open();
  opened.push(outbox);
  return outbox;
}

/** Changes a file that nobody has open. */
function change(work: (database: Database) => void): void {
  const database = loadSqlite()(path);
  work(database);
  database.close();
}

const CONTEXT = '{"environment":"development","mpid":9223372036854775807}';
const EVENT = '{"event_type":"first_run","data":{}}';
const REASON = { code: "BAD_REQUEST", message: "no such thing", atMs: 1_700_000_000_000 };

/** An event that can be told from its neighbours. */
function numbered(n: number): string {
  return `{"n":${String(n)}}`;
}

function entry(requestId: string, events: readonly string[] = [EVENT]): StoredBatch {
  return { requestId, context: CONTEXT, events };
}

async function pendingIn(outbox: SqliteOutbox): Promise<readonly StoredBatch[]> {
  const batches: StoredBatch[] = [];
  for await (const batch of outbox.recover()) batches.push(batch);
  return batches;
}

describe("a record that cannot be read", () => {
  it.each([
    [
      "an event that is not JSON",
      { ...entry("bad"), events: [EVENT, '["a",,"c"]'] },
      /It cannot be read: its event 1 is no JSON object/,
    ],
    ["a user that is not JSON", { ...entry("bad"), context: '{"mpid":' }, /its user is no JSON object/],
  ])("because it has %s is set aside with its reason, and the others are sent", async (_, bad, reason) => {
    const first = await open();
    await first.append([entry("r-1"), bad, entry("r-2")]);
    await first.append([entry("r-3")]);
    await first.close();
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const fetch = recordingFetch(202);
    const outbox = sqliteOutbox(path);
    const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch }), { outbox });
    await queue.add({ environment: "development" }, customEvent("new", "other"));
    await queue.flush();
    expect([...fetch.acceptedIds().keys()].slice(0, 3)).toEqual(["r-1", "r-2", "r-3"]);
    expect(fetch.acceptedIds().size).toBe(4);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/Batch bad cannot be read, and was set aside/)]]);
    warn.mockRestore();
    const [letter, ...others] = await outbox.deadLetters();
    expect(others).toEqual([]);
    expect(letter?.reason).toMatchObject({ code: "UNREADABLE", message: expect.stringMatching(reason) as string });
    expect(letter?.batch.source_request_id).toBe("bad");
    expect(letter?.unreadable).toContain(bad.events.at(-1));
    // Restored, it would only be set aside again.
    expect(await outbox.restore()).toBe(0);
    expect(await outbox.discard()).toBe(1);
    await queue.close();
    expect(await pendingIn(await open())).toEqual([]);
  });

  it("because even its id is damaged is set aside, and the others are sent", async () => {
    const first = await open();
    await first.append([entry("r-1"), entry("r-2")]);
    await first.close();
    change((database) => {
      database.exec(`UPDATE log SET batches = 'garbage' || char(10) || batches || 'more' || char(10)`);
    });
    const outbox = await open();
    expect(await pendingIn(outbox)).toEqual([entry("r-1"), entry("r-2")]);
    expect((await outbox.deadLetters()).map(({ reason }) => reason.code)).toEqual(["UNREADABLE", "UNREADABLE"]);
    await outbox.remove(["r-1", "r-2"]);
    await outbox.close();
    const next = await open();
    expect(await pendingIn(next)).toEqual([]);
    expect(await next.deadLetters()).toHaveLength(2);
  });

  it("because its row has lost all text does not hold up the others", async () => {
    const first = await open();
    for (const id of ["r-1", "r-2", "r-3"]) await first.append([entry(id)]);
    await first.close();
    change((database) => {
      database.exec("UPDATE log SET batches = zeroblob(100), continued = zeroblob(10) WHERE seq = 2");
    });
    expect(await pendingIn(await open())).toEqual([entry("r-1"), entry("r-3")]);
  });

  it("among the settled ones repeats at most what was settled", async () => {
    const first = await open();
    await first.append([entry("r-1"), entry("r-2")]);
    await first.remove(["r-1"]);
    await first.close();
    change((database) => {
      database.exec("UPDATE settled SET request_ids = '[not JSON'");
    });
    expect(await pendingIn(await open())).toEqual([entry("r-1"), entry("r-2")]);
  });

  it("among dead letters is shown as far as it can be read, and the others are shown whole", async () => {
    const outbox = await open();
    const ids = ["r-1", "r-2", "r-3", "r-4"];
    await outbox.append(ids.map((id) => entry(id, [EVENT, '{"n":1}'])));
    await outbox.setAside(ids.map((requestId) => ({ requestId, reason: REASON })));
    await outbox.close();
    change((database) => {
      database.exec(`UPDATE rejected SET events = replace(events, '{"n":1}', '{"n":') WHERE request_id = 'r-2'`);
      database.exec(`UPDATE rejected SET context = 'gone' WHERE request_id = 'r-3'`);
    });
    const letters = await (await open()).deadLetters();
    expect(letters.map(({ batch }) => batch.source_request_id)).toEqual(ids);
    expect(letters.map(({ batch }) => batch.events?.length)).toEqual([2, 1, 2, 2]);
    expect(letters.map(({ unreadable }) => unreadable !== undefined)).toEqual([false, true, true, false]);
    expect(letters.map(({ reason }) => reason)).toEqual(ids.map(() => REASON));
  });
});

describe("an outbox of version 0.1.0", () => {
  /** As that version made it. */
  function makeOldFile(rows: readonly (readonly (Partial<StoredBatch> & { readonly requestId: string })[])[]): void {
    change((database) => {
      database.exec(`
        CREATE TABLE log (seq INTEGER PRIMARY KEY, batches TEXT NOT NULL);
        CREATE TABLE settled (seq INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, request_ids TEXT NOT NULL);
        CREATE TABLE rejected (
          request_id TEXT PRIMARY KEY, context TEXT NOT NULL, events TEXT NOT NULL,
          code TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL
        );
        PRAGMA application_id = ${String(0x6d_70_45_78)}; PRAGMA user_version = 1;
      `);
      const insert = database.prepare("INSERT INTO log (batches) VALUES (?)");
      for (const row of rows) insert.run(formatLines(row.map((one) => ({ events: [], ...one }))));
    });
  }

  it("is read, whether a batch that goes on has its user once or again, and goes on", async () => {
    makeOldFile([
      [entry("a", [numbered(1)]), entry("b", [numbered(2)])],
      [{ requestId: "a", events: [numbered(3)] }, entry("c", [numbered(4)])],
      [entry("b", [numbered(5)]), { requestId: "a", events: [numbered(6)] }],
    ]);
    const outbox = await open();
    const expected = [
      entry("a", [numbered(1), numbered(3), numbered(6)]),
      entry("b", [numbered(2), numbered(5)]),
      entry("c", [numbered(4)]),
    ];
    expect(await pendingIn(outbox)).toEqual(expected);
    await outbox.append([{ requestId: "c", events: [numbered(7)] }, entry("d", [numbered(8)])]);
    await outbox.remove(["a"]);
    await outbox.close();
    expect(await pendingIn(await open())).toEqual([
      expected[1],
      entry("c", [numbered(4), numbered(7)]),
      entry("d", [numbered(8)]),
    ]);
  });

  it("that is empty is made anew", async () => {
    makeOldFile([]);
    const outbox = await open();
    await outbox.append([entry("a")]);
    await outbox.append([{ requestId: "a", events: [EVENT] }]);
    await outbox.close();
    expect(await pendingIn(await open())).toEqual([entry("a", [EVENT, EVENT])]);
  });
});

describe("a backlog that is being read", () => {
  /** Each batch begins in one row and goes on in the two after it. */
  async function fill(count: number): Promise<readonly StoredBatch[]> {
    const outbox = await open();
    const ids = Array.from({ length: count }, (_, n) => `r-${String(n)}`);
    for (let n = 0; n < count + 2; n++) {
      const begins = ids.slice(n, n + 1).map((id) => entry(id, [numbered(0)]));
      const goesOn = [1, 2].flatMap((part) =>
        ids[n - part] === undefined ? [] : [{ requestId: ids[n - part]!, events: [numbered(part)] }],
      );
      await outbox.append([...begins, ...goesOn]);
    }
    await outbox.close();
    return ids.map((id) => entry(id, [numbered(0), numbered(1), numbered(2)]));
  }

  it("tells each batch whole, forgets what is removed although rows of it are still unread, and is whole again after a crash", async () => {
    const batches = await fill(20);
    const outbox = await open();
    const told: StoredBatch[] = [];
    for await (const batch of outbox.recover()) {
      told.push(batch);
      await outbox.remove([batch.requestId]);
      if (told.length === 7) break;
    }
    expect(told).toEqual(batches.slice(0, 7));
    // Not read yet, and removed all the same.
    await outbox.remove(["r-12"]);
    await outbox.setAside([{ requestId: "r-13", reason: REASON }]);
    await outbox.close();
    const next = await open();
    expect(await pendingIn(next)).toEqual(batches.filter((_, n) => n >= 7 && n !== 12 && n !== 13));
    expect((await next.deadLetters()).map(({ batch }) => batch.events)).toEqual([[{ n: 0 }, { n: 1 }, { n: 2 }]]);
  });

  it("leaves no row behind when all of it was settled", async () => {
    const batches = await fill(20);
    const outbox = await open();
    for await (const { requestId } of outbox.recover()) await outbox.remove([requestId]);
    await outbox.append([entry("last")]);
    await outbox.remove(["last"]);
    await outbox.close();
    change((database) => {
      expect(database.prepare("SELECT 1 FROM log UNION ALL SELECT 1 FROM settled").all()).toEqual([]);
    });
    expect(batches).toHaveLength(20);
  });

  it("lets others have their turn, however large it is", async () => {
    const outbox = await open();
    const large = JSON.stringify({ text: "x".repeat(100_000) });
    for (let n = 0; n < 40; n++) await outbox.append([entry(`r-${String(n)}`, [large])]);
    await outbox.close();
    const next = await open();
    let turns = 0;
    const count = (): void => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await pendingIn(next);
    clearImmediate(immediate);
    // 4 MB, and less than one at a time.
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it("writes what is added in one go in pieces, too, and all of it is there", async () => {
    const outbox = await open();
    const large = JSON.stringify({ text: "x".repeat(100_000) });
    const batches = Array.from({ length: 40 }, (_, n) => entry(`r-${String(n)}`, [large]));
    let turns = 0;
    const count = (): void => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await Promise.all(batches.map((batch) => outbox.append([batch])));
    clearImmediate(immediate);
    expect(turns).toBeGreaterThanOrEqual(5);
    await outbox.append([...batches.map((batch) => ({ ...batch, requestId: `again-${batch.requestId}` }))]);
    await outbox.close();
    const next = await open();
    expect(await pendingIn(next)).toHaveLength(80);
    await next.close();
    change((database) => {
      const [row] = database.prepare("SELECT max(length(batches)) AS longest FROM log").all();
      expect(Number(row?.["longest"])).toBeLessThan(500_000);
    });
  });
});
