import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../src/delivery/fifo.ts";

describe("Fifo", () => {
  it("gives out what an array would, in any mix of pushes and shifts", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 600, size: "max" }), (pushes) => {
        const fifo = new Fifo<number>();
        const array: number[] = [];
        for (const [index, push] of pushes.entries()) {
          if (push) {
            fifo.push(index);
            array.push(index);
          } else {
            expect(fifo.peek()).toBe(array[0]);
            expect(fifo.shift()).toBe(array.shift());
          }
          expect(fifo.size).toBe(array.length);
        }
      }),
    );
  });
});
