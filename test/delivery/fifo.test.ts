import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Fifo } from "../../src/delivery/fifo.ts";

type Step = "push" | "shift" | "read";

/** Long runs of each step, so that far more than 64 items leave, which is when the queue gives memory back. */
const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.record({
      step: fc.constantFrom<Step>("push", "push", "shift", "shift", "read"),
      times: fc.integer({ min: 1, max: 150 }),
    }),
    { maxLength: 20, size: "max" },
  )
  .map((runs) => runs.flatMap(({ step, times }) => Array.from({ length: step === "read" ? 1 : times }, () => step)));

describe("Fifo", () => {
  it("gives out what an array would, in any mix of steps", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const fifo = new Fifo<number>();
        const array: number[] = [];
        let pushed = 0;
        for (const step of steps) {
          if (step === "push") {
            fifo.push(pushed);
            array.push(pushed++);
          } else if (step === "shift") {
            const [item, expected] = [fifo.shift(), array.shift()];
            if (item !== expected) expect(item).toBe(expected);
          } else {
            expect([...fifo]).toEqual(array);
          }
          if (fifo.size !== array.length || fifo.peek() !== array[0] || fifo.peekLast() !== array.at(-1)) {
            expect([fifo.size, fifo.peek(), fifo.peekLast()]).toEqual([array.length, array[0], array.at(-1)]);
          }
        }
        expect([...fifo]).toEqual(array);
      }),
    );
  });

  it.each([1, 64, 65, 66, 100, 128, 129, 130, 131, 200])(
    "gives out all of %d items, then none, and starts anew",
    (count) => {
      const fifo = new Fifo<number>();
      const items = Array.from({ length: count }, (_, item) => item);
      for (let round = 0; round < 3; round++) {
        for (const item of items) fifo.push(item);
        expect(fifo.peekLast()).toBe(count - 1);
        expect(items.map(() => fifo.shift())).toEqual(items);
        expect([fifo.size, fifo.peek(), fifo.peekLast(), fifo.shift()]).toEqual([0, undefined, undefined, undefined]);
        expect([...fifo]).toEqual([]);
      }
    },
  );

  it("lets go of what has left", async () => {
    const { setFlagsFromString } = await import("node:v8");
    const { runInNewContext } = await import("node:vm");
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const fifo = new Fifo<object>();
    const gone = Array.from({ length: 3 }, () => {
      const item = {};
      fifo.push(item);
      return new WeakRef(item);
    });
    fifo.push({});
    while (fifo.size > 1) fifo.shift();
    // What a WeakRef has given out lives to the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(gone.map((item) => item.deref())).toEqual([undefined, undefined, undefined]);
    expect(fifo.size).toBe(1);
  });

  it("moves no more items than have left, and gives memory back", () => {
    const fifo = new Fifo<number>();
    const moved = watchMoves(() => {
      for (let item = 0; item < 10_000; item++) fifo.push(item);
      for (let item = 0; item < 20_000; item++) {
        fifo.push(item);
        fifo.shift();
      }
    });
    expect(moved).toEqual([10_000, 10_000]);
  });

  it("moves nothing for the sake of 64 places", () => {
    const fifo = new Fifo<number>();
    const pass = (count: number): void => {
      for (let item = 0; item < count; item++) fifo.push(item);
      for (let item = 0; item < count; item++) fifo.shift();
    };
    expect(
      watchMoves(() => {
        pass(64);
      }),
    ).toEqual([]);
    expect(
      watchMoves(() => {
        pass(1);
      }),
    ).toEqual([0]);
  });
});

/** How many items are moved each time that the list inside is made shorter; nothing else shows it. */
function watchMoves(run: () => void): readonly number[] {
  const moved: number[] = [];
  const { slice } = Array.prototype;
  const spy = vi.spyOn(Array.prototype, "slice").mockImplementation(function (this: unknown[], ...range) {
    const rest: unknown[] = slice.apply(this, range);
    moved.push(rest.length);
    return rest;
  });
  try {
    run();
  } finally {
    spy.mockRestore();
  }
  return moved;
}
