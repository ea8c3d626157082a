import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import { Deadlines, type Deadline } from "../../src/transport/deadlines.ts";
import { heldTime } from "../delivery/held-time.ts";

describe("one timer for all attempts", () => {
  it("ends each in its own time, and keeps nothing alive when none is left", async () => {
    const time = heldTime();
    const deadlines = new Deadlines(100, () => undefined, time);
    const ended: [string, number][] = [];
    const start = (name: string): Deadline => {
      const cancellation = new Cancellation();
      cancellation.onCancel((reason) => {
        expect(reason).toMatchObject({ name: "TimeoutError", message: "no complete answer within 100 ms" });
        ended.push([name, time.now()]);
      });
      return deadlines.start(cancellation);
    };
    const a = start("a");
    await time.advance(1);
    start("a millisecond later");
    await time.advance(39);
    const b = start("b");
    start("c");
    await time.advance(30);
    expect(time.timers).toBe(1);
    deadlines.end(b);
    await time.advance(200);
    expect(ended).toEqual([
      ["a", 100],
      ["a millisecond later", 101],
      ["c", 140],
    ]);
    expect(time.timers).toBe(0);
    // An attempt hands its deadline back also when that was what ended it.
    deadlines.end(a);
    deadlines.end(start("d"));
    expect(time.timers).toBe(0);
  });

  it("waits as long as it takes where no single timer holds so long", () => {
    let nowMs = 0;
    let ring = (): void => undefined;
    const startTimer = (callback: () => void, delayMs: number) => {
      // As in Node, where a longer one fires at once.
      expect(delayMs).toBeLessThan(2 ** 31);
      ring = callback;
      return () => undefined;
    };
    const deadlines = new Deadlines(2 ** 32, () => undefined, { now: () => nowMs, startTimer });
    const cancellation = new Cancellation();
    deadlines.start(cancellation);
    nowMs = 2 ** 32 - 1;
    ring();
    expect(cancellation.cancelled).toBe(false);
    nowMs++;
    ring();
    expect(cancellation.cancelled).toBe(true);
  });

  describe("tells of a process that stood still while something ran", () => {
    const make = () => {
      let nowMs = 0;
      let [ring, delayMs] = [(): void => undefined, 0];
      const stops: number[] = [];
      const clock = {
        now: () => nowMs,
        startTimer: (callback: () => void, ms: number) => {
          [ring, delayMs] = [callback, ms];
          return () => {
            ring = () => undefined;
          };
        },
      };
      const deadlines = new Deadlines(30_000, (ms) => stops.push(ms), clock);
      const start = (): Deadline => deadlines.start(new Cancellation());
      return {
        deadlines,
        stops,
        start,
        pass: (ms: number) => (nowMs += ms),
        ring: () => {
          ring();
        },
        get delayMs() {
          return delayMs;
        },
      };
    };

    it("when its timer comes late, once, and by how much", () => {
      const made = make();
      const deadline = made.start();
      expect(made.delayMs).toBe(1_000);
      made.pass(1_900);
      made.ring();
      expect(made.stops).toEqual([]); // a busy machine
      made.pass(11_000);
      made.ring();
      expect(made.stops).toEqual([11_000]);
      made.deadlines.end(deadline);
      expect(made.stops).toEqual([11_000]);
      expect(deadline.item.cancellation.cancelled).toBe(false);
    });

    it("when a request ends before the timer that is late", () => {
      const made = make();
      const [one, other] = [made.start(), made.start()];
      made.pass(61_000);
      made.deadlines.end(one);
      expect(made.stops).toEqual([61_000]);
      made.ring();
      expect(made.stops).toEqual([61_000]);
      expect(other.item.cancellation.cancelled).toBe(true);
    });

    it("and not of the time in which nothing ran", () => {
      const made = make();
      made.deadlines.end(made.start());
      made.pass(3_600_000);
      made.deadlines.end(made.start());
      expect(made.stops).toEqual([]);
    });
  });
});
