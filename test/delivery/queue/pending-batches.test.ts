import { describe, expect, it, vi } from "vitest";
import { PendingBatches, type BatchParts, type PendingOptions } from "../../../src/delivery/queue/pending-batches.ts";
import { FRAME_BYTES, type Context, type EventText, type Lane } from "../../../src/delivery/queue/queued-batch.ts";

const USER = contextOf("user");

function contextOf(text: string, laneKey = text): Context {
  return { text, bytes: text.length, laneKey };
}

function event(text: string, bytes = text.length): EventText {
  return { text, bytes };
}

function pendingBatches(options: Partial<PendingOptions> = {}) {
  const onReady = vi.fn<() => void>();
  const pending = new PendingBatches({
    maxEventsPerBatch: 100,
    maxBatchBytes: 10_000,
    growsWhenDue: true,
    now: () => 0,
    onReady,
    ...options,
  });
  const ready = (): readonly string[] => Array.from(pending.readyLanes, ({ key }: Lane) => key);
  const events = (): readonly (readonly string[])[] => pending.list().map((batch) => batch.events);
  const states = (): readonly string[] => pending.list().map((batch) => batch.state);
  const first = () => {
    const [batch] = pending.list();
    if (batch === undefined) throw new Error("nothing is pending");
    return batch;
  };
  return { pending, onReady, ready, events, states, first };
}

describe("pending batches", () => {
  it("gather the events of a user in one batch, which is not ready before it is due", () => {
    const { pending, onReady, ready, events, states } = pendingBatches();
    pending.put(USER, [event("a"), event("b")]);
    pending.put(contextOf("other"), [event("c")]);
    pending.put(contextOf("user"), [event("d")]);
    expect(events()).toEqual([["a", "b", "d"], ["c"]]);
    expect(states()).toEqual(["open", "open"]);
    expect(ready()).toEqual([]);
    pending.makeDue();
    expect(states()).toEqual(["due", "due"]);
    expect(ready()).toEqual(["user", "other"]);
    expect(onReady).toHaveBeenCalledTimes(2);
  });

  it("are full with so many events, and are due then", () => {
    const { pending, ready, events, states } = pendingBatches({ maxEventsPerBatch: 2 });
    pending.put(USER, [event("a"), event("b"), event("c")]);
    expect(events()).toEqual([["a", "b"], ["c"]]);
    expect(states()).toEqual(["due", "open"]);
    expect(ready()).toEqual(["user"]);
  });

  it("stay below the limit of their bytes, unless one event alone is beyond it", () => {
    const room = FRAME_BYTES + USER.bytes + 2 * (10 + 1);
    const fitting = pendingBatches({ maxBatchBytes: room + 1 });
    fitting.pending.put(USER, [event("a", 10), event("b", 10)]);
    expect(fitting.events()).toEqual([["a", "b"]]);
    const tight = pendingBatches({ maxBatchBytes: room });
    tight.pending.put(USER, [event("a", 10), event("b", 10), event("c", 5_000), event("d", 1)]);
    expect(tight.events()).toEqual([["a"], ["b"], ["c"], ["d"]]);
    expect(tight.states()).toEqual(["due", "due", "due", "open"]);
  });

  it("end with what is known of the user, and keep the order of the user all the same", () => {
    const { pending, events, states } = pendingBatches();
    pending.put(USER, [event("a")]);
    const changed = contextOf("user, renamed", "user");
    pending.put(changed, [event("b")]);
    expect(events()).toEqual([["a"], ["b"]]);
    expect(states()).toEqual(["due", "open"]);
    expect(pending.lanes.size).toBe(1);
    expect(pending.lanes.get("user")?.context).toBe(changed);
    expect(pending.list()[0]?.nextInLane).toBe(pending.list()[1]);
  });

  it("hold a user without events as well, once for each change", () => {
    const { pending, events } = pendingBatches({ maxBatchBytes: 1 });
    pending.put(USER, []);
    pending.put(USER, []);
    pending.put(contextOf("user, renamed", "user"), []);
    expect(events()).toEqual([[], []]);
    expect(pending.batches.ledger.pending).toBe(2);
    expect(pending.events.ledger.added).toBe(0);
  });

  it("let a user without events join what there is of the user, and take the first event at any size", () => {
    const { pending, events } = pendingBatches({ maxBatchBytes: 1 });
    pending.put(USER, []);
    pending.put(USER, [event("a")]);
    pending.put(USER, []);
    expect(events()).toEqual([["a"]]);
  });

  it("tell nothing of a batch that nothing was put into", () => {
    const { pending } = pendingBatches({ maxBatchBytes: 1 });
    pending.put(USER, [event("a")]);
    const parts: BatchParts = [];
    pending.put(USER, [event("b")], parts);
    expect(parts.map(({ batch }) => batch)).toEqual([pending.list()[1]]);
  });

  it("tell what was put where, and a user without events only until the outbox has it", () => {
    const { pending, first } = pendingBatches({ maxEventsPerBatch: 3 });
    const parts: BatchParts = [];
    const [a, b, c, d] = [event("a"), event("b"), event("c"), event("d")];
    pending.put(USER, [a, b, c, d], parts);
    expect(parts.map(({ items }) => items)).toEqual([[a, b, c], [d]]);
    expect(parts.map(({ batch }) => batch)).toEqual(pending.list());

    const profile: BatchParts = [];
    const other = contextOf("other");
    pending.put(other, [], profile);
    expect(profile.map(({ items }) => items)).toEqual([[]]);
    const batch = profile[0]?.batch ?? first();
    pending.beginWrite(batch);
    pending.endWrite(batch);
    expect(batch.contextStored).toBe(true);
    const again: BatchParts = [];
    pending.put(other, [], again);
    expect(again).toEqual([]);
  });

  it.each([
    [true, [["a", "b"]]],
    [false, [["a"], ["b"]]],
  ])("take events when they are due, if they grow then: %s", (growsWhenDue, expected) => {
    const { pending, events } = pendingBatches({ growsWhenDue });
    pending.put(USER, [event("a")]);
    pending.makeDue();
    pending.put(USER, [event("b")]);
    expect(events()).toEqual(expected);
  });

  it("are ready once, however often they are made due", () => {
    const { pending, onReady, ready } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.makeDue();
    pending.closeAll();
    pending.closeAll();
    expect(ready()).toEqual(["user"]);
    expect(onReady).toHaveBeenCalledTimes(1);
  });

  it("take nothing more once all are closed", () => {
    const { pending, events, states } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.put(contextOf("other"), [event("b")]);
    pending.closeAll();
    pending.put(USER, [event("c")]);
    expect(events()).toEqual([["a"], ["b"], ["c"]]);
    expect(states()).toEqual(["due", "due", "open"]);
  });

  it("are due in the order of their age", () => {
    let nowMs = 10;
    const { pending, states } = pendingBatches({ now: () => nowMs });
    for (const name of ["one", "two", "three"]) {
      pending.put(contextOf(name), [event(name)]);
      nowMs += 10;
    }
    expect(pending.oldestOpen?.openedAtMs).toBe(10);
    pending.makeDue(20);
    expect(states()).toEqual(["due", "due", "open"]);
    expect(pending.oldestOpen?.openedAtMs).toBe(30);
    pending.makeDue();
    expect(pending.oldestOpen).toBeUndefined();
    pending.put(contextOf("four"), [event("four")]);
    expect(pending.oldestOpen?.openedAtMs).toBe(40);
  });
});

describe("a batch in flight", () => {
  it("takes no more events, and no other of its user is sent meanwhile", () => {
    const { pending, ready, events, states, first } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.makeDue();
    pending.start(first());
    expect(pending.inFlightBytes).toBe(first().bytes);
    expect(ready()).toEqual([]);
    pending.put(USER, [event("b")]);
    pending.makeDue();
    expect(events()).toEqual([["a"], ["b"]]);
    expect(states()).toEqual(["in flight", "due"]);
    expect(ready()).toEqual([]);
    expect(pending.oldestToSend?.events).toEqual(["b"]);
    pending.settle(first(), "accepted");
    expect(pending.inFlightBytes).toBe(0);
    expect(ready()).toEqual(["user"]);
  });

  it("leaves the events alone that come into a later batch of its user", () => {
    const { pending, events, first } = pendingBatches({ maxEventsPerBatch: 2 });
    pending.put(USER, [event("a"), event("b"), event("c")]);
    pending.start(first());
    pending.put(USER, [event("d")]);
    expect(events()).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("is the first of its user again, and behind all other users, when it has to be sent once more", () => {
    const { pending, onReady, ready, states, first } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.put(contextOf("other"), [event("b")]);
    pending.makeDue();
    pending.start(first());
    onReady.mockClear();
    pending.retry(first());
    expect(pending.inFlightBytes).toBe(0);
    expect(states()).toEqual(["due", "due"]);
    expect(ready()).toEqual(["other", "user"]);
    expect(onReady).toHaveBeenCalledTimes(1);
  });

  it("that has to be sent once more waits for the others of its user that are in flight", () => {
    const { pending, ready } = pendingBatches({ maxEventsPerBatch: 1 });
    pending.put(USER, [event("a"), event("b")]);
    const [a, b] = pending.list();
    if (a === undefined || b === undefined) throw new Error("two were put");
    pending.start(a);
    pending.start(b);
    expect(pending.oldestToSend).toBeUndefined();
    pending.retry(a);
    expect(ready()).toEqual([]);
    pending.settle(b, "accepted");
    expect(ready()).toEqual(["user"]);
  });

  it("keeps the others of its user waiting until all that were sent are settled", () => {
    const { pending, ready } = pendingBatches({ maxEventsPerBatch: 1 });
    pending.put(USER, [event("a"), event("b"), event("c")]);
    const [a, b, c] = pending.list();
    if (a === undefined || b === undefined || c === undefined) throw new Error("three were put");
    pending.start(a);
    pending.start(b);
    pending.settle(b, "accepted");
    expect(ready()).toEqual([]);
    expect(a.nextInLane).toBe(c);
    pending.settle(a, "rejected");
    expect(ready()).toEqual(["user"]);
    expect(pending.lanes.get("user")).toMatchObject({ first: c, inFlight: 0 });
    expect(pending.batches.ledger).toEqual({ added: 3, accepted: 1, rejected: 1, undelivered: 0, pending: 1 });
  });
});

describe("a settled batch", () => {
  it("leaves nothing behind: neither its bytes, nor its user, nor its neighbours", () => {
    const { pending, ready, first } = pendingBatches();
    pending.put(USER, [event("a"), event("bb")]);
    expect(pending.bufferedBytes).toBe(FRAME_BYTES + USER.bytes + 2 + 3);
    expect(first().bytes).toBe(pending.bufferedBytes);
    pending.makeDue();
    const batch = first();
    pending.settle(batch, "undelivered");
    expect(pending.bufferedBytes).toBe(0);
    expect(pending.inFlightBytes).toBe(0);
    expect(pending.lanes.size).toBe(0);
    expect(ready()).toEqual([]);
    expect(pending.list()).toEqual([]);
    expect(batch).toMatchObject({ state: "settled", nextInLane: undefined, older: undefined, newer: undefined });
    expect(pending.events.ledger).toEqual({ added: 2, accepted: 0, rejected: 0, undelivered: 2, pending: 0 });
  });

  it.each([
    ["the oldest", 0, ["two", "three"]],
    ["one in the middle", 1, ["one", "three"]],
    ["the newest", 2, ["one", "two"]],
  ])("leaves all others in their order: %s", (_, index, expected) => {
    const { pending, events } = pendingBatches();
    for (const name of ["one", "two", "three"]) pending.put(contextOf(name), [event(name)]);
    const batch = pending.list()[index];
    if (batch === undefined) throw new Error("three were put");
    pending.settle(batch, "undelivered");
    expect(events().flat()).toEqual(expected);
    pending.put(contextOf("four"), [event("four")]);
    expect(events().flat()).toEqual([...expected, "four"]);
    pending.makeDue();
    expect(pending.readyLanes.size).toBe(3);
  });

  it("leaves the open batch of its user open", () => {
    const { pending, events, first } = pendingBatches({ maxEventsPerBatch: 2 });
    pending.put(USER, [event("a"), event("b"), event("c")]);
    pending.settle(first(), "accepted");
    pending.put(USER, [event("d")]);
    pending.put(USER, [event("e")]);
    expect(events()).toEqual([["c", "d"], ["e"]]);
    expect(first().nextInLane?.events).toEqual(["e"]);
  });

  it("takes no more events, when it was the open one of its user", () => {
    const { pending, events } = pendingBatches({ maxEventsPerBatch: 2 });
    pending.put(USER, [event("a"), event("b"), event("c")]);
    const [, c] = pending.list();
    if (c === undefined) throw new Error("two batches were put");
    pending.settle(c, "undelivered");
    pending.put(USER, [event("d")]);
    expect(events()).toEqual([["a", "b"], ["d"]]);
  });

  it("takes the last place in its lane with it, so that the next one joins those before", () => {
    const { pending, ready } = pendingBatches({ maxEventsPerBatch: 1 });
    pending.put(USER, [event("a"), event("b")]);
    const [a, b] = pending.list();
    if (a === undefined || b === undefined) throw new Error("two were put");
    pending.settle(b, "undelivered");
    pending.put(USER, [event("c")]);
    expect(a.nextInLane?.events).toEqual(["c"]);
    expect(ready()).toEqual(["user"]);
  });

  it("lets the next event of its user open a batch, when it was given up open", () => {
    const { pending, events, first } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.put(contextOf("other"), [event("b")]);
    pending.settle(first(), "undelivered");
    pending.put(USER, [event("c")]);
    expect(events()).toEqual([["b"], ["c"]]);
  });
});

describe("waiting for all that is pending", () => {
  it("ends when those are settled that were there, in whatever order", async () => {
    const { pending } = pendingBatches();
    await pending.allSettled();
    const order: string[] = [];
    pending.put(contextOf("one"), [event("1")]);
    pending.put(contextOf("two"), [event("2")]);
    const early = pending.allSettled();
    expect(pending.allSettled()).toBe(early);
    pending.put(contextOf("three"), [event("3")]);
    const late = pending.allSettled();
    expect(late).not.toBe(early);
    void early.then(() => order.push("early"));
    void late.then(() => order.push("late"));
    const [one, two, three] = pending.list();
    if (one === undefined || two === undefined || three === undefined) throw new Error("three were put");
    pending.settle(three, "accepted");
    pending.settle(one, "accepted");
    await Promise.resolve();
    expect(order).toEqual([]);
    pending.settle(two, "accepted");
    await late;
    expect(order).toEqual(["early", "late"]);
  });

  it("is not held up by what comes later", async () => {
    const { pending, first } = pendingBatches();
    pending.put(contextOf("one"), [event("1")]);
    const settled = pending.allSettled();
    pending.put(contextOf("two"), [event("2")]);
    pending.settle(first(), "accepted");
    await settled;
    expect(pending.list()).toHaveLength(1);
  });

  it("counts what had an outcome without being a batch", () => {
    const { pending, first } = pendingBatches();
    expect(pending.takeIndex()).toBe(0);
    pending.put(USER, [event("a")]);
    expect(first().index).toBe(1);
    expect(pending.takeIndex()).toBe(2);
  });
});

describe("a batch of an earlier process", () => {
  it("is due at once with its own id, behind what its user did before", () => {
    const { pending, ready, events, states } = pendingBatches();
    pending.put(USER, [event("a")]);
    const restored = pending.restore("id-1", USER, [event("b"), event("c")], true);
    pending.put(USER, [event("d")]);
    expect(events()).toEqual([["a"], ["b", "c"], ["d"]]);
    expect(states()).toEqual(["due", "due", "open"]);
    expect(restored).toMatchObject({ requestId: "id-1", contextStored: true });
    expect(ready()).toEqual(["user"]);
    expect(pending.events.ledger.pending).toBe(4);
    expect(pending.restore("id-2", contextOf("other"), [], false).contextStored).toBe(false);
  });
});

describe("a batch that is being written", () => {
  it("is not sent before all of its writes have ended", () => {
    const { pending, ready, first } = pendingBatches();
    pending.put(USER, [event("a")]);
    pending.makeDue();
    pending.beginWrite(first());
    expect(ready()).toEqual([]);
    pending.beginWrite(first());
    pending.endWrite(first());
    expect(ready()).toEqual([]);
    pending.endWrite(first());
    expect(ready()).toEqual(["user"]);
  });

  it("loses what could not be stored, and no more", () => {
    const { pending, events, first } = pendingBatches();
    const [a, again] = [event("a"), event("a")];
    pending.put(USER, [a, event("b")]);
    pending.beginWrite(first());
    pending.endWrite(first());
    const { bytes } = first();
    pending.put(USER, [again]);
    pending.beginWrite(first());
    pending.endWrite(first(), [again]);
    expect(events()).toEqual([["a", "b"]]);
    expect(first().bytes).toBe(bytes);
    expect(pending.bufferedBytes).toBe(bytes);
    expect(pending.events.ledger).toMatchObject({ added: 2, pending: 2 });
  });

  it("is its user alone when that could be stored, and none of its events", () => {
    const { pending, events, first } = pendingBatches();
    const [a, b] = [event("a"), event("b")];
    pending.put(USER, [a, b]);
    pending.beginWrite(first());
    pending.put(USER, []);
    pending.beginWrite(first());
    pending.endWrite(first(), [a, b]);
    pending.endWrite(first());
    expect(events()).toEqual([[]]);
    expect(first()).toMatchObject({ bytes: USER.bytes + FRAME_BYTES, contextStored: true });
    pending.put(USER, [event("c")]);
    expect(events()).toEqual([["c"]]);
  });

  it("never was one when nothing of it could be stored, once no write may still store it", async () => {
    const { pending, events, first } = pendingBatches();
    const [a, b] = [event("a"), event("b")];
    pending.put(USER, [a]);
    pending.beginWrite(first());
    pending.put(USER, [b]);
    pending.beginWrite(first());
    const settled = pending.allSettled();
    pending.endWrite(first(), [a]);
    expect(events()).toEqual([["b"]]);
    pending.endWrite(first(), [b]);
    expect(events()).toEqual([]);
    expect(pending.bufferedBytes).toBe(0);
    expect(pending.batches.ledger).toMatchObject({ added: 0, pending: 0 });
    expect(pending.events.ledger).toMatchObject({ added: 0, pending: 0 });
    await settled;
  });

  it("stays as it was reported when it was given up meanwhile", () => {
    const { pending, first } = pendingBatches();
    const a = event("a");
    pending.put(USER, [a]);
    const batch = first();
    pending.beginWrite(batch);
    pending.settle(batch, "undelivered");
    pending.endWrite(batch, [a]);
    expect(batch).toMatchObject({ events: ["a"], openWrites: 0, state: "settled" });
    expect(pending.events.ledger).toEqual({ added: 1, accepted: 0, rejected: 0, undelivered: 1, pending: 0 });
    expect(pending.bufferedBytes).toBe(0);
  });
});

describe("the contexts of those who add to a batch", () => {
  it("are kept once in a row, and only the first 32", () => {
    const { pending, first } = pendingBatches();
    pending.put(USER, [event("a")]);
    expect(first().origins).toBeUndefined();
    const origins = Array.from({ length: 40 }, () => vi.fn());
    for (const origin of origins) for (const name of ["b", "c"]) pending.put(USER, [event(name)], undefined, origin);
    expect(first().origins).toEqual(origins.slice(0, 32));
    const profile = vi.fn();
    pending.put(contextOf("other"), [], undefined, profile);
    pending.put(contextOf("another"), []);
    expect(pending.list().map((batch) => batch.origins?.length)).toEqual([32, 1, undefined]);
  });
});
