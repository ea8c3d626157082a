import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventQueue, EventsClient, type Batch } from "mparticle-events";
import { sqliteOutbox } from "mparticle-events/node";
import { startFakeServer, type FakeServer } from "../../src/testing/testing.ts";
import { seeded } from "../faults/fault-deck.ts";
import { full } from "../full.ts";
import { bundleChild } from "../bundle-child.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";

const CRASHES = full(2, 60);
const SEED = 20_261;

const adding = await bundleChild(new URL("children/adding.ts", import.meta.url));

let folder: string;
let server: FakeServer;

beforeAll(() => {
  folder = makeTemporaryFolder("mparticle-events-crash-");
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Lets a process add events, kills it some time after its first one, and returns those it was told are safe. */
async function addUntilKilled(path: string, first: number, killAfterMs: number): Promise<readonly number[]> {
  const child = spawn(process.execPath, [adding, server.url, path, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(child, "close");
  await Promise.race([once(child.stdout, "data"), closed]);
  await sleep(killAfterMs);
  child.kill("SIGKILL");
  await closed;
  // The last line may have been cut off.
  return output.split("\n").slice(0, -1).map(Number);
}

function eventNumbers(batch: Batch): readonly number[] {
  return (batch.events ?? []).map((event) =>
    event.event_type === "custom_event" ? Number(event.data.event_name.replace("event-", "")) : NaN,
  );
}

describe("a process that is killed again and again while it adds events", () => {
  it(
    `loses none that add() has confirmed, and repeats none under another id, over ${String(CRASHES)} crashes`,
    { timeout: full(120_000, 600_000) },
    async () => {
      const random = seeded(SEED);
      let requests = 0;
      server = await startFakeServer({
        // Slow and unreliable, so that death finds batches in every stage.
        script: () => {
          const fate = random();
          const delayMs = Math.floor(random() * 20);
          if (fate < 0.1 && requests > 0) return { status: 503, delayMs };
          // One at least, so that something has to be repeated.
          if (fate < 0.2 || requests++ === 0) return { status: 202, reset: "before-answer", delayMs };
          return { status: 202, delayMs };
        },
      });
      const path = join(folder, "events.db");
      const confirmed: number[] = [];
      for (let crash = 0; crash < CRASHES; crash++) {
        confirmed.push(...(await addUntilKilled(path, crash * 1_000_000, random() * 60)));
      }
      expect(confirmed.length).toBeGreaterThan(CRASHES);

      const client = new EventsClient({ apiKey: "k", apiSecret: "s", baseUrl: server.url });
      const recovering = new EventQueue(client, { outbox: sqliteOutbox(path) });
      await recovering.flush();
      await recovering.close();
      expect(readdirSync(folder)).toEqual(["events.db"]);

      const idsOfEvent = new Map<number, Set<string | null | undefined>>();
      let arrivals = 0;
      for (const batch of server.accepted()) {
        for (const number of eventNumbers(batch)) {
          arrivals++;
          const ids = idsOfEvent.get(number) ?? new Set();
          idsOfEvent.set(number, ids.add(batch.source_request_id));
        }
      }
      expect(confirmed.filter((number) => !idsOfEvent.has(number))).toEqual([]);
      expect([...idsOfEvent.values()].every((ids) => ids.size === 1)).toBe(true);
      // Else nothing was repeated, and the line above has shown nothing.
      expect(arrivals).toBeGreaterThan(idsOfEvent.size);
    },
  );
});
