import { describe, expect, it } from "vitest";
import type { Batch } from "../../../generated/schema.ts";
import {
  asToBeSent,
  bytesOfStored,
  HeldAdds,
  heldIdOf,
  isHeld,
  toHeldStored,
  type HeldAdd,
} from "../../../src/delivery/queue/held-adds.ts";

const heldOf = (requestId: string, userKey: string, bytes = 10, events = 2): HeldAdd => ({
  requestId,
  userKey,
  bytes,
  events,
  step: 1,
  batch: { environment: "development" },
});
const idsOf = (all: readonly HeldAdd[]): readonly string[] => all.map(({ requestId }) => requestId);

describe("what is held back", () => {
  it("is counted, listed oldest first, and let go by user, one by one or all at once", () => {
    const held = new HeldAdds({ maxBytes: 1_000, maxPerUser: 10 });
    const [a1, b1, a2] = [heldOf("a1", "a"), heldOf("b1", "b", 20, 3), heldOf("a2", "a")];
    for (const one of [a1, b1, a2]) expect(held.hold(one)).toEqual([]);
    expect([held.counts, held.bytes, idsOf(held.list())]).toEqual([{ events: 7, batches: 3 }, 40, ["a1", "b1", "a2"]]);
    expect(held.takeBack(a1)).toBe(true);
    expect(held.takeBack(a1)).toBe(false);
    expect([held.counts, held.bytes]).toEqual([{ events: 5, batches: 2 }, 30]);
    expect(held.takeAll("nobody")).toEqual([]);
    expect(held.takeAll("a")).toEqual([a2]);
    expect(held.takeAll("a")).toEqual([]);
    held.hold(a1);
    expect(idsOf(held.takeEverything())).toEqual(["b1", "a1"]);
    expect([held.counts, held.bytes, held.list()]).toEqual([{ events: 0, batches: 0 }, 0, []]);
  });

  it("makes room for what comes: the oldest of the same user, and then the oldest of anybody", () => {
    const held = new HeldAdds({ maxBytes: 50, maxPerUser: 2 });
    for (const id of ["a1", "a2"]) expect(held.hold(heldOf(id, "a"))).toEqual([]);
    expect(held.hold(heldOf("b1", "b"))).toEqual([]);
    expect(idsOf(held.hold(heldOf("a3", "a")))).toEqual(["a1"]);
    expect(held.hold(heldOf("c1", "c", 20))).toEqual([]); // exactly as much as there may be
    expect(idsOf(held.hold(heldOf("c2", "c", 11)))).toEqual(["a2", "b1"]);
    expect([held.bytes, idsOf(held.list())]).toEqual([41, ["a3", "c1", "c2"]]);
    expect(idsOf(held.hold(heldOf("huge", "d", 51)))).toEqual(["a3", "c1", "c2", "huge"]);
    expect([held.bytes, held.counts]).toEqual([0, { events: 0, batches: 0 }]);
  });
});

describe("what is held back, in a store", () => {
  const batch = {
    environment: "development",
    source_request_id: "of another batch",
    events: [{ event_type: "first_run", data: {} }],
  } as Batch;

  it("has an id that says that it must not be sent, and how far it got; it is sent under its own", () => {
    for (const requestId of ["r", "held:5:r", "a\nb", ":"]) {
      const stored = toHeldStored({ ...heldOf(requestId, "a"), batch, step: 12 });
      expect(stored).toEqual({
        requestId: `held:12:${requestId}`,
        context: '{"environment":"development"}',
        events: ['{"event_type":"first_run","data":{}}'],
      });
      expect(isHeld(stored)).toBe(true);
      expect(heldIdOf(stored.requestId)).toEqual({ requestId, step: 12 });
      expect(asToBeSent(stored)).toEqual({ ...stored, requestId });
    }
    expect(toHeldStored({ ...heldOf("r", "a"), batch: { environment: "development", events: null } }).events).toEqual(
      [],
    );
  });

  it.each(["r", "held:", "held:1:", "held:x:r", "held::r", "was held:1:r"])(
    "is no batch with the id %j",
    (requestId) => {
      const stored = { requestId, context: "{}", events: [] };
      expect([isHeld(stored), heldIdOf(requestId)]).toEqual([false, undefined]);
      expect(asToBeSent(stored)).toBe(stored);
    },
  );

  it("counts its context, and each of its events with a comma, in UTF-8", () => {
    expect(bytesOfStored({ requestId: "r", context: '{"a":"ü"}', events: ['{"b":"€"}', "{}"] })).toBe(10 + 12 + 3);
  });
});
