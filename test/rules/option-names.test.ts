import { expect, it } from "vitest";
import { requireOptionNames } from "../../src/rules/option-names.ts";

const NAMES = ["timeoutMs", "concurrency"];

it("options are those that there are, and any that is not given", () => {
  for (const given of [{}, { timeoutMs: 5 }, { timeoutMs: undefined, concurrency: null }, { other: undefined }])
    expect(() => {
      requireOptionNames(given, NAMES);
    }).not.toThrow();
});

it.each<[Record<string, unknown>, string]>([
  [{ timeoutMs: 5, timeoutMS: 5 }, "There is no option `timeoutMS`; expected `timeoutMs`."],
  [{ colour: "red" }, "There is no option `colour`; expected one of timeoutMs, concurrency."],
  [{ colour: null }, "There is no option `colour`; expected one of timeoutMs, concurrency."],
])("a name that is none of them is a mistake, in %j", (given, message) => {
  expect(() => {
    requireOptionNames(given, NAMES);
  }).toThrow(new TypeError(message));
});
