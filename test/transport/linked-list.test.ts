import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinkedList, type Link } from "../../src/transport/linked-list.ts";

describe("a linked list", () => {
  it("holds what an array would, in the same order, whatever enters and leaves", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat({ max: 5 }), { nil: undefined, freq: 2 })), (steps) => {
        const list = new LinkedList<number>();
        const links: Link<number>[] = [];
        let expected: Link<number>[] = [];
        for (const step of steps) {
          if (step === undefined) {
            const link = list.add(links.length);
            links.push(link);
            expected.push(link);
          } else {
            // Also one that has left already.
            const link = links[step];
            if (link === undefined) continue;
            list.remove(link);
            expected = expected.filter((one) => one !== link);
            expect([link.previous, link.next]).toEqual([undefined, undefined]);
          }
          const held: Link<number>[] = [];
          for (let link = list.first; link !== undefined; link = link.next) held.push(link);
          expect(held.map(({ item }) => item)).toEqual(expected.map(({ item }) => item));
          expect(list.toArray()).toEqual(expected.map(({ item }) => item));
          expect(held.every(({ previous }, index) => previous === held[index - 1])).toBe(true);
        }
      }),
    );
  });

  it("is left alone by what has left it already, told so again", () => {
    const list = new LinkedList<string>();
    const [gone] = ["gone", "a", "b"].map((item) => list.add(item));
    for (let time = 0; time < 3; time++) list.remove(gone!);
    expect(list.toArray()).toEqual(["a", "b"]);
  });
});
