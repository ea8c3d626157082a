import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredBatch } from "../../src/delivery/outbox.ts";
import { OutboxLog, SCHEMA } from "../../src/node/outbox-log.ts";
import { loadSqlite, type Database } from "../../src/node/sqlite.ts";

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mparticle-events-log-"));
  database = loadSqlite()(join(folder, "log.db"));
  database.exec(SCHEMA);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function batch(requestId: string): StoredBatch {
  return { requestId, context: "{}", events: [JSON.stringify(requestId)] };
}

describe("a transaction of the log that fails", () => {
  it("leaves everything as it was, the order included, for this owner and the next", () => {
    const log = new OutboxLog(database);
    const batches = ["e", "d", "c", "b", "a"].map(batch);
    log.transaction(() => {
      log.append(batches.slice(0, 2));
    });
    log.transaction(() => {
      log.append(batches.slice(2));
    });
    const fail = (): void => {
      log.transaction(() => {
        log.append([batch("new")]);
        log.remove(["e", "c", "new"]);
        log.setAside([{ requestId: "d", reason: { code: "BAD_REQUEST", message: "", atMs: 0 } }]);
        throw new Error("on purpose");
      });
    };
    expect(fail).toThrow("on purpose");
    expect([...log.pending()]).toEqual(batches);
    expect([...new OutboxLog(database).pending()]).toEqual(batches);

    log.transaction(() => {
      log.remove(["d", "e", "b"]);
    });
    const rest = batches.filter(({ requestId }) => "ac".includes(requestId));
    expect([...log.pending()]).toEqual(rest);
    expect([...new OutboxLog(database).pending()]).toEqual(rest);
    expect(log.rejected()).toEqual([]);
  });
});
