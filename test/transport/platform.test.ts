import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as node from "../../src/transport/platform-node.ts";
import * as web from "../../src/transport/platform-web.ts";
import { EXCHANGE } from "../../src/transport/exchange.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each([
  ["Node", node],
  ["every other runtime", web],
])("the platform of %s", (_, platform) => {
  it.each([
    ["nothing", ""],
    ["ASCII", "abc"],
    ["characters of two, three and four bytes", "ü€😀"],
    ["halves of a pair, which become replacement characters", "a\ud83d b\ude00"],
    ["more than is measured at once", "ü€😀x".repeat(20_000)],
    ["a pair across the end of what is measured at once", `${"x".repeat(65_534)}😀${"x".repeat(65_536)}`],
  ])("counts the bytes of a text in UTF-8: %s", (_, text) => {
    expect(platform.utf8Length(text)).toBe(Buffer.from(text).length);
  });

  it("runs a task soon: once what is ready now has run, and not before", async () => {
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      platform.runSoon(() => {
        order.push("soon");
        resolve();
      });
    });
    void Promise.resolve()
      .then(() => undefined)
      .then(() => order.push("ready"));
    order.push("now");
    await done;
    expect(order).toEqual(["now", "ready", "soon"]);
  });

  it("calls back after a while, unless that is taken back", async () => {
    const called: string[] = [];
    const takeBack = platform.startTimer(() => called.push("taken back"), 1);
    takeBack();
    const startedMs = platform.now();
    await new Promise<void>((resolve) => {
      platform.startTimer(resolve, 20);
    });
    // Timers of Node may be a millisecond early.
    expect(platform.now() - startedMs).toBeGreaterThanOrEqual(18);
    expect(called).toEqual([]);
  });

  it("lets real time pass while a test has put fake timers in place of the real ones", async () => {
    vi.useFakeTimers();
    const beforeMs = platform.now();
    await new Promise<void>((resolve) => {
      platform.startTimer(resolve, 2);
    });
    await new Promise<void>((resolve) => {
      platform.runSoon(resolve);
    });
    expect(platform.now()).toBeGreaterThan(beforeMs);
  });

  it("gives what a task gives that runs in a captured context, and what it throws", () => {
    const run = platform.captureContext();
    expect(run(() => "result")).toBe("result");
    expect(() =>
      run(() => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
  });
});

/** A platform by itself: what is shared in a process has no other users there. */
async function freshNode(): Promise<typeof node> {
  const path = "../../src/transport/platform-node.ts?fresh";
  return (await import(/* @vite-ignore */ path)) as typeof node; // the same file under another name
}

describe("the platform of Node", () => {
  it("keeps the process alive for a timer, unless it is idle", () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const takeBackIdle = node.startTimer(() => undefined, 60_000, "idle");
    expect(timers()).toBe(before);
    const takeBack = node.startTimer(() => undefined, 60_000);
    expect(timers()).toBe(before + 1);
    takeBack();
    takeBackIdle();
    expect(timers()).toBe(before);
  });

  it("runs a task with the values of the context in which that was captured", () => {
    const user = new AsyncLocalStorage<string>();
    const run = user.run("ada", () => node.captureContext());
    expect(user.run("bob", () => run(() => user.getStore()))).toBe("ada");
    expect(user.getStore()).toBeUndefined();
  });

  it("publishes on a channel of diagnostics_channel, and hears one until it is told to stop", () => {
    const name = "mparticle-events:test-of-the-platform";
    const channel = node.channel(name);
    expect(channel.hasSubscribers).toBe(false);
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    subscribe(name, listen);
    channel.publish({ n: 1 });
    unsubscribe(name, listen);
    const stop = node.onMessage(name, listen);
    expect(channel.hasSubscribers).toBe(true);
    channel.publish({ n: 2 });
    stop();
    channel.publish({ n: 3 });
    expect(told).toEqual([{ n: 1 }, { n: 2 }]);
    expect(channel.hasSubscribers).toBe(false);
  });

  it("calls everybody who asked for it when the process would end, until they take it back", async () => {
    const { onIdleExit } = await freshNode();
    const before = new Set(process.listeners("beforeExit"));
    const added = () => process.listeners("beforeExit").filter((listener) => !before.has(listener));
    const called: string[] = [];
    const stops = [onIdleExit(() => called.push("one"))];
    const [drainAll, ...others] = added();
    expect(others).toEqual([]);
    stops.push(onIdleExit(() => called.push("two")));
    expect(added()).toEqual([drainAll]);
    drainAll!(0);
    stops[0]!();
    drainAll!(0);
    expect(added()).toEqual([drainAll]);
    stops[1]!();
    expect(added()).toEqual([]);
    expect(called).toEqual(["one", "two", "two"]);
  });

  it("sends by node:http as a rule, through the exchange that is below fetch", () => {
    expect(node.createDefaultFetch({ maxSockets: 3 })[EXCHANGE]).toBeTypeOf("function");
  });
});

describe("the platform of every other runtime", () => {
  it("sends by the global fetch that there is at the time, called as the plain function that it is", async () => {
    const fetch = web.createDefaultFetch({ maxSockets: 3 });
    expect(fetch[EXCHANGE]).toBeUndefined();
    const request = new Request("http://127.0.0.1:1/v2", { method: "POST", body: "{}" });
    const response = new Response(null, { status: 202 });
    const installedLater = vi.spyOn(globalThis, "fetch").mockResolvedValue(response);
    expect(await fetch(request)).toBe(response);
    expect(installedLater.mock.calls).toEqual([[request]]);
  });

  it("has nobody who listens to channels, nothing to hear and no end to be told of", async () => {
    const channel = web.channel("mparticle-events:test-of-the-platform");
    expect(channel.hasSubscribers).toBe(false);
    const told = vi.fn();
    const stop = web.onMessage("mparticle-events:test-of-the-platform", told);
    channel.publish({});
    stop();
    const listeners = process.listenerCount("beforeExit");
    const stopExit = web.onIdleExit(told);
    expect(process.listenerCount("beforeExit")).toBe(listeners);
    stopExit();
    await nextTurn();
    expect(told).not.toHaveBeenCalled();
  });
});
