import { afterEach, describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  type Batch,
  type BeforeSend,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type StoredBatch,
} from "mparticle-events";
import { internalsOfQueue } from "../../../src/delivery/queue/queue-internals.ts";
import type { SpilledPart } from "../../../src/delivery/queue/spilled-batches.ts";
import { recordingFetch, type FetchStep, type Script } from "../../../src/testing/testing.ts";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { heldTime } from "../held-time.ts";
import { event, namesOf, turns, user } from "./a-queue.ts";

const queues: { readonly queue: EventQueue; readonly time: ReturnType<typeof heldTime> }[] = [];

afterEach(async () => {
  for (const { queue, time } of queues.splice(0)) {
    const closed = queue.close({ timeoutMs: 0 });
    // An outbox that hangs has a second.
    await time.advance(1_000);
    await closed;
  }
});

function start(
  options: EventQueueOptions = {},
  script: Script<FetchStep> = 202,
  client: Partial<EventsClientOptions> = {},
) {
  const time = heldTime();
  const fetch = recordingFetch(script);
  const outcomes: Outcome[] = [];
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const onOutcome = (outcome: Outcome): void => void outcomes.push(outcome);
  const sender = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, logger, ...client }, time);
  const queue = new EventQueue(sender, { onOutcome, ...options });
  queues.push({ queue, time });
  return { queue, client: sender, time, fetch, outcomes, logged };
}

const sizesOf = (batches: readonly Batch[]): readonly number[] => batches.map(({ events }) => events?.length ?? 0);
const idsOf = (batches: readonly Batch[]): readonly unknown[] => batches.map((batch) => batch.source_request_id);

function storedOf(name: string, size = 10): StoredBatch {
  return {
    requestId: `left-${name}`,
    context: JSON.stringify(user(name)),
    events: [JSON.stringify(event(name, size))],
  };
}

const partsOf = (...stored: readonly StoredBatch[]): readonly SpilledPart[] =>
  stored.map((batch) => ({ kind: "batch", batch }));

describe("a batch that waits for a request", () => {
  it("takes what is added meanwhile, and none of that with an outbox: it would wait for the disk again", async () => {
    for (const outbox of [undefined, new MemoryOutbox()]) {
      const { queue, time, fetch } = start({ concurrency: 1, ...(outbox && { outbox }) }, ["hang", 202]);
      await time.settle();
      await queue.add(user("first"), event("first"));
      void queue.flush();
      await time.settle();
      await queue.add(user("waits"), event("a"));
      void queue.flush();
      await time.settle();
      await queue.add(user("waits"), event("b"));
      const waiting = internalsOfQueue(queue).pending().slice(1);
      expect(waiting.map(({ events }) => events.length)).toEqual(outbox === undefined ? [2] : [1, 1]);
      expect(fetch.requests).toHaveLength(1);
    }
  });
});

describe("what is pending", () => {
  it("is told by the stats, with what is held back by a step", async () => {
    const beforeSend: BeforeSend = (batch, { hold }) => (namesOf([batch])[0] === "hold" ? hold("so named") : batch);
    const { queue } = start({ beforeSend });
    await queue.add(user(1), event("a"));
    const { bufferedBytes } = queue.stats();
    await queue.add(user(1), event("hold", 1_000));
    expect(queue.stats()).toMatchObject({ events: { added: 2, pending: 2 }, batches: { added: 2, pending: 2 } });
    expect(queue.stats().bufferedBytes).toBeGreaterThan(bufferedBytes + 1_000);
    expect(queue.stats().bufferedBytes).toBeLessThan(bufferedBytes + 2_000);
    // All of it survives a process that ends.
    const pending = internalsOfQueue(queue).pending();
    expect(pending.map(({ requestId }) => requestId.startsWith("held:0:"))).toEqual([false, true]);
    const { unsent } = await queue.close();
    expect(namesOf(unsent)).toEqual(["hold"]);
    expect(internalsOfQueue(queue).pending()).toEqual(pending.slice(1));
  });

  it("is refused, counted and told where a step drops it", async () => {
    const { queue, outcomes } = start({ beforeSend: (_, { drop }) => drop("not wanted") });
    await queue.add(user(1), event("a"));
    expect(outcomes).toMatchObject([{ kind: "rejected", error: { code: "DROPPED" } }]);
    expect(queue.stats().events).toMatchObject({ added: 1, rejected: 1, pending: 0 });
  });

  it("is sealed for a process that ends, and so is what waits for room: nothing joins it then", async () => {
    const { queue } = start({ maxBufferedBytes: 1_000 }, "hang");
    await queue.add(user(1), event("a", 900));
    void queue.add(user(1), event("b"));
    const { sealAll, pending } = internalsOfQueue(queue);
    expect(namesOf(batchesOf(pending()))).toEqual(["a"]);
    sealAll();
    const sealed = pending();
    expect(namesOf(batchesOf(sealed))).toEqual(["a", "b"]);
    void queue.add(user(1), event("c")).catch(() => undefined);
    sealAll();
    expect(pending().slice(0, sealed.length)).toEqual(sealed);
    expect(pending()).toHaveLength(sealed.length + 1);
  });
});

const batchesOf = (all: readonly StoredBatch[]): readonly Batch[] =>
  all.map(({ context, events }) => ({
    ...(JSON.parse(context) as Batch),
    events: events.map((text) => JSON.parse(text) as ReturnType<typeof event>),
  }));

describe("what an earlier process has spilled", () => {
  it("goes before what is added meanwhile, under its own id, as there is room", async () => {
    const { queue, fetch, time } = start({ maxBufferedBytes: 1_500 });
    const names = ["0", "1", "2", "3", "4"];
    const end = internalsOfQueue(queue).restore(partsOf(...names.map((name) => storedOf(name, 700))));
    const added = queue.add(user("new"), event("new"));
    const flushed = queue.flush();
    expect(queue.stats()).toMatchObject({ waitingAdds: 1 });
    await time.until(Promise.all([added, flushed]));
    expect(await end).toEqual({ isWhole: true, undelivered: [] });
    expect(namesOf(fetch.accepted())).toEqual([...names, "new"]);
    expect(idsOf(fetch.accepted()).slice(0, 5)).toEqual(names.map((name) => `left-${name}`));
  });

  it("goes before what a step is asked about, and is itself held again where it was", async () => {
    const seen: string[] = [];
    const beforeSend: BeforeSend = (batch, { hold }) => {
      seen.push(...namesOf([batch]));
      return namesOf([batch])[0] === "held" ? hold("so named") : batch;
    };
    let answer: (step: FetchStep) => void = () => undefined;
    const answered = new Promise<FetchStep>((resolve) => (answer = resolve));
    const { queue, fetch, time } = start({ beforeSend, maxBufferedBytes: 1_000 }, [() => answered, 202]);
    const parts = partsOf(storedOf("a", 900), { ...storedOf("held"), requestId: "held:0:h" }, storedOf("b", 900));
    const end = internalsOfQueue(queue).restore(parts);
    const added = queue.add(user("new"), event("new"));
    await time.settle();
    // There is no room for the rest of it yet.
    expect(seen).toEqual([]);
    answer(202);
    const flushed = queue.flush();
    await time.until(Promise.all([added, end, flushed]));
    expect(seen).toEqual(["held", "new"]);
    expect(namesOf(fetch.accepted())).toEqual(["a", "b", "new"]);
    expect(queue.stats().events).toMatchObject({ pending: 1 });
  });

  it("lets in what was added meanwhile as soon as it is read", async () => {
    const { queue, time } = start();
    const end = internalsOfQueue(queue).restore([{ kind: "progress", bytes: 1_000_000 }]);
    const added = queue.add(user(1), event("a"));
    expect(queue.stats().waitingAdds).toBe(1);
    await time.settle();
    expect(queue.stats()).toMatchObject({ waitingAdds: 0, events: { pending: 1 } });
    expect(await end).toEqual({ isWhole: true, undelivered: [] });
    await added;
  });

  it("is in no outbox, and not looked for there when it is refused", async () => {
    const outbox = new MemoryOutbox();
    const setAside = vi.spyOn(outbox, "setAside");
    const { queue, outcomes, time } = start({ outbox }, 400);
    await time.settle();
    const end = internalsOfQueue(queue).restore(partsOf(storedOf("a")));
    await queue.flush();
    expect(await end).toEqual({ isWhole: true, undelivered: [] });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected"]);
    expect(setAside).not.toHaveBeenCalled();
  });

  it("that was held is sent as it is where there is no step any more", async () => {
    const { queue, fetch } = start();
    const end = internalsOfQueue(queue).restore(partsOf({ ...storedOf("held"), requestId: "held:0:h" }));
    await queue.flush();
    expect(await end).toEqual({ isWhole: true, undelivered: [] });
    expect(idsOf(fetch.accepted())).toEqual(["h"]);
  });

  it("is handed back to who has read it where it was not delivered", async () => {
    const { queue, time } = start({}, "hang");
    const stored = storedOf("a");
    const end = internalsOfQueue(queue).restore(partsOf(stored));
    await turns();
    await time.until(queue.close({ timeoutMs: 0 }));
    expect(await end).toEqual({ isWhole: true, undelivered: [stored] });
  });
});

describe("what was stored, and is undelivered", () => {
  it("is tried again for as long as the queue is open", async () => {
    let attempts = 0;
    const script = (): FetchStep => (++attempts < 4 ? { fault: "ECONNRESET" } : 202);
    const { queue, outcomes, time } = start({ outbox: new MemoryOutbox() }, script, { retry: { maxElapsedMs: 1 } });
    await queue.add(user(1), event("a"));
    const flushed = queue.flush();
    await time.advance(600_000);
    expect(await flushed).toBe(true);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted"]);
    expect(attempts).toBe(4);
  });

  it("is given up where its client is closed: that would refuse it for ever", async () => {
    const { queue, client, outcomes } = start({ outbox: new MemoryOutbox() });
    await queue.add(user(1), event("a"));
    await client.close();
    expect(await queue.flush()).toBe(true);
    expect(outcomes).toMatchObject([{ kind: "undelivered", error: { code: "CLOSED" } }]);
  });

  it("is handed back by a close, and stays in the store", async () => {
    const outbox = new MemoryOutbox();
    const { queue, outcomes, time } = start({ outbox }, "hang");
    await queue.add(user(1), event("a"));
    void queue.flush();
    await turns();
    await time.until(queue.close({ timeoutMs: 0 }));
    expect(outcomes).toMatchObject([{ kind: "undelivered" }]);
    // It stays for the next start.
    expect(outbox.stored.size).toBe(1);
  });
});

describe("close", () => {
  it("hands back what it gives up, each under the id that its outcome names, and nothing that ended before", async () => {
    const { queue, outcomes, time } = start(
      { maxBufferedBytes: 5_000, overflow: "drop-oldest", concurrency: 1 },
      "hang",
    );
    await queue.add(user("sent"), event("sent", 900));
    void queue.flush();
    await turns();
    for (const name of ["dropped", "kept", "last"]) await queue.add(user(name), event(name, 900));
    expect(outcomes).toMatchObject([{ kind: "undelivered", error: { code: "OVERFLOW" } }]);
    const { unsent, undelivered } = await time.until(queue.close({ timeoutMs: 0 }));
    expect(namesOf(unsent).sort()).toEqual(["kept", "last", "sent"]);
    expect(undelivered).toBe(4);
    const given = outcomes.slice(1);
    expect(given.map(({ batch }) => batch.source_request_id).sort()).toEqual([...idsOf(unsent)].sort());
    for (const outcome of given) {
      const id = outcome.batch.source_request_id;
      expect(outcome).toMatchObject({ kind: "undelivered", error: { requestIds: [id] } });
    }
  });

  it("hands back what waits for room under an id of its own, which its outcome names", async () => {
    const { queue, outcomes, time } = start({ maxBufferedBytes: 1_000 }, "hang");
    await queue.add(user("a"), event("a", 900));
    const waits = queue.add(user("b"), [event("b", 900), event("c")]);
    waits.catch(() => undefined);
    const { unsent } = await time.until(queue.close({ timeoutMs: 0 }));
    expect([...sizesOf(unsent)].sort()).toEqual([1, 2]);
    expect(namesOf(unsent).sort()).toEqual(["a", "b", "c"]);
    for (const outcome of outcomes) {
      const id = outcome.batch.source_request_id;
      expect(outcome).toMatchObject({ kind: "undelivered", error: { requestIds: [id] } });
    }
    expect(outcomes.map(({ batch }) => batch.source_request_id).sort()).toEqual([...idsOf(unsent)].sort());
    await expect(waits).rejects.toMatchObject({ code: "CLOSED" });
    expect(queue.stats().events).toMatchObject({ added: 3, undelivered: 3, pending: 0 });
  });

  it.each([
    [5_000, 5_000],
    [0, 1_000],
  ])("with %i ms gives an outbox that hangs what is left of that, and a second at least", async (timeoutMs, given) => {
    const outbox = new MemoryOutbox();
    outbox.close = () => new Promise(() => undefined);
    const { queue, time, logged } = start({ outbox });
    await time.advance(7_000);
    let isOver = false;
    const closed = queue.close({ timeoutMs }).finally(() => (isOver = true));
    await time.advance(given - 1);
    expect(isOver).toBe(false);
    await time.advance(1);
    await closed;
    expect(logged).toEqual([`The outbox did not close within ${String(given)} ms.`]);
  });
});

describe("a process that has nothing else to do", () => {
  const end = (): unknown => process.emit("beforeExit", 0);

  it("sends what is pending, and what waits for room; of nothing it does nothing", async () => {
    const { queue, fetch } = start({ maxBufferedBytes: 1_000 });
    const flush = vi.spyOn(queue, "flush");
    end();
    expect(flush).not.toHaveBeenCalled();
    void queue.add(user(1), event("a", 900));
    void queue.add(user(1), event("b", 900));
    end();
    // For as long as it takes: nothing else keeps it.
    expect(flush.mock.calls).toEqual([[{}]]);
    await vi.waitFor(() => {
      expect(namesOf(fetch.accepted())).toEqual(["a", "b"]);
    });
    await turns();
    flush.mockClear();
    end();
    expect(flush).not.toHaveBeenCalled();
    await queue.close();
  });

  it("waits for what an outbox that is being opened keeps from being taken in", async () => {
    const outbox = new MemoryOutbox();
    let open: () => void = () => undefined;
    outbox.open = () => new Promise((resolve) => (open = resolve));
    const { queue, fetch, time } = start({ outbox });
    const added = queue.add(user(1), event("a"));
    end();
    open();
    await time.until(added);
    await time.settle();
    expect(namesOf(fetch.accepted())).toEqual(["a"]);
    // All of it was sent: the queue is open still.
    await queue.add(user(1), event("b"));
  });

  it("gives up what is stored after ten seconds", async () => {
    const { queue, time, outcomes } = start({ outbox: new MemoryOutbox() }, "hang");
    await time.settle();
    await queue.add(user(1), event("a"));
    end();
    await time.advance(9_999);
    expect(outcomes).toEqual([]);
    await time.advance(1);
    expect(outcomes).toMatchObject([{ kind: "undelivered" }]);
    await expect(queue.add(user(1), event("b"))).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("is kept by no queue that is closed", async () => {
    const { queue } = start();
    await queue.close();
    const flush = vi.spyOn(queue, "flush");
    end();
    expect(flush).not.toHaveBeenCalled();
  });
});

describe("waitUntil", () => {
  it("that throws is told of", async () => {
    const { queue, logged } = start({
      waitUntil: () => {
        throw new Error("outside of a request");
      },
    });
    await queue.add(user(1), event("a"));
    expect(logged).toEqual(["`waitUntil` threw; the platform may not wait for what was added."]);
  });
});
