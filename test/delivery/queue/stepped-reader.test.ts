import { describe, expect, it, vi } from "vitest";
import type { Event, UserContext } from "mparticle-events";
import type { LastWord, Said } from "../../../src/delivery/queue/last-word.ts";
import { SteppedReader } from "../../../src/delivery/queue/stepped-reader.ts";
import { contextOf } from "../../../src/delivery/queue/user-context.ts";
import { user } from "./a-queue.ts";

/** So many events are copied in a turn. */
const PER_TURN = 500;

/** Events that note that they are copied. */
function listOf(count: number) {
  const copied = new Set<number>();
  const events = Array.from({ length: count }, (_, n) =>
    Object.defineProperty({ event_type: "screen_view" }, "data", {
      enumerable: true,
      get: () => {
        copied.add(n);
        return { screen_name: String(n), source_message_id: "m", timestamp_unixtime_ms: 1 };
      },
    }),
  ) as Event[];
  return { events, copies: () => copied.size };
}

function make(events: readonly Event[], before?: SteppedReader, said?: (given: Event[]) => Said) {
  const seen: unknown[][] = [];
  const lastWord = {
    copyOfUser: (one: UserContext) => ({ ...one, ip: "copied" }),
    onCopy: (...given: readonly [UserContext, Event[], UserContext, readonly Event[]]) => {
      seen.push([...given]);
      return said?.(given[1]) ?? { kind: "send", user: given[0], events: given[1] };
    },
  } as unknown as LastWord; // as far as it is used
  const reading = {
    preparation: { path: "/bulkevents", maxBatchBytes: 128_000 } as const,
    contextOf: vi.fn((one: UserContext) => contextOf(new Map(), one)),
  };
  const reader = new SteppedReader(user(1), events, { lastWord, reading, before });
  return { reader, seen, reading };
}

describe("what goes through the steps of beforeSend and is long", () => {
  it("is copied a turn's worth at a time, seen by the steps as a whole, and read in turns as they left it", () => {
    const { events, copies } = listOf(2 * PER_TURN + 1);
    const { reader, seen } = make(events);
    const given = [...events];
    events.length = 0; // the list is its owner's again
    const copied = [copies()];
    for (let turn = 0; turn < 2; turn++) {
      reader.readTurn();
      copied.push(copies());
    }
    expect(copied).toEqual([PER_TURN, 2 * PER_TURN, 2 * PER_TURN + 1]);
    expect([reader.isOver, reader.isDone, seen.length]).toEqual([false, false, 0]);
    expect(reader.addition).toMatchObject({ items: [], bytes: 0 });
    reader.readTurn();
    expect(reader.isOver).toBe(true);
    const [[copiedUser, copiesSeen, owner, original] = []] = seen;
    expect([copiedUser, owner]).toEqual([{ ...user(1), ip: "copied" }, user(1)]);
    expect(copiesSeen).toHaveLength(2 * PER_TURN + 1);
    expect(original).toEqual(given);
    // Its first turn's worth is read with that.
    const read = [reader.addition.items.length];
    while (!reader.isDone) {
      reader.readTurn();
      read.push(reader.addition.items.length);
    }
    expect(read).toEqual([PER_TURN, 2 * PER_TURN, 2 * PER_TURN + 1]);
    expect(reader.addition.context.text).toContain('"ip":"copied"');
    expect(seen).toHaveLength(1);
    expect(reader.ended).toBeUndefined();
  });

  it("has the context of the copy of its user as long as it is not read", () => {
    const { reader } = make(listOf(PER_TURN + 1).events);
    expect(reader.addition.context.text).toContain('"ip":"copied"');
  });

  it("is done when it has ended instead of being sent", async () => {
    const taken = Promise.reject(new Error("full"));
    const { reader } = make(listOf(1).events, undefined, () => ({ kind: "done", taken }));
    expect(reader.isDone).toBe(false);
    reader.readTurn();
    expect([reader.isDone, reader.isOver]).toEqual([true, true]);
    await expect(reader.ended).rejects.toThrow("full");
    expect(reader.addition.items).toEqual([]);
    reader.readRest();
    expect(reader.isDone).toBe(true);
  });

  it("waits for what was added just before it to be over, or given up", () => {
    for (const how of ["read", "given up"] as const) {
      const { reader: first } = make(listOf(1).events);
      const { reader: second, seen } = make(listOf(1).events, first);
      second.readTurn();
      expect([seen.length, second.isOver]).toEqual([0, false]);
      if (how === "read") first.readTurn();
      else first.giveUp();
      expect(first.isOver).toBe(true);
      second.readTurn();
      expect([seen.length, second.isOver]).toEqual([1, true]);
    }
  });

  it("is read to its end at once when there is no other turn, wherever it is", () => {
    for (const turnsBefore of [0, 1, 3, 4, 5, 6]) {
      const { events } = listOf(2 * PER_TURN + 1);
      const { reader, seen } = make(events);
      for (let turn = 0; turn < turnsBefore; turn++) reader.readTurn();
      reader.readRest();
      expect([reader.isOver, reader.isDone, seen.length]).toEqual([true, true, 1]);
      expect(seen[0]?.[1]).toHaveLength(2 * PER_TURN + 1);
      expect(reader.addition.items).toHaveLength(2 * PER_TURN + 1);
    }
  });

  it("is refused where it cannot be copied, and names no more than that", () => {
    const cannot = Object.defineProperty({ event_type: "first_run" }, "data", {
      enumerable: true,
      get: () => {
        throw new Error("on purpose");
      },
    }) as Event;
    expect(() => make([cannot])).toThrow("on purpose");
    const { reader } = make([...listOf(PER_TURN).events, cannot]);
    expect(() => {
      reader.readTurn();
    }).toThrow(expect.objectContaining({ code: "INVALID_BATCH" }) as Error);
  });
});
