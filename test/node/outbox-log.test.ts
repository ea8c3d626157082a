import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredBatch } from "../../src/delivery/outbox.ts";
import { SCHEMA } from "../../src/node/outbox-format.ts";
import { OutboxLog } from "../../src/node/outbox-log.ts";
import { loadSqlite, type Database } from "../../src/node/sqlite.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";

let folder: string;
let database: Database;
beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-log-");
  database = loadSqlite()(join(folder, "log.db"));
  database.exec(SCHEMA);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As the next owner does. */
function openLog(): OutboxLog {
  const log = new OutboxLog(database);
  for (const index = log.index(); index.next().done !== true;);
  return log;
}

function pendingIn(log: OutboxLog): readonly StoredBatch[] {
  return [...log.pending((problem) => expect.fail(problem))].filter((one) => "requestId" in one);
}

function batch(requestId: string): StoredBatch {
  return { requestId, context: "{}", events: [JSON.stringify({ of: requestId })] };
}

describe("a transaction of the log that fails", () => {
  it("leaves everything as it was, the order included, for this owner and the next", () => {
    const log = openLog();
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
    expect(pendingIn(log)).toEqual(batches);
    expect(pendingIn(openLog())).toEqual(batches);

    log.transaction(() => {
      log.remove(["d", "e", "b"]);
    });
    const rest = batches.filter(({ requestId }) => "ac".includes(requestId));
    expect(pendingIn(log)).toEqual(rest);
    expect(pendingIn(openLog())).toEqual(rest);
    expect([...log.letters.ids()]).toEqual([]);
  });
});
