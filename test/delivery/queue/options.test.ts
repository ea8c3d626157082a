import { afterEach, describe, expect, it } from "vitest";
import type { Event, EventQueue } from "mparticle-events";
import { readTimeout, resolveQueueOptions } from "../../../src/delivery/queue/queue-options.ts";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { full } from "../../full.ts";
import { event, namesOf, startQueue, user } from "./a-queue.ts";

let queue: EventQueue | undefined;

afterEach(async () => {
  await queue?.close({ timeoutMs: 0 });
});

describe("the options of a queue", () => {
  it("have the defaults that their types tell", () => {
    const defaults = {
      flushIntervalMs: 1_000,
      maxEventsPerBatch: 100,
      maxBufferedBytes: 16_777_216,
      concurrency: 4,
      overflow: "wait",
      maxHeldBytes: 4_194_304,
      maxHeldPerUser: 100,
    };
    expect(resolveQueueOptions({})).toEqual(defaults);
    const none = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
    expect(resolveQueueOptions(none)).toEqual(defaults);
    expect(readTimeout({})).toBeUndefined();
  });

  it("are taken as they are given", () => {
    const given = {
      flushIntervalMs: 1,
      maxEventsPerBatch: 2,
      maxBufferedBytes: 3,
      concurrency: 4,
      overflow: "drop-oldest",
      maxHeldBytes: 5,
      maxHeldPerUser: 6,
      outbox: new MemoryOutbox(),
      onOutcome: () => undefined,
      waitUntil: () => undefined,
      beforeSend: () => undefined,
    } as const;
    expect(resolveQueueOptions(given)).toEqual(given);
    for (const overflow of ["wait", "drop-newest", "reject"] as const)
      expect(resolveQueueOptions({ overflow }).overflow).toBe(overflow);
    expect(readTimeout({ timeoutMs: 0 })).toBe(0);
  });

  it.each<[string, unknown, string]>([
    [
      "no overflow",
      { overflow: "drop" },
      '`overflow` is "drop"; expected "wait", "drop-newest", "drop-oldest" or "reject".',
    ],
    ["no function", { onOutcome: 5 }, "`onOutcome` is 5; expected a function."],
    ["no function", { waitUntil: {} }, "`waitUntil` is an object; expected a function."],
    ["no time", { flushIntervalMs: 0 }, "`flushIntervalMs` is 0; expected a number above 0."],
    ["no size", { maxBufferedBytes: 0 }, "`maxBufferedBytes` is 0; expected a number above 0."],
    ["no size", { maxHeldBytes: 0 }, "`maxHeldBytes` is 0; expected a number above 0."],
    ["no count", { maxEventsPerBatch: 0.5 }, "`maxEventsPerBatch` is 0.5; expected a whole number above 0."],
    ["no count", { concurrency: 0 }, "`concurrency` is 0; expected a whole number above 0."],
    ["no count", { maxHeldPerUser: 0 }, "`maxHeldPerUser` is 0; expected a whole number above 0."],
    ["no option", { maxHeld: 1 }, "There is no option `maxHeld`"],
  ])("are refused where one is %s", (_, options, message) => {
    expect(() => resolveQueueOptions(options as never)).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ["text", "events.db", '"events.db" without `open`, `recover`, `append`, `remove`, `setAside`, `close`'],
    ["null", null, "null without `open`, `recover`, `append`, `remove`, `setAside`, `close`"],
    ["a function", () => undefined, "a function without `open`, `recover`, `append`, `remove`, `setAside`, `close`"],
    ["without a method", { ...allOf(), remove: 5, close: undefined }, "an object without `remove`, `close`"],
  ])("are refused where the outbox is %s", (_, outbox, message) => {
    expect(() => resolveQueueOptions({ outbox: outbox as never })).toThrow(
      `\`outbox\` is ${message}; expected an Outbox`,
    );
  });
});

/** All that an outbox has to have. */
function allOf(): Readonly<Record<string, () => undefined>> {
  const names = ["open", "recover", "append", "remove", "setAside", "close"];
  return Object.fromEntries(names.map((name) => [name, () => undefined]));
}

describe("what is said about a wait", () => {
  it.each<[string, unknown, string]>([
    ["another unit", { timeout: 5 }, "There is no option `timeout`; expected `timeoutMs`."],
    ["another case", { timeoutMS: 5 }, "There is no option `timeoutMS`; expected `timeoutMs`."],
    ["a bare number", 5, "The options are 5; expected an object."],
    ["a bare text", "5", 'The options are "5"; expected an object.'],
    ["null", null, "The options are null; expected an object."],
    ["a text for a number", { timeoutMs: "5" }, '`timeoutMs` is "5"; expected 0 or a number above it.'],
    ["no number", { timeoutMs: NaN }, "`timeoutMs` is NaN; expected 0 or a number above it."],
  ])("is refused by flush and close when it is %s", async (_, options, message) => {
    ({ queue } = startQueue());
    await expect(queue.flush(options as never)).rejects.toThrow(message);
    await expect(queue.close(options as never)).rejects.toThrow(message);
    // It was not closed by that.
    await queue.add(user("1"), event("still open"));
  });

  it("is refused by close also when the queue is closed", async () => {
    ({ queue } = startQueue());
    await queue.close();
    await expect(queue.close({ timeout: 5 } as never)).rejects.toThrow("expected `timeoutMs`");
  });
});

describe("events as one list", () => {
  it("are added as they are one by one", async () => {
    const started = startQueue();
    ({ queue } = started);
    await queue.add(user("1"), [event("a"), event("b")]);
    await queue.add(user("1"), event("c"), event("d"));
    await queue.add(user("1"), []);
    await queue.flush();
    expect(namesOf(started.fetch.accepted())).toEqual(["a", "b", "c", "d"]);
  });

  it("may be as many as there is memory for, more than a call takes arguments", async () => {
    const count = full(5_000, 150_000);
    const started = startQueue({ queue: { maxBufferedBytes: 1e9 } });
    ({ queue } = started);
    const events: Event[] = Array.from({ length: count }, (_, n) => ({
      event_type: "session_start",
      data: { source_message_id: String(n), timestamp_unixtime_ms: 1 },
    }));
    await queue.add(user("1"), events);
    await queue.flush();
    expect(queue.stats().events).toMatchObject({ added: count, accepted: count });
  });

  it.each<[string, readonly unknown[]]>([
    ["two lists", [[event("a")], [event("b")]]],
    ["a list in a list", [[[event("a")]]]],
    ["a list beside an event", [event("a"), [event("b")]]],
  ])("are not %s", async (_, given) => {
    ({ queue } = startQueue());
    await expect(queue.add(user("1"), ...(given as readonly Event[]))).rejects.toMatchObject({
      code: "INVALID_BATCH",
      findings: [{ code: "not-an-object" }],
    });
  });

  it("that are refused are told of as they were at the call", async () => {
    const { queue: refusing, outcomes } = startQueue();
    queue = refusing;
    const events = [event("a"), null as unknown as Event];
    await expect(queue.add(user("1"), events)).rejects.toThrow("expected an event");
    events.length = 0;
    expect(outcomes.map(({ batch }) => batch.events?.length)).toEqual([2]);
  });
});
