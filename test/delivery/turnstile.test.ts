import { describe, expect, it } from "vitest";
import type { OutgoingBatch } from "../../src/delivery/outgoing-batch.ts";
import type { RequestState } from "../../src/delivery/request-state.ts";
import { resolveRetry } from "../../src/delivery/retry.ts";
import { ServiceHealth } from "../../src/delivery/service-health.ts";
import { Turnstile, type Turn } from "../../src/delivery/turnstile.ts";
import { ApiError } from "../../src/errors.ts";
import { heldTime } from "./held-time.ts";

const ACCEPTED = { kind: "answer", status: 202, batches: 1 } as const;
const MAX_ELAPSED_MS = 60_000;

function batchOf(requestId: string): OutgoingBatch {
  return { texts: [], bytes: 2, requestId, handedOverAtMs: 0, settle: () => undefined };
}

function make({ concurrency = 1, rate = "auto" }: { concurrency?: number; rate?: "auto" | number } = {}) {
  const time = heldTime();
  const health = new ServiceHealth();
  const turnstile = new Turnstile({
    effects: time,
    health,
    pace: { rate, concurrency, random: time.random },
    concurrency,
  });
  const turns: [string, Turn, number][] = [];
  const requestOf = (name: string, said: Partial<RequestState> = {}): RequestState => ({
    path: "/bulkevents",
    batches: [batchOf(name)],
    signal: new AbortController().signal,
    handedOverAtMs: time.now(),
    retry: resolveRetry({ maxElapsedMs: MAX_ELAPSED_MS }),
    background: false,
    askedBeforeMs: turnstile.askedMs,
    blocked: undefined,
    attempts: 0,
    firstAttemptMs: undefined,
    ...said,
  });
  /** Notes what the request is told, and when. */
  const enter = (name: string, said: Partial<RequestState> = {}): void => {
    void turnstile.enter(requestOf(name, said)).then((turn) => turns.push([name, turn, time.now()]));
  };
  const askToWait = (retryAfterMs: number): void => {
    turnstile.leave({ kind: "answer", status: 503, batches: 1, retryAfterMs });
  };
  const fail = (): void => {
    health.observe({ kind: "failed", error: new ApiError(500, ""), stale: false }, time.now(), false);
  };
  return { time, health, turnstile, turns, requestOf, enter, askToWait, fail };
}

describe("whoever may not start yet", () => {
  it("starts when a place is free, in the order of the calls, with and without somebody who waits for them", async () => {
    const { time, turnstile, turns, enter } = make();
    enter("holder");
    enter("a");
    enter("b", { background: true });
    enter("c");
    enter("d", { background: true });
    await time.settle();
    expect(turns.map(([name]) => name)).toEqual(["holder"]);
    for (let left = 0; left < 4; left++) {
      turnstile.leave(ACCEPTED);
      await time.settle();
      expect(turns).toHaveLength(left + 2);
    }
    expect(turns.map(([name, turn]) => `${name} ${turn}`)).toEqual(["holder go", "a go", "b go", "c go", "d go"]);
  });

  it("starts behind one that returns for another attempt", async () => {
    const { time, turnstile, turns, enter } = make();
    enter("holder");
    enter("new");
    enter("returning", { attempts: 1, firstAttemptMs: 0 });
    turnstile.leave(ACCEPTED);
    await time.settle();
    expect(turns.map(([name]) => name)).toEqual(["holder", "returning"]);
  });

  it("starts as often as there are places, and no more", async () => {
    const { time, turnstile, turns, enter } = make({ concurrency: 3 });
    for (const name of ["a", "b", "c", "d", "e"]) enter(name);
    await time.settle();
    expect(turns.map(([name]) => name)).toEqual(["a", "b", "c"]);
    turnstile.leave(undefined);
    await time.settle();
    expect(turns.map(([name]) => name)).toEqual(["a", "b", "c", "d"]);
  });

  it("starts when the pace allows, by one timer", async () => {
    const { time, turns, enter } = make({ concurrency: 100, rate: 10 });
    for (let request = 0; request < 40; request++) enter(String(request));
    await time.settle();
    const atOnce = turns.length;
    expect(atOnce).toBeLessThan(40);
    expect(time.timers).toBe(1);
    await time.advance(1_000);
    expect(turns.length - atOnce).toBe(10);
    await time.advance(10_000);
    expect(turns).toHaveLength(40);
    expect(time.timers).toBe(0);
  });
});

describe("a request that enters now", () => {
  it("takes a place, and finds none while all are taken", () => {
    const { turnstile, requestOf } = make({ concurrency: 2 });
    expect([1, 2, 3].map((name) => turnstile.enterNow(requestOf(String(name))))).toEqual([true, true, false]);
    turnstile.leave(ACCEPTED);
    expect(turnstile.enterNow(requestOf("4"))).toBe(true);
  });

  it("does not overtake one that waits", async () => {
    const { time, turnstile, requestOf, enter, askToWait } = make({ concurrency: 2 });
    expect(turnstile.enterNow(requestOf("a"))).toBe(true);
    askToWait(1_000);
    enter("waits");
    await time.advance(900);
    expect(turnstile.enterNow(requestOf("b"))).toBe(false);
  });

  it("is refused when its signal has aborted, or when the service asked all to wait", () => {
    const { turnstile, requestOf, askToWait } = make();
    expect(turnstile.enterNow(requestOf("a", { signal: AbortSignal.abort() }))).toBe(false);
    expect(turnstile.enterNow(requestOf("b"))).toBe(true);
    askToWait(1_000);
    expect(turnstile.enterNow(requestOf("c"))).toBe(false);
  });
});

describe("a wait ends", () => {
  it("at once when the signal has aborted already, and takes no place", async () => {
    const { time, turns, turnstile, requestOf, enter } = make();
    enter("a", { signal: AbortSignal.abort() });
    await time.settle();
    expect(turns).toEqual([["a", "aborted", 0]]);
    expect(time.timers).toBe(0);
    expect(turnstile.enterNow(requestOf("b"))).toBe(true);
  });

  it("when the signal aborts, without a timer for nobody", async () => {
    const { time, turns, enter, askToWait, turnstile, requestOf } = make();
    turnstile.enterNow(requestOf("holder"));
    askToWait(5_000);
    const controller = new AbortController();
    enter("a", { signal: controller.signal });
    await time.advance(10);
    expect(time.timers).toBe(1);
    controller.abort();
    await time.settle();
    expect(turns).toEqual([["a", "aborted", 10]]);
    expect(time.timers).toBe(0);
  });

  it("when its time is up, counted from its first attempt, also with all places taken", async () => {
    const { time, turns, enter } = make();
    enter("holder");
    await time.advance(100);
    enter("returning", { attempts: 1, firstAttemptMs: 100 });
    await time.advance(MAX_ELAPSED_MS - 1);
    expect(turns).toHaveLength(1);
    await time.advance(1);
    expect(turns[1]).toEqual(["returning", "expired", MAX_ELAPSED_MS + 100]);
  });

  it("never for its first attempt while others succeed, and after its time while the service fails", async () => {
    const { time, turns, turnstile, enter, fail } = make();
    enter("holder");
    enter("new");
    await time.advance(10 * MAX_ELAPSED_MS);
    expect(turns).toHaveLength(1);
    fail();
    turnstile.leave({ kind: "failure" });
    await time.settle();
    expect(turns[1]?.slice(0, 2)).toEqual(["new", "go"]);
    const failingSinceMs = time.now();
    enter("waits");
    await time.advance(MAX_ELAPSED_MS - 1);
    expect(turns).toHaveLength(2);
    await time.advance(1);
    expect(turns[2]).toEqual(["waits", "expired", failingSinceMs + MAX_ELAPSED_MS]);
  });

  it("each in its own time, whichever line it stands in", async () => {
    const { time, turns, enter, fail } = make();
    enter("holder");
    fail();
    enter("short", { retry: resolveRetry({ maxElapsedMs: 1_000 }), background: true });
    enter("long", { retry: resolveRetry({ maxElapsedMs: 3_000 }) });
    enter("returning", { retry: resolveRetry({ maxElapsedMs: 2_000 }), attempts: 1, firstAttemptMs: 0 });
    await time.advance(5_000);
    expect(turns.slice(1)).toEqual([
      ["short", "expired", 1_000],
      ["returning", "expired", 2_000],
      ["long", "expired", 3_000],
    ]);
    expect(time.timers).toBe(0);
  });
});

describe("a service that asks all requests to wait", () => {
  it("refuses whoever would run out of time before it lets anybody in, at once", async () => {
    const { time, turns, turnstile, requestOf, enter, askToWait, fail } = make();
    turnstile.enterNow(requestOf("holder"));
    fail();
    askToWait(10 * MAX_ELAPSED_MS);
    enter("called");
    enter("returning", { attempts: 1, firstAttemptMs: 0 });
    await time.settle();
    // Which of them is told first does not matter.
    expect(turns.sort()).toEqual([
      ["called", "refused", 0],
      ["returning", "refused", 0],
    ]);
  });

  it("does not use up the time of those for whom nobody waits", async () => {
    const { time, turns, turnstile, requestOf, askToWait, fail } = make();
    const background = requestOf("background", { background: true });
    turnstile.enterNow(requestOf("holder"));
    fail();
    askToWait(10 * MAX_ELAPSED_MS);
    void turnstile.enter(background).then((turn) => turns.push(["background", turn, time.now()]));
    await time.advance(10 * MAX_ELAPSED_MS - 1);
    expect(turns).toEqual([]);
    expect(turnstile.expiryOf(background)).toBe(MAX_ELAPSED_MS + turnstile.askedMs);
    await time.advance(20_000);
    expect(turns.map(([name, turn]) => [name, turn])).toEqual([["background", "go"]]);
  });

  it("is counted once, however many requests are told the same", async () => {
    const { time, turnstile, requestOf, askToWait } = make({ concurrency: 4 });
    for (const name of ["a", "b", "c", "d"]) turnstile.enterNow(requestOf(name));
    expect([turnstile.askedUntilMs, turnstile.askedMs]).toEqual([-Infinity, 0]);
    askToWait(1_000);
    const untilMs = turnstile.askedUntilMs;
    expect(untilMs).toBeGreaterThanOrEqual(1_000);
    expect([turnstile.pausedUntilMs, turnstile.askedMs]).toEqual([untilMs, untilMs]);
    askToWait(500);
    expect([turnstile.askedUntilMs, turnstile.askedMs]).toEqual([untilMs, untilMs]);
    await time.advance(100);
    // The second request for longer counts from the end of the first one.
    askToWait(5_000);
    expect(turnstile.askedUntilMs).toBeGreaterThan(untilMs);
    expect(turnstile.askedMs).toBe(turnstile.askedUntilMs);
    await time.advance(20_000);
    const [beforeUntilMs, beforeMs] = [turnstile.askedUntilMs, turnstile.askedMs];
    expect(beforeUntilMs).toBeLessThan(time.now());
    askToWait(1_000);
    // And one after a silence from now.
    expect(turnstile.askedMs - beforeMs).toBe(turnstile.askedUntilMs - time.now());
  });

  it("is no pause that the client made by itself", () => {
    const { turnstile, requestOf } = make({ concurrency: 2 });
    turnstile.enterNow(requestOf("a"));
    turnstile.enterNow(requestOf("b"));
    turnstile.leave({ kind: "answer", status: 429, batches: 1 });
    turnstile.leave({ kind: "answer", status: 429, batches: 1, retryAfterMs: 0 });
    expect(turnstile.pausedUntilMs).toBeGreaterThan(0);
    expect([turnstile.askedUntilMs, turnstile.askedMs]).toEqual([-Infinity, 0]);
  });
});
