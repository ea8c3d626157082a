import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventQueue, EventsClient } from "mparticle-events";
import { drainOnExit } from "../../src/node/drain-on-exit.ts";
import { startFakeServer, type FakeServer, type FakeServerOptions } from "../../src/testing/testing.ts";
import { die, type Death } from "./dying-process.ts";

let folder: string;
let spillPath: string;
let server: FakeServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mparticle-events-exit-"));
  spillPath = join(folder, "queue.spill");
});

afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(
  way: string,
  options: { events: number; spill?: boolean; signal?: NodeJS.Signals; again?: number },
): Promise<Death> {
  return die({ ...options, url: server?.url ?? "", way, spillPath: options.spill === false ? undefined : spillPath });
}

async function listen(script: FakeServerOptions["script"]): Promise<FakeServer> {
  server = await startFakeServer({ script });
  return server;
}

function eventsKept(service: FakeServer): number {
  return service.counts().acceptedEventsOnce;
}

describe("a process that dies while the service answers", () => {
  it.each([
    ["SIGTERM", "signal", { signal: "SIGTERM" as const }],
    ["SIGINT", "signal", { signal: "SIGINT" as const }],
    ["its own end", "end", {}],
    ["its own end without drainOnExit", "plain-end", {}],
  ])("by %s sends everything first", async (_, way, how) => {
    const service = await listen({ status: 202, delayMs: 20 });
    const death = await run(way, { events: 400, ...how });
    expect(eventsKept(service)).toBe(400);
    expect(existsSync(spillPath)).toBe(false);
    expect({ code: death.code, signal: death.signal }).toEqual(
      "signal" in how ? { code: null, signal: how.signal } : { code: 0, signal: null },
    );
    expect(death.lastedMs).toBeLessThan(1_500);
  });

  it("by a signal that the application handles leaves the exit code to it", async () => {
    const service = await listen(202);
    expect(await run("own-handler", { events: 100, signal: "SIGTERM" })).toMatchObject({ code: 7 });
    expect(eventsKept(service)).toBe(100);
  });
});

describe("a process that dies with events unsent", () => {
  it.each([
    ["process.exit", "exit", 10, { code: 3 }],
    ["process.exit", "exit", 2_000, { code: 3 }],
    ["an uncaught error", "throw", 500, { code: 1 }],
    ["an unhandled rejection", "reject", 500, { code: 1 }],
  ])("by %s (%s) spills %d of them, and the next start sends them with their ids", async (_, way, events, expected) => {
    const service = await listen({ status: 202, reset: "before-answer", delayMs: 5_000 });
    expect(await run(way, { events })).toMatchObject(expected);
    const spilled = readFileSync(spillPath, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line.split("\t")[0] ?? "") as string);
    service.script(202);
    expect(await run("end", { events: 0 })).toMatchObject({ code: 0 });
    expect(eventsKept(service)).toBe(events);
    expect([...service.acceptedIds().keys()].sort()).toEqual([...spilled].sort());
    expect(service.requests.at(-1)?.body).toContain('"mpid":7346244611012968789');
    expect(existsSync(spillPath)).toBe(false);
  });

  it("by a signal, out of time, spills the rest", async () => {
    const service = await listen("hang");
    const death = await run("signal", { events: 300, signal: "SIGTERM" });
    expect(death).toMatchObject({ signal: "SIGTERM" });
    expect(death.lastedMs).toBeGreaterThan(1_400);
    service.script(202);
    await run("end", { events: 5 });
    expect(eventsKept(service)).toBe(305);
  });

  it("by a second signal does not wait any longer", async () => {
    await listen("hang");
    const death = await run("signal", { events: 300, signal: "SIGINT", again: 100 });
    expect(death.lastedMs).toBeLessThan(1_200);
    expect(readFileSync(spillPath, "utf8").match(/event-/g)).toHaveLength(300);
  });

  it("and nowhere to put them says how many are lost", async () => {
    await listen("hang");
    const death = await run("exit", { events: 42, spill: false });
    expect(death.output).toMatch(/ends with 42 events unsent/);
  });
});

describe("drainOnExit", () => {
  it("keeps a file that it cannot read, and says where", () => {
    writeFileSync(spillPath, "no spill file\n");
    const said: string[] = [];
    const log = (message: string): void => void said.push(message);
    const client = new EventsClient({
      apiKey: "k",
      apiSecret: "s",
      logger: { debug: log, info: log, warn: log, error: log },
    });
    const stop = drainOnExit(new EventQueue(client), { spillPath });
    stop();
    expect(said).toEqual([expect.stringContaining("kept as")]);
    const kept = /kept as (\S+)\.$/.exec(said[0] ?? "")?.[1];
    expect(readFileSync(kept ?? "", "utf8")).toBe("no spill file\n");
  });

  it("refuses a folder that is not there, at once", () => {
    const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s" }));
    expect(() => drainOnExit(queue, { spillPath: join(folder, "missing", "file") })).toThrow("missing");
  });

  it("leaves no listener behind when it is taken back", () => {
    const events = ["SIGTERM", "SIGINT", "exit"] as const;
    const before = events.map((event) => process.listenerCount(event));
    const stop = drainOnExit(new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s" })), { spillPath });
    expect(events.map((event) => process.listenerCount(event))).not.toEqual(before);
    stop();
    expect(events.map((event) => process.listenerCount(event))).toEqual(before);
  });
});
