import { describe, expect, it, vi } from "vitest";
import { Admission, type Addition, type WaitingAdd } from "../../../src/delivery/queue/admission.ts";
import type { Overflow } from "../../../src/delivery/queue/queue-options.ts";
import { FRAME_BYTES, type Context } from "../../../src/delivery/queue/queued-batch.ts";

const CONTEXT: Context = { text: "{}", bytes: 100, laneKey: "user" };
/** What so many bytes of events count while they wait. */
const waitingBytes = (bytes: number): number => CONTEXT.bytes + FRAME_BYTES + bytes;
const addition = (bytes: number): Addition => ({ context: CONTEXT, items: [{ text: "x", bytes }], bytes });

function make(overflow: Overflow = "wait") {
  const held = { bufferedBytes: 0, inFlightBytes: 0 };
  const state = { isOpen: true };
  const admission = new Admission({ maxBufferedBytes: 10_000, overflow, held, isOpen: () => state.isOpen });
  /** How many bytes there is room for beside all that is held and waits; looked for by halves. */
  const room = (): number => {
    let [least, most] = [0, 20_000];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (admission.hasRoom(middle)) least = middle;
      else most = middle - 1;
    }
    return least;
  };
  return { admission, held, state, room };
}

describe("what waits to be taken in", () => {
  it("counts with its user, from when it is read until it no longer waits", () => {
    const { admission, held, room } = make();
    held.bufferedBytes = 1_000;
    expect(room()).toBe(9_000);
    const first = admission.wait(addition(500));
    expect(room()).toBe(9_000 - waitingBytes(500));
    // One that is still being read may be refused: it counts nothing.
    const reading = admission.wait(addition(700), () => undefined);
    expect([reading.items, reading.bytes]).toEqual([[], 0]);
    expect(room()).toBe(9_000 - waitingBytes(500));
    admission.setRead(reading, addition(700));
    expect(reading).toMatchObject({ bytes: 700, items: addition(700).items, readRest: undefined });
    expect(room()).toBe(9_000 - waitingBytes(500) - waitingBytes(700));
    expect(admission.waitingAdds).toBe(2);
    admission.takeFirst();
    expect([first.isGone, reading.isGone]).toEqual([true, false]);
    expect(room()).toBe(9_000 - waitingBytes(700));
    expect(admission.takeAll()).toEqual([reading]);
    expect(reading.isGone).toBe(true);
    expect([room(), admission.waitingAdds]).toEqual([9_000, 0]);
    admission.takeFirst();
    expect(room()).toBe(9_000);
  });

  it("counts less as more and more of it is taken in, and has its turn before all others until its end", () => {
    const { admission, held, room } = make();
    held.bufferedBytes = 1_000;
    const long = admission.wait(addition(3_000));
    const next = admission.wait(addition(10));
    held.bufferedBytes = 9_990;
    expect(admission.first("room")).toBeUndefined();
    held.bufferedBytes = 1_000;
    expect(admission.first("room")).toBe(long);
    const parts: NonNullable<WaitingAdd["parts"]> = [];
    admission.setBegun(long, parts, addition(2_000));
    expect(long).toMatchObject({ bytes: 2_000, items: addition(2_000).items, parts });
    expect(room()).toBe(9_000 - waitingBytes(2_000) - waitingBytes(10));
    // However full it is meanwhile: the first of it is in already.
    held.bufferedBytes = 9_990;
    expect(admission.first("room")).toBe(long);
    held.bufferedBytes = 1_000;
    admission.setBegun(long, parts, addition(500));
    expect(room()).toBe(9_000 - waitingBytes(500) - waitingBytes(10));
    admission.takeFirst();
    expect(room()).toBe(9_000 - waitingBytes(10));
    expect(admission.first("room")).toBe(next);
  });

  it("has no turn while it is being read, unless somebody is in a hurry: then the rest of it is read at once", () => {
    const { admission } = make();
    expect(admission.first("room or not")).toBeUndefined();
    const readRest = vi.fn();
    const reading = admission.wait(addition(10), readRest);
    expect(admission.first("room")).toBeUndefined();
    expect(readRest).not.toHaveBeenCalled();
    expect(admission.first("room or not")).toBe(reading);
    expect(readRest).toHaveBeenCalledTimes(1);
    // What happens instead of taking it in needs no room, and no reading.
    reading.instead = () => undefined;
    expect(admission.first("room")).toBe(reading);
  });

  it("tells when the last of it was taken in", () => {
    const { admission } = make();
    expect(admission.lastWaiting).toBeUndefined();
    admission.wait(addition(10));
    const last = admission.wait(addition(10));
    expect(admission.lastWaiting).toBe(last.taken);
  });
});

describe("an addition", () => {
  it.each<[Overflow, string]>([
    ["wait", "wait"],
    ["reject", "reject"],
    ["drop-newest", "drop"],
    ["drop-oldest", "drop"],
  ])("that there is no room for has with %s to %s", (overflow, decision) => {
    const { admission, held } = make(overflow);
    held.bufferedBytes = 9_000;
    expect(admission.decide(addition(1_000))).toBe("in");
    expect(admission.decide(addition(1_001))).toBe(decision);
    // One that is larger than the whole buffer is taken in alone.
    held.bufferedBytes = 0;
    expect(admission.decide(addition(50_000))).toBe("in");
  });

  it("waits behind those that wait, and while something else stands in the way", () => {
    const { admission, state } = make();
    admission.wait(addition(10));
    expect(admission.decide(addition(10))).toBe("wait");
    admission.takeFirst();
    expect(admission.decide(addition(10))).toBe("in");
    state.isOpen = false;
    expect(admission.decide(addition(10))).toBe("wait");
  });

  it("could have room where what is not in flight is dropped, and no more than that", () => {
    const { admission, held } = make("drop-oldest");
    Object.assign(held, { bufferedBytes: 9_000, inFlightBytes: 6_000 });
    expect(admission.couldMakeRoom(addition(4_000).bytes)).toBe(true);
    expect(admission.couldMakeRoom(4_001)).toBe(false);
    admission.wait(addition(500));
    expect(admission.couldMakeRoom(4_000 - waitingBytes(500))).toBe(true);
    expect(admission.couldMakeRoom(4_001 - waitingBytes(500))).toBe(false);
  });
});
