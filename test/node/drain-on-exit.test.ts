import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  screenView,
  type BeforeSend,
  type EventQueueOptions,
  type StoredBatch,
  type UserContext,
} from "mparticle-events";
import { drainOnExit } from "../../src/node/drain-on-exit.ts";
import { SpillFiles } from "../../src/node/spill-files.ts";
import {
  recordingFetch,
  startFakeServer,
  type FakeServer,
  type FakeServerOptions,
  type FetchStep,
  type RecordingFetch,
} from "../../src/testing/testing.ts";
import { FULL, full, onlyInFull } from "../full.ts";
import { bundleChild } from "../bundle-child.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { readSpills } from "./read-spills.ts";
import {
  comeBack,
  dying,
  follow,
  live,
  prepareDying,
  watch,
  whyNoNamespace,
  type Death,
  type Life,
  type Living,
} from "./dying-process.ts";

let folder: string;
let spillPath: string;
let server: FakeServer | undefined;

await prepareDying();
const threads = await bundleChild(new URL("children/threads.ts", import.meta.url));
const copies = await bundleChild(new URL("children/copies.ts", import.meta.url));
const commonJs = await bundleChild(new URL("children/package.ts", import.meta.url), "cjs");

beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-exit-");
  spillPath = join(folder, "queue.spill");
});

afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Options = Omit<Life, "url" | "way" | "spillPath"> & { readonly spill?: boolean };

function start(way: Life["way"], { spill = true, ...options }: Options): Living {
  return live({ ...options, url: server?.url ?? "", way, spillPath: spill ? spillPath : undefined });
}

function run(way: Life["way"], options: Options): Promise<Death> {
  return start(way, options).death;
}

/** Does what the next process does. */
function next(options: { readonly maxElapsedMs?: number } = {}): Promise<void> {
  return follow({ ...options, url: server?.url ?? "", spillPath });
}

async function listen(script: FakeServerOptions["script"]): Promise<FakeServer> {
  server = await startFakeServer({ script });
  return server;
}

function eventsKept(service: FakeServer): number {
  return service.counts().acceptedEventsOnce;
}

const SPILL = expect.stringMatching(/^queue\.spill\.[\da-f-]{36}$/) as string;

/** What the next start would find. */
function spilled(): { readonly ids: readonly string[]; readonly events: number } {
  const { batches } = readSpills(new SpillFiles(spillPath, "k"));
  return {
    ids: batches.map(({ requestId }) => requestId),
    events: batches.reduce((sum, { events }) => sum + events.length, 0),
  };
}

describe("a process that dies while the service answers", () => {
  const ways = [
    ["SIGTERM", "signal", { signal: "SIGTERM" as const }],
    ["its own end without drainOnExit", "plain-end", {}],
    ["SIGINT", "signal", { signal: "SIGINT" as const }],
    ["its own end", "end", {}],
  ] as const;
  it.each(ways.slice(0, full(2, ways.length)))("by %s sends everything first", async (_, way, how) => {
    const service = await listen({ status: 202, delayMs: 20 });
    const death = await run(way, { events: 400, timeoutMs: 60_000, ...how });
    expect(eventsKept(service)).toBe(400);
    expect(readdirSync(folder)).toEqual([]);
    expect({ code: death.code, signal: death.signal }).toEqual(
      "signal" in how ? { code: null, signal: how.signal } : { code: 0, signal: null },
    );
    // It ends when everything is sent, and not when its time is up.
    expect(death.lastedMs).toBeLessThan(30_000);
  });

  it.each(full(["once-handler"] as const, ["handler", "once-handler"] as const))(
    "by a signal for which the application has a %s, still at work when all is sent, leaves the end to it",
    async (way) => {
      const service = await listen(202);
      const working = start(way, { events: 100 });
      await working.added;
      working.kill("SIGTERM");
      await vi.waitFor(() => {
        expect(eventsKept(service)).toBe(100);
      });
      // So much time it has to end what is not its to end.
      await sleep(300);
      working.kill("SIGUSR2");
      const death = await working.death;
      expect(death).toMatchObject({ code: 7, signal: null });
      expect(death.output.match(/handled/g)).toHaveLength(1);
    },
  );

  onlyInFull(() => {
    it("by a signal does not wait for a package that waits for it", async () => {
      const service = await listen(202);
      const death = await run("signal-exit", { events: 100, signal: "SIGTERM" });
      expect(death).toMatchObject({ signal: "SIGTERM", output: expect.stringContaining("left politely") as string });
      expect(eventsKept(service)).toBe(100);
    });
  });

  it("by a signal drains the queues of an ES module and a CommonJS copy of the package, and ends", async () => {
    const service = await listen(202);
    const { death } = watch([process.execPath, copies, service.url, commonJs, spillPath], (child) => {
      child.kill("SIGTERM");
      // Should the two wait for each other.
      setTimeout(() => child.kill("SIGKILL"), 60_000).unref();
    });
    expect(await death).toMatchObject({ signal: "SIGTERM" });
    expect(eventsKept(service)).toBe(2);
  });
});

describe("a process that dies with events unsent", () => {
  const ways = [
    ["process.exit", "exit", full(500, 2_000), { code: 3 }],
    ["process.exit", "exit", 10, { code: 3 }],
    ["an uncaught error", "throw", 500, { code: 1 }],
    ["an unhandled rejection", "reject", 500, { code: 1 }],
  ] as const;
  // exit-matrix.test.ts has each of them meet each keeper.
  it.each(ways.slice(0, full(1, ways.length)))(
    "by %s (%s) spills %d of them, and the next start sends them with their ids",
    async (_, way, events, expected) => {
      const service = await listen({ status: 202, reset: "before-answer", delayMs: 5_000 });
      expect(await run(way, { events })).toMatchObject(expected);
      expect(readdirSync(folder)).toEqual([SPILL]);
      const { ids } = spilled();
      await comeBack(service);
      await next();
      expect(eventsKept(service)).toBe(events);
      expect([...service.acceptedIds().keys()].sort()).toEqual([...ids].sort());
      expect(service.requests.at(-1)?.body).toContain('"mpid":7346244611012968789');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  onlyInFull(() => {
    it("by a signal, out of time, spills the rest", async () => {
      const service = await listen("hang");
      const death = await run("signal", { events: 300, signal: "SIGTERM" });
      expect(death).toMatchObject({ signal: "SIGTERM" });
      expect(death.lastedMs).toBeGreaterThan(1_400);
      await comeBack(service);
      await run("end", { events: 5 });
      expect(eventsKept(service)).toBe(305);
    });
  });

  const pairs = [
    ["SIGTERM", "SIGINT"],
    ["SIGINT", "SIGINT"],
  ] as const;
  it.each(pairs.slice(0, full(1, pairs.length)))(
    "by %s does not wait any longer when %s follows",
    async (signal, second) => {
      await listen("hang");
      const again = { signal: second, afterMs: 100 };
      const death = await run("signal", { events: 300, timeoutMs: 60_000, signal, again });
      expect(death.signal).toBe(second);
      expect(death.lastedMs).toBeLessThan(30_000);
      expect(spilled().events).toBe(300);
    },
  );

  it("by SIGKILL in the middle of its drain has spilled them before, and has taken nothing from the next start", async () => {
    const service = await listen("hang");
    const process = start("signal", { events: 300, timeoutMs: 60_000 });
    await process.added;
    process.kill("SIGTERM");
    await vi.waitFor(() => {
      expect(spilled().events).toBe(300);
    });
    process.kill("SIGKILL");
    await process.death;
    await comeBack(service);
    await next();
    expect(eventsKept(service)).toBe(300);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(full(["exit"] as const, ["exit", "throw"] as const))(
    "by %s spills them whatever other listeners for the end throw",
    async (way) => {
      const service = await listen("hang");
      await run(way, { events: 40, throwAtExit: true });
      expect(spilled().events).toBe(40);
      await comeBack(service);
      await next();
      expect(eventsKept(service)).toBe(40);
    },
  );

  onlyInFull(() => {
    it("and others that wait for room spills those as well", async () => {
      const service = await listen("hang");
      const death = await run("waiting", { events: 60, maxBufferedBytes: 5_000 });
      expect(death).toMatchObject({ code: 3 });
      expect(spilled().events).toBe(60);
      await comeBack(service);
      await next();
      expect(eventsKept(service)).toBe(60);
    });
  });

  const lost = [
    [", those included that wait for room", "waiting", 60, 5_000],
    ["", "exit", 42, undefined],
  ] as const;
  it.each(lost.slice(0, full(1, lost.length)))(
    "and nowhere to put them says how many are lost%s",
    async (_, way, events, maxBufferedBytes) => {
      await listen("hang");
      const death = await run(way, {
        events,
        spill: false,
        ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
      });
      expect(death.output).toContain(`ends with ${String(events)} events unsent`);
    },
  );

  onlyInFull(() => {
    it("and no room to write them says how many are lost, leaves nothing half written, and keeps what was there", async () => {
      const service = await listen("hang");
      await run("exit", { events: 5 });
      const [name = ""] = readdirSync(folder);
      const before = readFileSync(join(folder, name));
      const death = await run("exit", { events: 400, maxFileBytes: 8 * 1024 });
      expect(death.output).toMatch(/400 events are lost: \S+ could not be written/);
      expect(readdirSync(folder)).toEqual([name]);
      expect(readFileSync(join(folder, name)).equals(before)).toBe(true);
      await comeBack(service);
      await next();
      expect(eventsKept(service)).toBe(5);
    });
  });
});

describe("process 1 of a container", () => {
  /** Signals that come from outside reach it only where it has a listener, and the default action is to do nothing. */
  async function runAsProcess1(how: readonly string[] = []): Promise<{ death: Death; service: FakeServer }> {
    const service = await listen(202);
    const life: Life = {
      url: service.url,
      way: "signal",
      events: 30,
      spillPath,
      ...(how.length > 0 && { throwAtExit: true }),
    };
    const inContainer = watch(
      ["unshare", "--pid", "--fork", "--kill-child", process.execPath, dying, JSON.stringify(life)],
      (child) => {
        const inside = readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/children`, "utf8");
        process.kill(Number(inside), "SIGTERM");
      },
    );
    // Should it never end.
    const timer = setTimeout(() => {
      inContainer.kill("SIGKILL");
    }, 60_000);
    const death = await inContainer.death;
    clearTimeout(timer);
    return { death, service };
  }

  const reason = whyNoNamespace();

  it("sends everything and ends, with the code of the signal", async ({ skip }) => {
    skip(reason !== undefined, reason);
    const { death, service } = await runAsProcess1();
    expect(death).toMatchObject({ code: 143, signal: null });
    expect(eventsKept(service)).toBe(30);
    expect(readdirSync(folder)).toEqual([]);
  });

  onlyInFull(() => {
    it("ends also when other listeners for the end throw", async ({ skip }) => {
      skip(reason !== undefined, reason);
      const { death } = await runAsProcess1(["throwing"]);
      expect(death).toMatchObject({ code: 143, signal: null });
    });
  });
});

describe("a queue in a worker thread", () => {
  async function runThreads(how: "signal" | "exit" | "worker-exit" | "alone"): Promise<Death> {
    const program = [process.execPath, threads, server?.url ?? "", spillPath, how];
    return watch(program, (child) => {
      if (how === "signal") child.kill("SIGTERM");
    }).death;
  }

  it("sends everything after a signal, when the main thread has called drainOnExit too", async () => {
    const service = await listen({ status: 202, delayMs: 20 });
    expect(await runThreads("signal")).toMatchObject({ signal: "SIGTERM" });
    expect(eventsKept(service)).toBe(20);
    expect(readdirSync(folder)).toEqual([]);
  });

  const exits = [
    ["the worker thread calls process.exit", "worker-exit"],
    ["the main thread does", "exit"],
  ] as const;
  it.each(exits.slice(0, full(1, exits.length)))("spills everything when %s", async (_, how) => {
    await listen("hang");
    await runThreads(how);
    expect(spilled().events).toBe(20);
  });

  onlyInFull(() => {
    it("says that it hears of no signal when the main thread has not", async () => {
      await listen("hang");
      const { output } = await runThreads("alone");
      expect(output).toContain("Call drainOnExit in the main thread as well");
    });
  });
});

describe("what a process left", () => {
  /** Leaves what a process does that ends with events unsent; asked for the exhaustive forms, it is one that leaves it. */
  async function leave(count: number): Promise<void> {
    if (FULL) {
      await run("exit", { events: count });
      return;
    }
    const events = Array.from({ length: count }, () => JSON.stringify(screenView("left")));
    new SpillFiles(spillPath, "k").write([{ requestId: "r-1", context: '{"environment":"development"}', events }]);
  }

  it("stays while the next one has not delivered it, however that one dies", async () => {
    const service = await listen("hang");
    await leave(20);
    expect(await run("signal", { events: 0, signal: "SIGKILL" })).toMatchObject({ signal: "SIGKILL" });
    expect(spilled().events).toBe(20);
    expect(await run("exit", { events: 7 })).toMatchObject({ code: 3 });
    expect(spilled().events).toBe(27);
    await comeBack(service);
    await next();
    expect(service.counts()).toMatchObject({ acceptedEventsOnce: 27, acceptedEvents: 27 });
    expect(readdirSync(folder)).toEqual([]);
  });

  onlyInFull(() => {
    it("stays when the next one closes its queue out of time", async () => {
      const service = await listen("hang");
      await run("exit", { events: 20 });
      expect(await run("close", { events: 3 })).toMatchObject({ code: 0 });
      await comeBack(service);
      await next();
      expect(service.counts()).toMatchObject({ acceptedEventsOnce: 23, acceptedEvents: 23 });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  onlyInFull(() => {
    it("stays when the next one has given it up, as far as that was not delivered", async () => {
      const service = await listen("hang");
      await run("exit", { events: 5, eventBytes: 90_000 }); // five users, two of them in a request
      const { ids } = spilled();
      await comeBack(service);
      service.script(({ batches }) => (batches.some((batch) => batch.source_request_id === ids[0]) ? 202 : 503));
      await next({ maxElapsedMs: 60 });
      expect(service.acceptedIds().size).toBe(2);
      expect(spilled().ids).toEqual(ids.slice(2));
      await comeBack(service);
      await next();
      expect(service.counts()).toMatchObject({ acceptedEventsOnce: 5, acceptedEvents: 5 });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  onlyInFull(() => {
    it("is kept by one that started before it and ends after it", async () => {
      const service = await listen("hang");
      const old = start("signal", { events: 5 });
      await old.added;
      const successor = start("signal", { events: 2, timeoutMs: 50 });
      await successor.added;
      old.kill("SIGINT");
      old.kill("SIGTERM");
      await old.death;
      expect(spilled().events).toBe(5);
      successor.kill("SIGTERM");
      await successor.death;
      expect(spilled().events).toBe(7);
      await comeBack(service);
      await next();
      expect(service.counts()).toMatchObject({ acceptedEventsOnce: 7, acceptedEvents: 7 });
    });
  });

  onlyInFull(() => {
    it("is kept when several share a path, and die at once", async () => {
      const service = await listen("hang");
      const processes = [3, 5, 7, 11].map((events) => start("signal", { events, timeoutMs: 50 }));
      await Promise.all(processes.map(({ added }) => added));
      for (const process of processes) process.kill("SIGTERM");
      await Promise.all(processes.map(({ death }) => death));
      expect(spilled().events).toBe(26);
      await comeBack(service);
      await next();
      expect(service.counts()).toMatchObject({ acceptedEventsOnce: 26, acceptedEvents: 26 });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  onlyInFull(() => {
    it("is kept by one that has nothing to leave", async () => {
      const service = await listen("hang");
      const old = start("signal", { events: 5, timeoutMs: 50 });
      await old.added;
      const successor = start("signal", { events: 0 });
      await successor.added;
      old.kill("SIGTERM");
      await old.death;
      successor.kill("SIGTERM");
      await successor.death;
      expect(spilled().events).toBe(5);
      await comeBack(service);
      await next();
      expect(eventsKept(service)).toBe(5);
    });
  });
});

describe("drainOnExit", () => {
  const said: string[] = [];
  const log = (message: string): void => {
    said.push(message);
  };
  const logger = { debug: log, info: log, warn: log, error: log };
  const client = new EventsClient({ apiKey: "k", apiSecret: "s", logger });

  beforeEach(() => {
    said.length = 0;
  });

  function leave(text: string): void {
    writeFileSync(`${spillPath}.0b0e4f0a-6b0c-4a3e-8f57-6a1d1c1f2e3d`, text);
  }

  it.each([
    [
      "a spill file that is damaged",
      "mparticle-events spill 1 0b0e4f0a\n",
      /nothing of it is sent\. It was kept as \S+\.damaged-/,
    ],
    ["a file of zeros", "\0".repeat(4096), /nothing of it is sent\. It was kept as \S+\.damaged-/],
    [
      "a file of another input",
      `mparticle-events spill 1 0b0e4f0a-6b0c-4a3e-8f57-6a1d1c1f2e3d 0 ${"0".repeat(16)}\n`,
      /another input/,
    ],
    ["a file of somebody else", '{"customers":[]}\n', /does not begin as a spill file; it was left alone/],
  ])("tells the logger, or the console when there is none, of %s, and goes on", async (_, text, message) => {
    leave(text);
    drainOnExit(new EventQueue(client), { spillPath })();
    expect(said).toEqual([expect.stringMatching(message)]);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    leave(text);
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const fetch = recordingFetch(202);
    const silent = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch }));
    const stop = drainOnExit(silent, { spillPath });
    expect(warn.mock.calls).toEqual([[expect.stringMatching(message)]]);
    warn.mockRestore();
    await silent.add({ environment: "development" }, screenView("still works"));
    await silent.close();
    stop();
    expect(fetch.accepted()).toHaveLength(1);
  });

  it("sends nine records of ten when one of them cannot be read", async () => {
    const ten = Array.from({ length: 10 }, (_, n): StoredBatch => ({
      requestId: `r-${String(n)}`,
      context: '{"environment":"development"}',
      events: n === 4 ? ['{"tags":["a",,"c"]}'] : ["{}"],
    }));
    new SpillFiles(spillPath, "k").write(ten);
    const fetch = recordingFetch(202);
    const drained = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, logger }));
    const stop = drainOnExit(drained, { spillPath });
    await drained.flush();
    expect(fetch.acceptedIds().size).toBe(9);
    expect(said).toContainEqual(expect.stringContaining("1 of 10 batches cannot be read; the other 9 are sent"));
    await vi.waitFor(() => {
      expect(readdirSync(folder)).toEqual([expect.stringContaining(".damaged-")]);
    });
    stop();
  });

  describe("with much that an earlier process left", () => {
    const LEFT = 100;
    const stored = (n: number, requestId = `left-${String(n)}`): StoredBatch => ({
      requestId,
      context: '{"environment":"development","user_identities":{"customer_id":"1"}}',
      events: [JSON.stringify(screenView("x".repeat(20_000)))],
    });
    const left = Array.from({ length: LEFT }, (_, n) => stored(n));
    const user: UserContext = { environment: "development", user_identities: { customer_id: "1" } };
    const script = vi.fn((): FetchStep => 202);
    let queue: EventQueue;
    let stop: () => void;
    let fetch: RecordingFetch;

    beforeEach(() => {
      new SpillFiles(spillPath, "k").write(left);
      script.mockReset().mockReturnValue(202);
      fetch = recordingFetch(script);
    });

    afterEach(async () => {
      await queue.close({ timeoutMs: 0 });
      stop();
    });

    function start(options: EventQueueOptions = {}): void {
      queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, logger }), options);
      stop = drainOnExit(queue, { spillPath, signals: ["SIGUSR2"] });
    }

    it("takes it in over many turns of the event loop, before what is added", async () => {
      start();
      const added = queue.add(user, screenView("after"));
      let before = queue.stats().batches.added;
      let most = before;
      while (queue.stats().batches.added < LEFT) {
        await new Promise((resolve) => setImmediate(resolve));
        most = Math.max(most, queue.stats().batches.added - before);
        before = queue.stats().batches.added;
      }
      expect(most).toBeLessThanOrEqual(16);
      await added;
      expect(await queue.flush()).toBe(true);
      const sent = fetch.accepted();
      expect(sent.slice(0, LEFT).map(({ source_request_id }) => source_request_id)).toEqual(
        left.map(({ requestId }) => requestId),
      );
      expect(sent).toHaveLength(LEFT + 1);
      await vi.waitFor(() => {
        expect(readdirSync(folder)).toEqual([]);
      });
    });

    it("takes in no more than there is room for, the rest when there is", async () => {
      script.mockReturnValue("hang");
      start({ maxBufferedBytes: 200_000 });
      void queue.add(user, screenView("after")).catch(() => undefined);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(queue.stats()).toMatchObject({ batches: { added: 9 }, waitingAdds: 1 });
      expect(spilled().ids).toHaveLength(LEFT);
    });

    it("is drained to its end by a flush, as there is room", async () => {
      start({ maxBufferedBytes: 200_000 });
      expect(await queue.flush()).toBe(true);
      expect(fetch.acceptedIds().size).toBe(LEFT);
    });

    it("leaves all of it where it is when the queue gives up before it has read all", async () => {
      script.mockReturnValue("hang");
      start({ maxBufferedBytes: 200_000 });
      const { unsent } = await queue.close({ timeoutMs: 0 });
      expect(unsent.length).toBeLessThan(LEFT);
      expect(spilled().ids).toHaveLength(LEFT);
    });

    it("spills what waits for it when the process ends, and leaves it where it is", async () => {
      start();
      const added = queue.add(user, screenView("after"));
      process.once("SIGUSR2", () => undefined);
      process.emit("SIGUSR2", "SIGUSR2");
      expect(spilled().events).toBe(LEFT + 1);
      await added;
    });
  });

  it.each([
    ["hold", 0, 1],
    ["release", 1, 0],
    ["drop", 0, 0],
  ] as const)("lets beforeSend decide anew about what was held back: %s", async (decision, sent, left) => {
    const held = { requestId: "held:0:an-id", context: '{"environment":"development"}', events: ["{}"] };
    new SpillFiles(spillPath, "k").write([held]);
    const beforeSend: BeforeSend = (batch, { hold, drop }) =>
      decision === "hold" ? hold("not asked yet") : decision === "drop" ? drop("objected") : batch;
    const fetch = recordingFetch(202);
    const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, logger }), { beforeSend });
    const stop = drainOnExit(queue, { spillPath, signals: ["SIGUSR2"] });
    await queue.flush();
    expect([...fetch.acceptedIds().keys()]).toEqual(["an-id"].slice(0, sent));
    process.once("SIGUSR2", () => undefined);
    process.emit("SIGUSR2", "SIGUSR2");
    await vi.waitFor(() => {
      expect(spilled()).toEqual({ ids: [held.requestId].slice(0, left), events: left });
    });
    stop();
    await queue.close();
  });

  it("sends what was held back by a beforeSend that there is no more, under its own id", async () => {
    new SpillFiles(spillPath, "k").write([
      { requestId: "held:0:an-id", context: '{"environment":"development"}', events: ["{}"] },
    ]);
    const fetch = recordingFetch(202);
    const queue = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, logger }));
    const stop = drainOnExit(queue, { spillPath });
    await queue.close();
    expect([...fetch.acceptedIds().keys()]).toEqual(["an-id"]);
    stop();
  });

  it("waits half of the ten seconds that most platforms give, by default", async () => {
    const queue = new EventQueue(client);
    const flush = vi.spyOn(queue, "flush");
    process.once("SIGUSR2", () => undefined);
    const stop = drainOnExit(queue, { signals: ["SIGUSR2"] });
    process.emit("SIGUSR2", "SIGUSR2");
    await vi.waitFor(() => {
      expect(flush).toHaveBeenCalledWith({ timeoutMs: 5_000 });
    });
    stop();
  });

  it("sends what an earlier process left to its own input, and once, though queues share the path", async () => {
    const left = (id: string): StoredBatch => ({ requestId: id, context: '{"environment":"development"}', events: [] });
    for (const apiKey of ["A", "B"]) new SpillFiles(spillPath, apiKey).write([left(`for ${apiKey}`)]);
    const fetches = ["A", "A", "B"].map((apiKey) => {
      const fetch = recordingFetch(202);
      const drained = new EventQueue(new EventsClient({ apiKey, apiSecret: "s", fetch, logger }));
      const stop = drainOnExit(drained, { spillPath });
      return { fetch, drained, stop };
    });
    for (const { drained } of fetches) await drained.flush();
    expect(fetches.map(({ fetch }) => [...fetch.acceptedIds().keys()])).toEqual([["for A"], [], ["for B"]]);
    await vi.waitFor(() => {
      expect(readdirSync(folder)).toEqual([]);
    });
    expect(said).toContainEqual(expect.stringContaining("another input"));
    for (const { stop } of fetches) stop();
  });

  it("keeps an id for what it was kept with: what is added after a spill has a batch of its own", async () => {
    let isUp = false;
    const fetch = recordingFetch(() => (isUp ? 202 : "hang"));
    const drained = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, timeoutMs: 100 }), {
      concurrency: 1,
    });
    const stop = drainOnExit(drained, { spillPath, timeoutMs: 50, signals: ["SIGUSR2"] });
    process.once("SIGUSR2", () => undefined);
    const user = (id: string): UserContext => ({ environment: "development", user_identities: { customer_id: id } });
    await drained.add(user("travels"), screenView("first"));
    void drained.flush();
    await sleep(20);
    await drained.add(user("waits"), screenView("second"));
    process.emit("SIGUSR2", "SIGUSR2");
    const { ids, events } = spilled();
    expect(events).toBe(2);
    await drained.add(user("waits"), screenView("third"));
    isUp = true;
    await drained.flush();
    const sizes = fetch.accepted().map(({ source_request_id, events }) => [source_request_id, events?.length] as const);
    expect(sizes.map(([, size]) => size)).toEqual([1, 1, 1]);
    expect(sizes.slice(0, 2).map(([id]) => id)).toEqual(ids);
    stop();
  });

  it("keeps the id under which it has spilled what waited for room, when that is sent after all", async () => {
    let isUp = false;
    const fetch = recordingFetch(() => (isUp ? 202 : "hang"));
    const drained = new EventQueue(new EventsClient({ apiKey: "k", apiSecret: "s", fetch, timeoutMs: 100 }), {
      maxBufferedBytes: 1,
    });
    const stop = drainOnExit(drained, { spillPath, timeoutMs: 50, signals: ["SIGUSR2"] });
    process.once("SIGUSR2", () => undefined);
    const user: UserContext = { environment: "development" };
    await drained.add(user, screenView("first"));
    const waiting = drained.add(user, screenView("second"));
    expect(drained.stats().waitingAdds).toBe(1);
    process.emit("SIGUSR2", "SIGUSR2");
    const { ids, events } = spilled();
    expect(events).toBe(2);
    await waiting;
    isUp = true;
    await drained.flush();
    expect(new Set(fetch.acceptedIds().keys())).toEqual(new Set(ids));
    stop();
  });

  it("takes an empty file for none", () => {
    writeFileSync(spillPath, "");
    drainOnExit(new EventQueue(client), { spillPath })();
    expect(said).toEqual([]);
  });

  it("refuses a folder that is not there, at once", () => {
    const path = join(folder, "missing", "file");
    expect(() => drainOnExit(new EventQueue(client), { spillPath: path })).toThrow(
      /missing\/file: its folder is not there, or cannot be written to/,
    );
  });

  it.each([
    [{ spillPath: 5 as unknown as string }, /`spillPath` is 5/],
    [{ timeoutMs: -1 }, /`timeoutMs` is -1/],
    [{ signals: "SIGTERM" as unknown as [] }, /`signals` is "SIGTERM"; expected a list/],
    [{ signals: ["SIGKILL"] as const }, /`signals` has "SIGKILL"/],
  ])("refuses %j, naming the option", (options, message) => {
    const before = process.listenerCount("exit");
    expect(() => drainOnExit(new EventQueue(client), options)).toThrow(message);
    expect(process.listenerCount("exit")).toBe(before);
  });

  it("listens once for all queues, and leaves no listener behind when all are taken back", () => {
    const events = ["SIGTERM", "SIGINT", "exit"] as const;
    const others = process.listenerCount("newListener");
    const before = events.map((event) => process.listenerCount(event));
    const stops = [0, 1].map(() => drainOnExit(new EventQueue(client), { spillPath }));
    const oneMore = before.map((count) => count + 1);
    expect(events.map((event) => process.listenerCount(event))).toEqual(oneMore);
    stops[0]?.();
    expect(events.map((event) => process.listenerCount(event))).toEqual(oneMore);
    stops[1]?.();
    expect(events.map((event) => process.listenerCount(event))).toEqual(before);
    expect(process.listenerCount("newListener")).toBe(others);
  });
});
