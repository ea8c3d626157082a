import { describe as suite, expect, it } from "vitest";
import { describe, quote } from "../../src/rules/describe-value.ts";
import { isObject } from "../../src/rules/objects.ts";

suite("words for a value", () => {
  it.each<readonly [unknown, string]>([
    ["a", '"a"'],
    [5, "the number 5"],
    [true, "the boolean true"],
    [5n, "the bigint 5"],
    [10n ** 50n, `the bigint 1${"0".repeat(39)}…`],
    [undefined, "nothing"],
    [null, "null"],
    [[], "an empty array"],
    [[1, 2], "an array of 2"],
    [new Date(0), "a Date"],
    [new Map(), "a Map"],
    [new Set(), "a Set"],
    [{}, "an object"],
    [() => 1, "a function"],
    [Symbol("a"), "a symbol"],
  ])("are never its content at length: %#", (value, words) => {
    expect(describe(value)).toBe(words);
  });

  it("quote 40 characters of a text, and show where it was cut", () => {
    expect(quote("x".repeat(40))).toBe(`"${"x".repeat(40)}"`);
    expect(quote("x".repeat(41))).toBe(`"${"x".repeat(40)}…"`);
  });
});

suite("an object", () => {
  it("is what JSON writes in braces", () => {
    expect([{}, Object.create(null), new Date(0)].every(isObject)).toBe(true);
    expect([null, [], "a", 1, undefined, () => 1].filter(isObject)).toEqual([]);
  });
});
