import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { heldTime } from "../delivery/held-time.ts";

describe("one timer for all attempts", () => {
  it("ends each in its own time, and keeps nothing alive when none is left", async () => {
    const time = heldTime();
    const deadlines = new Deadlines(100, time);
    const ended: [string, number][] = [];
    const start = (name: string): Cancellation => {
      const cancellation = new Cancellation();
      cancellation.onCancel((reason) => {
        expect(reason).toMatchObject({ name: "TimeoutError", message: "no complete answer within 100 ms" });
        ended.push([name, time.now()]);
      });
      deadlines.start(cancellation);
      return cancellation;
    };
    start("a");
    await time.advance(40);
    const b = start("b");
    start("c");
    await time.advance(30);
    expect(time.timers).toBe(1);
    deadlines.end(b);
    await time.advance(200);
    expect(ended).toEqual([
      ["a", 100],
      ["c", 140],
    ]);
    expect(time.timers).toBe(0);
    deadlines.end(start("d"));
    expect(time.timers).toBe(0);
  });

  it("waits as long as it takes where no single timer holds so long", async () => {
    const time = heldTime();
    const deadlines = new Deadlines(2 ** 32, time);
    const cancellation = new Cancellation();
    deadlines.start(cancellation);
    await time.advance(2 ** 32 - 1);
    expect(cancellation.cancelled).toBe(false);
    await time.advance(1);
    expect(cancellation.cancelled).toBe(true);
  });
});
