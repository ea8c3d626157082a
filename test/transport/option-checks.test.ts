import { describe, expect, it } from "vitest";
import { atLeastZero, checkOptions, positive, wholeNumber } from "../../src/transport/option-checks.ts";

describe("a number among the options", () => {
  it.each([
    [positive, [1, 0.5, Infinity], [0, -1, NaN, "5", null]],
    [atLeastZero, [0, 1, 0.5, Infinity], [-1, NaN, "5", null]],
    [wholeNumber, [1, 64], [0, -1, 0.5, Infinity, NaN, "5", null]],
  ] as const)("is what %o allows, and nothing else", (check, allowed, refused) => {
    for (const value of allowed) expect(check("option", value)).toBe(value);
    for (const value of refused) expect(() => check("option", value as number)).toThrow(RangeError);
  });
});

describe("an object of options", () => {
  interface Some {
    readonly name?: string;
    readonly count?: number;
  }
  const check = (options: unknown): void => {
    checkOptions<Some>(options as Some, { name: "string", count: "any" });
  };

  it("may have any prototype, where it has options", () => {
    class Options {
      readonly name = "a";
    }
    const bare = Object.assign(Object.create(null) as object, { name: "a" });
    for (const options of [{}, { name: "a" }, new Options(), bare, Object.create(null), { name: undefined }])
      expect(() => {
        check(options);
      }).not.toThrow();
  });

  it.each([
    [null, "The options are null; expected an object."],
    [new Map([["name", "a"]]), "The options are a Map; expected a plain object such as { name: … }."],
    [new AbortController().signal, "The options are an AbortSignal; expected a plain object"],
    [Object.create({ other: 1 }), "The options are an object without any of them; expected a plain object"],
    [{ nam: "a" }, "There is no option `nam`; expected `name`."],
    [{ zzzzzzzz: 1 }, "There is no option `zzzzzzzz`; expected one of name, count."],
    [{ name: 5 }, "`name` is 5; expected a string."],
  ])("is named where it is none: %s", (options, message) => {
    expect(() => {
      check(options);
    }).toThrow(message);
  });
});
