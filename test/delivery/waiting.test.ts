import { describe, expect, it, vi } from "vitest";
import { EventQueue, EventsClient, screenView, type EventsClientOptions, type Outcome } from "mparticle-events";
import { AwakeTime } from "../../src/delivery/awake-time.ts";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";
import { heldTime } from "./held-time.ts";
import { good, makeClient } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";

const asks = (seconds: number): FetchStep => ({ status: 429, headers: { "retry-after": String(seconds) } });

describe("a service that asks for a longer wait than there is time", () => {
  const options: Partial<EventsClientOptions> = { retry: { maxElapsedMs: 60_000 }, logger: undefined };

  it("has all calls given up at once, those that come later too, with what it said", async () => {
    const time = heldTime();
    const client = makeClient([asks(3_600), 202], time, options);
    await expect(client.upload(good("first"))).rejects.toMatchObject({ code: "RATE_LIMITED", attempts: 1 });
    const second = client.upload(good("second"));
    await expect(second).rejects.toMatchObject({
      name: "ApiError",
      code: "RATE_LIMITED",
      status: 429,
      attempts: 0,
      requestIds: ["second"],
      retryable: true,
    });
    await expect(second).rejects.toThrow(
      /^Not sent: the service asks for a wait of 3600\d\d\d ms, and `maxElapsedMs` is 60000/,
    );
    expect(await client.uploadBulk([good("bulk")])).toMatchObject([{ kind: "undelivered", error: { status: 429 } }]);
    expect(time.timers).toBe(0);
    await time.advance(3_500_000);
    await expect(client.upload(good("early"))).rejects.toMatchObject({ code: "RATE_LIMITED" });
    // What has time until the end of the pause waits for it.
    const waiting = client.upload(good("in time"));
    waiting.catch(() => undefined);
    await time.advance(50_000);
    const last = client.upload(good("last"));
    await time.advance(60_000);
    await expect(last).resolves.toMatchObject({ attempts: 1 });
  });

  it("has a delivery wait, for nobody waits for it", async () => {
    const time = virtualTime();
    const client = makeClient([asks(3_600), 202], time, options);
    const outcomes: Outcome[] = [];
    for await (const outcome of client.deliver([good("1"), good("2")])) outcomes.push(outcome);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
    expect(time.now()).toBeGreaterThan(3_600_000);
  });

  it("has a queue wait as well, and its time goes on after the pause", async () => {
    const time = virtualTime();
    const client = makeClient([asks(3_600), 503], time, options);
    const queue = new EventQueue(client, { onOutcome: () => undefined });
    await queue.add({ environment: "development" }, screenView("Home"));
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ undelivered: 1 });
    expect(time.now()).toBeGreaterThan(3_600_000);
    expect(time.now()).toBeLessThan(3_600_000 + 80_000);
  });
});

describe("an upload that takes long", () => {
  function logger() {
    return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  }

  async function warningsOf(script: Script<FetchStep>, options: Partial<EventsClientOptions>): Promise<string[]> {
    const log = logger();
    const client = makeClient(script, virtualTime(), { logger: log, ...options });
    await client.uploadBulk([good("1")]);
    await client.uploadBulk([good("2")]);
    return log.warn.mock.calls.map(([message]) => String(message)).filter((message) => message.includes("said once"));
  }

  it("is said once, when it has been tried for five seconds", async () => {
    const warnings = await warningsOf(503, { retry: { maxElapsedMs: 20_000 } });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^Not accepted for \d+ s, next attempt in \d+ s, until 20 s have passed \(`retry.maxElapsedMs`\)/,
    );
    expect(warnings[0]).toContain("answered 503");
  });

  it("is said when it will wait that long, and not for less", async () => {
    expect(await warningsOf([asks(6), 202], {})).toHaveLength(1);
    expect(await warningsOf([asks(4), 202], {})).toHaveLength(0);
  });

  it("is said on the console without a logger", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    try {
      await makeClient([asks(10), 202], virtualTime()).upload(good("1"));
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^mparticle-events: Not accepted for 0 s, next attempt in 10 s/)],
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it.each<[string, (client: EventsClient) => Promise<unknown>, number]>([
    ["a single one for two minutes", (client) => client.upload(good("1")), 120_000],
    ["many for five", (client) => client.uploadBulk([good("1")]), 300_000],
  ])("is tried by default %s", async (_, send, longestMs) => {
    const time = virtualTime();
    const log = logger();
    await send(makeClient(503, time, { logger: log })).catch(() => undefined);
    expect(time.now()).toBeGreaterThan(longestMs - 20_000);
    expect(time.now()).toBeLessThanOrEqual(longestMs + 10_000);
  });
});

describe("a process that was frozen with a request in flight", () => {
  it.each([1, 2])("makes a further attempt when it goes on, with %d requests", async (count) => {
    let nowMs = 0;
    const time = { ...virtualTime(), now: () => nowMs };
    let requests = 0;
    const fetch = recordingFetch((): FetchStep => {
      if (++requests > count) return 202;
      // An hour passes between the request and its end.
      nowMs = 3_600_000;
      return { fault: "ECONNRESET" };
    });
    const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, retry: { maxElapsedMs: 60_000 } }, time);
    const ids = Array.from({ length: count }, (_, id) => String(id));
    const receipts = await Promise.all(ids.map((id) => client.upload(good(id))));
    for (const receipt of receipts) expect(receipt.attempts).toBe(2);
  });

  it("is not excused for what takes its time: a request that lasts as long as it may counts in full", () => {
    let nowMs = 0;
    const time = new AwakeTime({ ...virtualTime(), now: () => nowMs });
    nowMs = 31_000;
    time.endedBy(30_000);
    expect(time.now()).toBe(31_000);
    nowMs = 31_001;
    time.endedBy(30_000);
    expect(time.now()).toBe(30_000);
    // The same stop shows in everything that was under way, and counts once.
    time.endedBy(30_000);
    expect(time.now()).toBe(30_000);
  });

  it("is told of by several, and the stop counts once", () => {
    let nowMs = 0;
    const time = new AwakeTime({ ...virtualTime(), now: () => nowMs });
    nowMs = 60_000;
    time.stoodStill(59_000);
    time.endedBy(500);
    time.stoodStill(59_000);
    expect(time.now()).toBe(1_000);
    nowMs = 70_000;
    time.stoodStill(4_000);
    expect(time.now()).toBe(7_000);
  });

  it("has its timers tell of it", () => {
    let nowMs = 0;
    let ring = (): void => undefined;
    const time = new AwakeTime({
      now: () => nowMs,
      random: () => 0,
      startTimer: (callback) => {
        ring = callback;
        return () => undefined;
      },
    });
    const rang = vi.fn();
    time.startTimer(rang, 100);
    nowMs = 10_000;
    ring();
    expect(rang).toHaveBeenCalledTimes(1);
    expect(time.now()).toBe(100);
  });
});

describe("what stands in front of the service", () => {
  it.each([408, 421, 425])("is asked again after a %d", async (status) => {
    const client = makeClient([status, 202], virtualTime());
    await expect(client.upload(good("1"))).resolves.toMatchObject({ attempts: 2 });
  });

  it("is named when it is a proxy that wants credentials", async () => {
    const upload = makeClient([407, 202], virtualTime()).upload(good("1"));
    await expect(upload).rejects.toThrow("answered 407. A proxy on the way refused the request, and not the service");
    await expect(upload).rejects.toMatchObject({ retryable: false, attempts: 1 });
  });
});

describe("a percentage that cannot be", () => {
  it.each(["1e300", "100000"])("slows nothing: %s", async (percentage) => {
    const time = virtualTime();
    const header = (value: string): FetchStep => ({
      status: 202,
      headers: { "x-mp-rate-limit-percentage-used": value },
    });
    const client = makeClient(({ index }) => header(index === 1 ? percentage : "10"), time);
    for (let round = 0; round < 5; round++)
      await client.uploadBulk([good(`a${String(round)}`), good(`b${String(round)}`)]);
    expect(time.now()).toBe(0);
  });
});
