import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { sqliteOutbox } from "mparticle-events/node";
import { startFakeServer } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { comeBack, die, follow, prepareDying, type Life } from "./dying-process.ts";

interface Way {
  readonly way: Life["way"];
  readonly death: string;
  readonly signal?: NodeJS.Signals;
}

/** The service hangs while the process dies, and answers the next one: what that one delivers is what was not lost. */
const WAYS: readonly Way[] = [
  { way: "exit", death: "process.exit" },
  { way: "throw", death: "an uncaught error" },
  { way: "reject", death: "an unhandled rejection" },
  { way: "close", death: "its own end, the queue closed out of time" },
  { way: "signal", death: "SIGTERM", signal: "SIGTERM" },
  { way: "signal", death: "SIGINT", signal: "SIGINT" },
  { way: "closing", death: "SIGTERM on the way of close()", signal: "SIGTERM" },
  { way: "signal", death: "SIGKILL", signal: "SIGKILL" },
];

const KEEPERS = ["nothing", "a spill file", "an outbox", "both"] as const;

/** How many events there are, of how many queues. */
const LEVELS = [
  { events: 1, queues: 1 },
  { events: 120, queues: 1 },
  { events: 120, queues: 2 },
];
const MANY = { events: 3_000, queues: 1 };

interface Case extends Way {
  readonly keeper: (typeof KEEPERS)[number];
  readonly events: number;
  readonly queues: number;
  readonly kept: number;
}

const ALL = WAYS.flatMap((way) =>
  KEEPERS.flatMap((keeper) =>
    // Where nothing is kept, or twice, more of it shows nothing more.
    (keeper === "a spill file" || keeper === "an outbox" ? [...LEVELS, MANY] : LEVELS).map(
      ({ events, queues }): readonly [string, Case] => {
        const isKept = keeper === "nothing" ? false : keeper !== "a spill file" || way.signal !== "SIGKILL";
        const kept = isKept ? events : 0;
        const where = queues === 1 ? "" : ` of ${String(queues)} queues`;
        const title = `${String(kept)} of ${String(events)}${where} reach the service after ${way.death} with ${keeper}`;
        return [title, { ...way, keeper, events, queues, kept }];
      },
    ),
  ),
);

/** Each way to die once, with one keeper after the other; one signal of two stands for both. */
const USUAL = WAYS.filter(({ death }) => death !== "SIGTERM").flatMap((way, row) => {
  const keeper = KEEPERS[row % KEEPERS.length];
  const cases = ALL.filter(([, one]) => one.way === way.way && one.signal === way.signal && one.keeper === keeper);
  return cases.slice(row % cases.length).slice(0, 1);
});

const CASES = full(USUAL, ALL);

await prepareDying();

let folder: string;

beforeAll(() => {
  folder = makeTemporaryFolder("mparticle-events-matrix-");
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What is left in an outbox. */
async function countPending(path: string): Promise<number> {
  const outbox = sqliteOutbox(path);
  await outbox.open();
  let count = 0;
  for await (const { events } of outbox.recover()) count += events.length;
  await outbox.close();
  return count;
}

// The processes wait more than they work.
describe.concurrent("of the events that a process holds when it dies", () => {
  it.for(CASES)("%s", async ([, { way, signal, keeper, events, queues, kept }], { expect }) => {
    const place = mkdtempSync(join(folder, "case-"));
    await using server = await startFakeServer({ script: "hang" });
    const life = {
      url: server.url,
      timeoutMs: 100,
      queues,
      spillPath: keeper === "a spill file" || keeper === "both" ? join(place, "events.spill") : undefined,
      outboxPath: keeper === "an outbox" || keeper === "both" ? join(place, "events.db") : undefined,
    };
    const death = await die({ ...life, way, events, signal });
    expect(death.output).toContain("added");
    expect(server.counts().acceptedEventsOnce).toBe(0);
    if (keeper === "nothing" && signal !== "SIGKILL") {
      const said = [...death.output.matchAll(/ends with (\d+) events unsent/g)].map(([, count]) => Number(count));
      expect(said.reduce((sum, count) => sum + count)).toBe(events);
    }
    // What was kept nowhere has nobody who could come back for it.
    if (keeper === "nothing") return;
    await comeBack(server);
    await follow(life);
    expect(server.counts()).toMatchObject({ acceptedEventsOnce: kept, acceptedEvents: kept });
    // Nothing is left for a third one.
    const left = readdirSync(place);
    expect(left.filter((name) => name.includes("spill"))).toEqual([]);
    const outboxes = left.filter((name) => /\.db(-\d)?$/.test(name));
    expect(outboxes).toHaveLength(life.outboxPath === undefined ? 0 : queues);
    for (const name of outboxes) expect(await countPending(join(place, name))).toBe(0);
  });
});
