import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakeServer, type FakeServer } from "../../src/testing/testing.ts";
import { die } from "./dying-process.ts";

/** The service hangs while the process dies, and answers the next one: what that one delivers is what was not lost. */
const WAYS = [
  { way: "exit", death: "process.exit", signal: undefined },
  { way: "throw", death: "an uncaught error", signal: undefined },
  { way: "reject", death: "an unhandled rejection", signal: undefined },
  { way: "signal", death: "SIGTERM", signal: "SIGTERM" },
  { way: "signal", death: "SIGKILL", signal: "SIGKILL" },
] as const;
/** What keeps the events, and how many there are. */
const KEEPERS = [
  ...[120].map((events) => ({ keeper: "nothing", events })),
  ...[1, 120, 3_000].map((events) => ({ keeper: "a spill file", events })),
  ...[1, 120, 3_000].map((events) => ({ keeper: "an outbox", events })),
  ...[120].map((events) => ({ keeper: "both", events })),
];

const CASES = WAYS.flatMap((way) =>
  KEEPERS.map(({ keeper, events }) => {
    const isKept =
      keeper === "an outbox" || keeper === "both" || (keeper === "a spill file" && way.signal !== "SIGKILL");
    const kept = isKept ? events : 0;
    const title = `${String(kept)} of ${String(events)} reach the service after ${way.death} with ${keeper}`;
    return [title, { ...way, keeper, events, kept }] as const;
  }),
);

let folder: string;
let server: FakeServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mparticle-events-matrix-"));
  server = await startFakeServer({ script: "hang" });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("of the events that a process holds when it dies", () => {
  it.each(CASES)("%s", async (_, { way, signal, keeper, events, kept }) => {
    const paths = {
      spillPath: keeper === "a spill file" || keeper === "both" ? join(folder, "events.spill") : undefined,
      outboxPath: keeper === "an outbox" || keeper === "both" ? join(folder, "events.db") : undefined,
    };
    const life = { url: server.url, timeoutMs: 100, ...paths };
    const death = await die({ ...life, way, events, signal });
    expect(death.output).toContain("added");
    expect(server.counts().acceptedEventsOnce).toBe(0);
    if (keeper === "nothing" && signal !== "SIGKILL") {
      expect(death.output).toContain(`ends with ${String(events)} events unsent`);
    }
    server.script(202);
    expect(await die({ ...life, way: "end", events: 0 })).toMatchObject({ code: 0 });
    expect(server.counts()).toMatchObject({ acceptedEventsOnce: kept });
    expect(existsSync(join(folder, "events.spill"))).toBe(false);
    // Nothing is left for a third one.
    await die({ ...life, way: "end", events: 0 });
    expect(server.counts()).toMatchObject({ acceptedEvents: kept });
  });
});
