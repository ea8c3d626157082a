import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "../../src/rules/nearest-name.ts";

/** Insertions, deletions, replacements and swaps of neighbours that make one word of another, as a textbook defines it. */
function editsBetween(from: string, to: string): number {
  if (from === "" || to === "") return from.length + to.length;
  const [first, second] = from;
  const [other, next] = to;
  const isSwap = second !== undefined && first === next && second === other;
  return Math.min(
    editsBetween(from.slice(1), to) + 1,
    editsBetween(from, to.slice(1)) + 1,
    editsBetween(from.slice(1), to.slice(1)) + (first === other ? 0 : 1),
    isSwap ? editsBetween(from.slice(2), to.slice(2)) + 1 : Infinity,
  );
}

describe("nearest", () => {
  it.each<[string, readonly string[], string]>([
    ["customerId", ["email", "customer_id"], "customer_id"],
    ["Customer-ID", ["email", "customer_id"], "customer_id"],
    ["other5", ["other6", "other-5"], "other-5"],
    ["colour", ["colon", "color"], "color"],
    ["prcie", ["pride", "price"], "price"],
    ["cta", ["cat"], "cat"],
    ["act", ["cat"], "cat"],
    ["prod", ["development", "production"], "production"],
    ["prod", ["production", "product"], "product"],
    ["dev", ["production", "development"], "development"],
    ["dev", ["development", "def"], "def"],
    ["cat", ["bat", "rat"], "bat"],
  ])("finds what was meant by %s, of %j", (word, candidates, meant) => {
    expect(nearest(word, candidates)).toBe(meant);
  });

  it.each([
    ["cat", "dog"],
    ["pr", "production"],
    ["tion", "production"],
    ["!", "?"],
    ["", "a"],
    ["!", "a"],
  ])("finds %s not to be near to %s", (word, candidate) => {
    expect(nearest(word, [candidate])).toBeUndefined();
  });

  it("takes one edit for every three letters of the longer word, or a beginning of three letters", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(word, word, (given, candidate) => {
        const allowed = Math.floor(Math.max(given.length, candidate.length) / 3);
        const isNear = editsBetween(given, candidate) <= allowed || (given.length >= 3 && candidate.startsWith(given));
        expect(nearest(given, [candidate])).toBe(isNear ? candidate : undefined);
      }),
      { numRuns: 500 },
    );
  });

  it("does not look at words of more than 64 characters, which are no misspellings", () => {
    expect(nearest("a".repeat(64), ["a".repeat(64)])).toBe("a".repeat(64));
    expect(nearest("a".repeat(65), ["a".repeat(65)])).toBeUndefined();
  });

  it("compares letters of every script", () => {
    expect(nearest("商品", ["注文", "返品"])).toBeUndefined();
    expect(nearest("Übersicht", ["Ubersicht", "übersicht"])).toBe("übersicht");
    expect(nearest("заказ", ["Заказ"])).toBe("Заказ");
  });
});
