import { describe, expect, it, vi } from "vitest";
import {
  MParticleError,
  screenView,
  type Batch,
  type BeforeSend,
  type Event,
  type StoredBatch,
} from "mparticle-events";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import { toHeldStored, type HeldAdd, type HeldLimits } from "../../../src/delivery/queue/held-adds.ts";
import { LastWord, type LastWordOptions } from "../../../src/delivery/queue/last-word.ts";
import { turns, user } from "./a-queue.ts";

const nameOf = ({ events }: Pick<Batch, "events">): string => {
  const [event] = events ?? [];
  return event?.event_type === "screen_view" ? (event.data.screen_name ?? "") : "none";
};

const named = (name: string): Event => screenView(name);

/** A step that does what the first event is named. What was held goes on with what comes next of its user. */
const byName: BeforeSend = (batch, { drop, hold, release, discard }) => {
  const name = nameOf(batch);
  if (name.startsWith("hold") && !agreed.has(JSON.stringify(batch.events))) {
    agreed.add(JSON.stringify(batch.events));
    return hold("so it is named");
  }
  if (name === "drop") return drop("so it is named");
  if (name === "throw") throw new Error("on purpose");
  if (name === "release") release();
  if (name === "discard") discard("nobody agrees");
  return batch;
};

/** The events that were held once. */
const agreed = new Set<string>();

function make(steps: readonly BeforeSend[] = [byName], options: Partial<LastWordOptions> = {}) {
  const refused: (readonly [string, Verdict])[] = [];
  const settled: (readonly [StoredBatch, Verdict])[] = [];
  const released: HeldAdd[] = [];
  const forgotten: string[] = [];
  const kept: string[] = [];
  const limits: HeldLimits = { maxBytes: 1e9, maxPerUser: 100 };
  const lastWord = new LastWord({
    steps,
    limits,
    release: (held) => {
      released.push(held);
      return undefined;
    },
    releaseUnstored: vi.fn(),
    refuse: (_, events, verdict) => refused.push([nameOf({ events: [...events] }), verdict]),
    settle: (...given) => settled.push(given),
    keep: ({ requestId }) => {
      kept.push(requestId);
      return Promise.resolve();
    },
    forget: (requestId) => forgotten.push(requestId),
    ...options,
  });
  const add = (name: string, of = user(1), events = [named(name)]) => lastWord.on(of, events);
  /** Adds what is held; when that is done. */
  const hold = async (name: string, of = user(1)): Promise<void> => {
    const said = add(name, of);
    expect(said.kind).toBe("done");
    if (said.kind === "done") await said.taken;
  };
  return { lastWord, refused, settled, released, forgotten, kept, add, hold };
}

function deferred() {
  let end: (error?: Error) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  return { promise, end };
}

describe("what is added", () => {
  it("is sent as the steps leave it, without the id that one batch of it might have", () => {
    const { add } = make([(batch) => ({ ...batch, ip: "203.0.113.7", source_request_id: "r" })]);
    const said = add("a");
    expect(said).toMatchObject({ kind: "send", user: { ...user(1), ip: "203.0.113.7" }, events: [{}] });
    if (said.kind === "send") {
      expect(said.user).not.toHaveProperty("events");
      expect(said.user).toHaveProperty("source_request_id", undefined);
    }
    const withoutEvents = make([({ events: _, ...batch }) => batch]).add("a");
    expect(withoutEvents).toMatchObject({ kind: "send", events: [] });
  });

  it("is refused where a step drops it, with the reason", async () => {
    const { add, refused } = make();
    const said = add("drop");
    expect(said.kind).toBe("done");
    if (said.kind === "done") await expect(said.taken).resolves.toBeUndefined();
    expect(refused).toMatchObject([["drop", { kind: "rejected", error: { code: "DROPPED", requestIds: [] } }]]);
    expect(refused[0]?.[1]).toMatchObject({ error: { message: expect.stringContaining("so it is named") as unknown } });
  });

  it("is refused where a step throws, and where the user is none", () => {
    const { add, lastWord } = make();
    expect(() => add("throw")).toThrow("on purpose");
    for (const none of [null, {}, { ...user(1), events: [named("a")] }])
      expect(() => lastWord.on(none as never, [])).toThrow(expect.objectContaining({ code: "INVALID_BATCH" }) as Error);
  });
});

describe("what is held", () => {
  it("is kept under an id that says so, and counted as it is kept", async () => {
    const { lastWord, hold, kept } = make();
    expect([lastWord.stored(), lastWord.held.bytes]).toEqual([[], 0]);
    await hold("hold");
    const [held] = lastWord.held.list();
    expect(held).toMatchObject({ step: 0, events: 1, batch: { ...user(1), events: [{}] } });
    expect(kept).toEqual([`held:0:${held?.requestId ?? ""}`]);
    expect(lastWord.stored()).toEqual([toHeldStored(held!)]);
    const { context, events } = toHeldStored(held!);
    expect(lastWord.held.bytes).toBe(context.length + (events[0]?.length ?? 0) + 1);
  });

  it("may be a user without events", async () => {
    const { lastWord } = make([(_, { hold }) => hold("always")]);
    const said = lastWord.onCopy({ ...user(1) }, [], user(1), []);
    if (said.kind === "done") await said.taken;
    expect(lastWord.held.counts).toEqual({ events: 0, batches: 1 });
    const { lastWord: other } = make([({ events: _, ...rest }) => rest, (_, { hold }) => hold("always")]);
    other.onCopy({ ...user(1) }, [], user(1), []);
    expect(other.held.counts).toEqual({ events: 0, batches: 1 });
  });

  it("is let go with what is added of its user, from the step that held it", async () => {
    const seen: string[] = [];
    const first: BeforeSend = (batch) => {
      seen.push(nameOf(batch));
      return batch;
    };
    let isAgreed = false;
    const second: BeforeSend = (batch, { hold, release }) => {
      if (!isAgreed) return hold("not yet");
      release();
      return batch;
    };
    const { hold, add, released, settled, forgotten, lastWord } = make([first, second]);
    await hold("hold a");
    await hold("hold b");
    await hold("hold other", user(2));
    isAgreed = true;
    expect(add("c").kind).toBe("send");
    expect(released.map(({ batch, step }) => [nameOf(batch), step])).toEqual([
      ["hold a", 1],
      ["hold b", 1],
    ]);
    // The first step has seen each of them once.
    expect(seen).toEqual(["hold a", "hold b", "hold other", "c"]);
    expect([lastWord.held.counts.batches, settled, forgotten]).toEqual([1, [], []]);
  });

  it("ends as the steps say when it is let go: held again, dropped, or rejected when one throws", async () => {
    let how: "hold" | "drop" | "throw" | "send" = "hold";
    const step: BeforeSend = (batch, { drop, hold, release }) => {
      if (nameOf(batch) === "release") {
        release();
        return batch;
      }
      if (how === "drop") return drop("not wanted");
      if (how === "throw") throw new Error("on purpose");
      return how === "hold" ? hold("not yet") : batch;
    };
    for (const [then, expected] of [
      ["hold", []],
      ["drop", [{ kind: "rejected", error: { code: "DROPPED" } }]],
      ["throw", [{ kind: "rejected", error: { code: "INVALID_BATCH" } }]],
    ] as const) {
      how = "hold";
      const { hold, add, settled, forgotten, released, lastWord } = make([step]);
      await hold("a");
      const [held] = lastWord.held.list();
      how = then;
      expect(add("release").kind).toBe("send");
      expect(settled.map(([, verdict]) => verdict)).toMatchObject(expected);
      if (then === "drop") expect(settled).toMatchObject([[{}, { error: { requestIds: [held!.requestId] } }]]);
      expect(settled.map(([{ requestId }]) => requestId)).toEqual(expected.map(() => held?.requestId));
      expect(forgotten).toEqual(expected.map(() => `held:0:${held!.requestId}`));
      expect([released.length, lastWord.held.list()]).toEqual([0, then === "hold" ? [held] : []]);
    }
  });

  it("goes on as it was where what throws is about no batch", async () => {
    const { hold, add } = make([byName], {
      release: () => {
        throw new RangeError("a defect of ours");
      },
    });
    await hold("hold");
    expect(() => add("release")).toThrow(new RangeError("a defect of ours"));
  });

  it("is rejected with the reason where it is discarded", async () => {
    const { hold, add, settled, forgotten, released } = make();
    await hold("hold");
    add("discard");
    expect(settled).toMatchObject([[{}, { kind: "rejected", error: { code: "DROPPED" } }]]);
    expect(settled[0]?.[1]).toMatchObject({ error: { message: expect.stringContaining("nobody agrees") as unknown } });
    expect([forgotten.length, released]).toEqual([1, []]);
  });

  it("is rejected where there is too much, also before it is kept", async () => {
    const { hold, lastWord, settled, kept } = make([byName], { limits: { maxBytes: 1e9, maxPerUser: 1 } });
    await hold("hold a");
    await hold("hold b");
    expect(settled).toMatchObject([[{}, { kind: "rejected", error: { code: "DROPPED" } }]]);
    expect(lastWord.held.list().map(({ batch }) => nameOf(batch))).toEqual(["hold b"]);
    expect(kept).toHaveLength(2);

    const tiny = make([byName], { limits: { maxBytes: 1, maxPerUser: 9 } });
    await tiny.hold("hold");
    expect([tiny.kept, tiny.settled.length, tiny.lastWord.held.counts.batches]).toEqual([[], 1, 0]);
  });

  it("was left by an earlier process and goes on from its step; what was not held is nobody's business here", async () => {
    const seen: string[] = [];
    const note: BeforeSend = (batch) => {
      seen.push(nameOf(batch));
      expect(batch.source_request_id).toBeUndefined();
      return batch;
    };
    const { lastWord, released } = make([note, byName]);
    const stored = (requestId: string, name: string): StoredBatch => ({
      requestId,
      context: JSON.stringify(user(1)),
      events: [JSON.stringify(named(name))],
    });
    expect(lastWord.restore(stored("r", "a"))).toBe(false);
    expect(lastWord.restore(stored("held:1:r", "a"))).toBe(true);
    expect(seen).toEqual([]);
    expect(released).toMatchObject([{ requestId: "r", step: 1 }]);
    expect(lastWord.restore(stored("held:0:s", "hold"))).toBe(true);
    expect(seen).toEqual(["hold"]);
    // As it was: the first step sees it again.
    expect(lastWord.held.list()).toMatchObject([{ requestId: "s", step: 0 }]);
    await turns(1);
  });

  it("is handed back when the queue is closed, and stays where it is kept", async () => {
    const { hold, lastWord, settled, forgotten } = make();
    await hold("hold");
    const kept = lastWord.stored();
    const back = lastWord.handBack();
    expect(back).toEqual(kept.map((stored) => ({ ...stored, requestId: stored.requestId.replace("held:0:", "") })));
    const [one] = back;
    expect(settled).toMatchObject([
      [one, { kind: "undelivered", error: { code: "HELD", requestIds: [one?.requestId] } }],
    ]);
    expect(forgotten).toEqual([]);
    expect(lastWord.stored()).toEqual(kept);
    expect(lastWord.held.counts.batches).toBe(0);
  });
});

describe("what is held while it is being kept", () => {
  it("is not held where that fails: who added is told", async () => {
    const { hold, lastWord, settled } = make([byName], { keep: () => Promise.reject(new Error("full")) });
    await expect(hold("hold")).rejects.toThrow("full");
    expect([lastWord.held.counts.batches, settled]).toEqual([0, []]);
  });

  it("and is let go meanwhile is taken in as soon as either is stored", async () => {
    for (const [isKept, isStored, expected] of [
      [true, true, "taken"],
      [false, true, "taken"],
      [true, false, "taken"],
      [false, false, "full"],
    ] as const) {
      const [keeping, storing] = [deferred(), deferred()];
      const releaseUnstored = vi.fn();
      const { hold, add } = make([byName], {
        keep: () => keeping.promise,
        release: () => storing.promise,
        releaseUnstored,
      });
      let end = "waits";
      void hold("hold").then(
        () => (end = "taken"),
        (error: unknown) => (end = (error as Error).message),
      );
      expect(add("release").kind).toBe("send");
      keeping.end(isKept ? undefined : new Error("cannot be kept"));
      await turns(1);
      expect(end).toBe(isKept ? "taken" : "waits");
      storing.end(isStored ? undefined : new Error("full"));
      await turns(1);
      expect(end).toBe(expected);
      // It is sent all the same where it is kept: it would come back with the next start.
      expect(releaseUnstored.mock.calls.length).toBe(isKept && !isStored ? 1 : 0);
      if (isKept && !isStored) expect(releaseUnstored.mock.calls[0]?.[2]).toEqual(new Error("full"));
    }
  });

  it("and has ended meanwhile is not told of as a failure", async () => {
    const keeping = deferred();
    const { hold, add, settled } = make([byName], { keep: () => keeping.promise });
    const held = hold("hold");
    add("discard");
    keeping.end(new Error("full"));
    await held;
    expect(settled).toHaveLength(1);
  });

  it("and was left by an earlier process is sent all the same where it cannot be stored to be sent", async () => {
    const releaseUnstored = vi.fn();
    const error = new MParticleError("OUTBOX", "full");
    const { lastWord } = make([byName], { release: () => Promise.reject(error), releaseUnstored });
    const stored = { requestId: "held:0:r", context: JSON.stringify(user(1)), events: [] };
    expect(lastWord.restore(stored)).toBe(true);
    await turns(1);
    expect(releaseUnstored.mock.calls).toEqual([
      [expect.objectContaining({ requestId: "r" }), expect.objectContaining({ ...user(1) }), error],
    ]);
  });
});
