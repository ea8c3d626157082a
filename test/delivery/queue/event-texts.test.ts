import { describe, expect, it } from "vitest";
import { InvalidBatchError, type Event, type UserContext, type Validate } from "mparticle-events";
import { OwnCheck } from "../../../src/delivery/checks.ts";
import { AddReader, EVENTS_PER_TURN, readAdd, type ReadOptions } from "../../../src/delivery/queue/event-texts.ts";
import { FRAME_BYTES } from "../../../src/delivery/queue/queued-batch.ts";
import { contextOf } from "../../../src/delivery/queue/user-context.ts";
import { Telemetry } from "../../../src/delivery/telemetry.ts";
import { YIELD_AFTER_BYTES } from "../../../src/delivery/turns.ts";

const USER: UserContext = { environment: "development" };
const USER_BYTES = '{"environment":"development"}'.length;

function optionsOf(maxBatchBytes = 128_000, validate?: Validate): ReadOptions {
  const telemetry = new Telemetry({}, undefined);
  const check = validate && new OwnCheck({ validate, strict: false, telemetry });
  return {
    preparation: { path: "/bulkevents", maxBatchBytes, check },
    contextOf: (user) => contextOf(new Map(), user),
  };
}

/** An event that is so long as JSON. */
function eventOf(bytes: number): Event {
  const of = (text: string): Event => ({
    event_type: "screen_view",
    data: { screen_name: text, source_message_id: "m", timestamp_unixtime_ms: 1 },
  });
  return of("x".repeat(bytes - JSON.stringify(of("")).length));
}

const many = (count: number, bytes: number): Event[] => Array.from({ length: count }, () => eventOf(bytes));

/** How many events each turn reads, the first one's at once. */
function turnsOf(events: readonly Event[]): readonly number[] {
  const reader = new AddReader(USER, events, optionsOf());
  const sizes = [reader.addition.items.length];
  while (!reader.isDone) {
    const before = reader.addition.items.length;
    reader.readTurn();
    sizes.push(reader.addition.items.length - before);
  }
  return sizes;
}

describe("what was added is read", () => {
  it("at once where it is short, each event as its JSON, and the bytes of all with a comma each", () => {
    const events = [eventOf(120), eventOf(130)];
    const reader = new AddReader(USER, events, optionsOf());
    expect(reader.isDone).toBe(true);
    expect(reader.addition).toEqual({
      context: contextOf(new Map(), USER),
      items: events.map((event) => ({ text: JSON.stringify(event), bytes: JSON.stringify(event).length })),
      bytes: 120 + 1 + 130 + 1,
    });
    expect(readAdd(USER, [], optionsOf())).toMatchObject({ items: [], bytes: 0 });
  });

  it("in as many turns as there are five hundred events, or as many bytes as a turn has time for", () => {
    expect(EVENTS_PER_TURN).toBe(500);
    expect(turnsOf(many(100, 110))).toEqual([100]);
    expect(turnsOf(many(500, 110))).toEqual([500]);
    expect(turnsOf(many(1_101, 110))).toEqual([500, 500, 101]);
    // A hundred are looked at together, so it is a hundred too many at most.
    expect(turnsOf(many(600, 1_023))).toEqual([200, 200, 200]);
    expect(turnsOf(many(3, YIELD_AFTER_BYTES / 2))).toEqual([2, 1]);
    expect(turnsOf(many(4, YIELD_AFTER_BYTES / 2 - 1))).toEqual([2, 2]);
    expect(turnsOf(many(4, YIELD_AFTER_BYTES / 2 - 2))).toEqual([3, 1]);
  });

  it("a few at a time once they are found to be large", () => {
    const sizes: number[] = [];
    const validate: Validate = ({ events }) => {
      sizes.push(events?.length ?? 0);
      return [];
    };
    readAdd(USER, many(12, 50_000), optionsOf(128_000, validate));
    expect(sizes).toEqual([12, 3, 3, 3]);
  });

  it("from the list as it was: what its owner does with it afterwards is their own business", () => {
    const events = many(700, 110);
    const reader = new AddReader(USER, events, optionsOf());
    events.length = 0;
    reader.readRest();
    expect(reader.addition.items).toHaveLength(700);
  });
});

describe("what can never be sent is refused", () => {
  const errorOf = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return error;
    }
  };
  /** What was found, or what was read. */
  const findings = (events: readonly Event[], maxBatchBytes?: number): unknown => {
    const read = errorOf(() => readAdd(USER, events, optionsOf(maxBatchBytes)));
    return read instanceof InvalidBatchError ? read.findings : read;
  };

  it("where an event and its user make a batch that is too large, and no sooner", () => {
    const most = 1_000 - USER_BYTES - FRAME_BYTES - 1;
    expect(findings([eventOf(most)], 1_000)).toMatchObject({ bytes: most + 1 });
    expect(findings([eventOf(110), eventOf(most + 1)], 1_000)).toEqual([
      {
        severity: "error",
        code: "event-too-large",
        path: "/events/1",
        message: "with its user it makes a batch of 1000 bytes; expected less than 1000.",
      },
    ]);
  });

  it("where the user alone is too large, and no sooner", () => {
    const alone = USER_BYTES + FRAME_BYTES;
    expect(findings([], alone + 1)).toMatchObject({ items: [] });
    expect(findings([], alone)).toEqual([
      {
        severity: "error",
        code: "batch-too-large",
        path: "",
        message: `it is ${String(alone)} bytes without any event; expected less than ${String(alone)}.`,
      },
    ]);
  });

  it("with the place that a wrong event has in the whole list", () => {
    const wrong: Event = { event_type: "profile", data: { profile_event_type: "login", current_mpid: "x" } };
    expect(findings([...many(250, 110), wrong])).toMatchObject([{ path: "/events/250/data/current_mpid" }]);
  });

  it.each<[string, (thrown: () => never) => unknown]>([
    ["is written", (thrown) => ({ event_type: "first_run", data: {}, toJSON: thrown })],
    ["is read", (thrown) => Object.defineProperty({ data: {} }, "event_type", { enumerable: true, get: thrown })],
    [
      "is looked through",
      (thrown) => ({ event_type: "profile", data: new Proxy({}, { get: thrown, ownKeys: thrown }) }),
    ],
    ["is turned into text", (thrown) => ({ event_type: "first_run", data: { custom_attributes: { toJSON: thrown } } })],
  ])("with what it throws when it %s, which is the cause as well", (_, make) => {
    const cause = new RangeError("on purpose");
    const given = make(() => {
      throw cause;
    }) as Event; // as JavaScript may pass it
    const error = errorOf(() => readAdd(USER, [given], optionsOf()));
    expect(error).toBeInstanceOf(InvalidBatchError);
    expect(error).toMatchObject({ message: expect.stringContaining("on purpose") as unknown, cause });
  });

  it("with the place where it holds itself", () => {
    const circular: { event_type: string; self?: unknown } = { event_type: "first_run" };
    circular.self = circular;
    expect(errorOf(() => readAdd(USER, [circular as unknown as Event], optionsOf()))).toMatchObject({
      findings: [{ path: "/events/0/self" }],
      cause: expect.any(TypeError) as unknown,
    });
  });

  it("by the application's own check, under the id of no batch: there is none yet", () => {
    const validate: Validate = () => [{ severity: "error", code: "own", path: "/events/0", message: "no." }];
    const error = errorOf(() => readAdd(USER, [eventOf(110)], optionsOf(128_000, validate)));
    expect(error).toMatchObject({ code: "INVALID_BATCH", requestIds: [], findings: [{ code: "own" }] });
  });

  it("where the user is a batch with events, whatever they are", () => {
    const read = (events: unknown): unknown => readAdd({ ...USER, events } as UserContext, [], optionsOf());
    for (const none of [undefined, null]) expect(read(none)).toMatchObject({ items: [] });
    for (const some of [[], 5, ""]) expect(() => read(some)).toThrow("expected none in a user");
  });
});
