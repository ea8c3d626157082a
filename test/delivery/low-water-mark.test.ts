import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LowWaterMark } from "../../src/delivery/low-water-mark.ts";

/** What it should say, in the slow and obvious way. */
function markOf(done: ReadonlySet<number>): number {
  let index = 0;
  while (done.has(index)) index++;
  return index;
}

describe("the low-water mark", () => {
  it("is the number of first batches that are all done, in whatever order they end", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Array.from({ length: 40 }, (_, index) => index)), (order) => {
        const mark = new LowWaterMark();
        const done = new Set<number>();
        for (const index of order) {
          mark.done(index);
          done.add(index);
          expect(mark.settledThrough).toBe(markOf(done));
        }
      }),
    );
  });

  it("stays at the first batch that was not delivered, whenever that one ends", () => {
    const orders = fc.shuffledSubarray(
      Array.from({ length: 20 }, (_, index) => index),
      { minLength: 20 },
    );
    fc.assert(
      fc.property(orders, fc.uniqueArray(fc.nat(19), { minLength: 1, maxLength: 5 }), (order, undelivered) => {
        const mark = new LowWaterMark();
        const done = new Set<number>();
        for (const index of order) {
          if (undelivered.includes(index)) {
            mark.undelivered(index);
          } else {
            mark.done(index);
            done.add(index);
          }
          expect(mark.settledThrough).toBe(markOf(done));
        }
        expect(mark.settledThrough).toBe(Math.min(...undelivered));
      }),
    );
  });

  it("remembers runs of what is done, and nothing beyond what was not delivered", () => {
    const mark = new LowWaterMark();
    for (const index of [2, 1, 5, 7]) mark.done(index);
    expect(mark.runs).toBe(3);
    mark.undelivered(4);
    expect(mark.runs).toBe(1);
    mark.undelivered(8);
    for (const index of [6, 9, 10]) mark.done(index);
    expect(mark.runs).toBe(1);
    mark.done(0);
    expect([mark.settledThrough, mark.runs]).toEqual([3, 0]);
  });
});
