import { describe, expect, it } from "vitest";
import { INTEGER_RANGES } from "../../generated/validators/checks.js";
import { describeUnsafe, findInexact, isUnsafe } from "../../src/rules/exact-integers.ts";

const KINDS = ["int64", "uint64"] as const;

describe("a 64-bit id", () => {
  it.each(KINDS)("of the kind %s may be anything in its range, as a bigint or as digits", (kind) => {
    const [least, greatest] = INTEGER_RANGES[kind];
    for (const id of [least, greatest, 0n]) {
      expect(findInexact(id, kind)).toBeUndefined();
      expect(findInexact(String(id), kind)).toBeUndefined();
    }
    for (const id of [least - 1n, greatest + 1n]) {
      const message = `expected ${kind}, got the bigint ${String(id)}.`;
      expect(findInexact(id, kind)).toEqual({ code: "integer-out-of-range", message });
      expect(findInexact(String(id), kind)?.code).toBe("integer-out-of-range");
    }
  });

  it("may be a number that a double holds exactly", () => {
    expect(findInexact(Number.MAX_SAFE_INTEGER, "int64")).toBeUndefined();
    expect(findInexact(Number.MIN_SAFE_INTEGER, "int64")).toBeUndefined();
    expect(findInexact(-1, "uint64")?.code).toBe("integer-out-of-range");
  });

  it("that a double has rounded is told, with what to pass instead", () => {
    expect(findInexact(2 ** 53, "int64")).toEqual({
      code: "unsafe-integer",
      message: "the number 9007199254740992 is beyond 2^53 and has been rounded.",
      hint: "Pass the id as a bigint or as a string of digits.",
    });
  });

  it.each([[1.5], ["12a"], ["1.0"], [""], [true], [{}], [undefined]])("is not %j", (value) => {
    expect(findInexact(value, "int64")).toMatchObject({
      code: "not-an-integer",
      message: expect.stringContaining("expected a 64-bit integer, got ") as unknown,
      hint: "Pass the id as a bigint or as a string of digits.",
    });
  });
});

describe("a number", () => {
  it("is unsafe from 2^53 on, on both sides of zero", () => {
    expect([2 ** 53 - 1, -(2 ** 53 - 1), 0, 0.5].filter(isUnsafe)).toEqual([]);
    expect([2 ** 53, -(2 ** 53), 1e300, Infinity].every(isUnsafe)).toBe(true);
    expect(describeUnsafe(2 ** 53)).toBe("the number 9007199254740992 is beyond 2^53 and has been rounded.");
  });
});
