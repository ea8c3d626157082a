import { afterEach, describe, expect, it, vi } from "vitest";
import type { EventQueue, EventQueueOptions, EventsClientOptions, Outcome, UserContext } from "mparticle-events";
import { countTurns, event, startQueue, turns, user } from "./a-queue.ts";

let queue: EventQueue;

afterEach(async () => {
  await queue.close({ timeoutMs: 0 });
});

/** So many times in one go would not end in a test. */
const ENOUGH = 5_000;

describe("whoever is told of an outcome and adds again", () => {
  it.each(["drop-oldest", "drop-newest"] as const)("does not keep an add from returning, with %s", async (overflow) => {
    let told = 0;
    const again = (): void => {
      if (told++ < ENOUGH) void queue.add(user("again"), event("again", 1_000));
    };
    ({ queue } = startQueue({ script: "hang", queue: { overflow, maxBufferedBytes: 3_000, onOutcome: again } }));
    for (let n = 0; n < 5; n++) {
      const before = told;
      void queue.add(user(n), event(n, 1_000));
      // What it dropped itself, and not what came of that.
      expect(told - before).toBeLessThanOrEqual(3);
    }
    const before = told;
    await turns(20);
    // What comes of it goes on, turn by turn.
    expect(told).toBeGreaterThan(before);
    expect(told).toBeLessThan(before + 500);
  });

  it("does not keep an add from returning that is refused", async () => {
    let told = 0;
    const again = (): void => {
      if (told++ < ENOUGH) void queue.add({} as UserContext);
    };
    ({ queue } = startQueue({ queue: { onOutcome: again } }));
    void queue.add({} as UserContext);
    expect(told).toBe(1);
    await turns(20);
    expect(told).toBeGreaterThan(5);
    expect(told).toBeLessThan(50);
  });

  it.each<[string, (again: () => void) => Partial<EventsClientOptions>]>([
    ["the client's observer", (again) => ({ onOutcome: again })],
    ["the logger", (again) => ({ logger: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: again } })],
  ])("does not keep an add from returning when it is %s", (_, client) => {
    let told = 0;
    ({ queue } = startQueue({
      client: client(() => {
        if (told++ < ENOUGH) void queue.add({} as UserContext);
      }),
    }));
    void queue.add({} as UserContext);
    expect(told).toBe(1);
  });

  it("finds the event taken in for which others were dropped", async () => {
    const seen: unknown[] = [];
    ({ queue } = startQueue({
      script: "hang",
      queue: {
        overflow: "drop-oldest",
        maxBufferedBytes: 3_000,
        onOutcome: () => seen.push({ ...queue.stats().events }),
      },
    }));
    for (let n = 0; n < 3; n++) await queue.add(user(n), event(n, 1_000));
    expect(seen).toEqual([{ added: 3, accepted: 0, rejected: 0, undelivered: 1, pending: 2 }]);
  });

  it("is told of all that comes of it before a flush and a close end", async () => {
    const outcomes: Outcome[] = [];
    ({ queue } = startQueue({
      queue: {
        onOutcome: (outcome) => {
          outcomes.push(outcome);
          if (outcomes.length < 4) void queue.add({} as UserContext);
        },
      },
    }));
    void queue.add({} as UserContext);
    expect(outcomes).toHaveLength(1);
    await queue.flush();
    expect(outcomes).toHaveLength(2);
    await queue.close();
    expect(outcomes.length).toBeGreaterThanOrEqual(3);
  });
});

describe("adding in a loop, each awaited", () => {
  const invalid = {} as UserContext;

  // A user alone is little to read: many of them are one turn's work.
  it.each<[string, () => unknown, EventQueueOptions, number]>([
    ["a user without events", () => queue.add(user("1")), {}, 5_000],
    ["what is refused", () => queue.add(invalid), {}, 500],
    ["what is rejected for want of room", () => queue.add(user("2"), event("b", 600)), { overflow: "reject" }, 500],
    ["what is dropped", () => queue.add(user("2"), event("b", 600)), { overflow: "drop-newest" }, 500],
  ])("lets the event loop go on, when it is %s", async (_, add, options, count) => {
    const bound = options.overflow === undefined ? {} : { maxBufferedBytes: 1_000 };
    ({ queue } = startQueue({ script: "hang", queue: { ...options, ...bound } }));
    await queue.add(user("1"), event("a", 600));
    const stop = countTurns();
    for (let n = 0; n < count; n++) await Promise.resolve(add()).catch(() => undefined);
    // Without a user's bytes it would be none.
    expect(stop()).toBeGreaterThan(1);
  });

  it("lets the event loop go on with an outbox that never waits for anything", async () => {
    const done = (): Promise<void> => Promise.resolve();
    const outbox = {
      ...{ open: done, append: done, remove: done, setAside: done, close: done },
      recover: () => [] as never,
    };
    ({ queue } = startQueue({ script: "hang", queue: { outbox } }));
    await queue.flush();
    const stop = countTurns();
    for (let n = 0; n < 1_000; n++) await queue.add(user("1"), event("a", 100));
    expect(stop()).toBeGreaterThan(1);
  });
});
