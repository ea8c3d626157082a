import { expect, it } from "vitest";
import { readOptionDefaults } from "./option-defaults.ts";

it("docstrings say the defaults that the code gives", () => {
  const options = readOptionDefaults("src").filter(({ value }) => value !== undefined);
  expect(options.length).toBeGreaterThan(70);
  const problems = options.flatMap(({ name, file, said, value, given }) => {
    if (given.length === 0) return [`${file}: ${name} is said to be ${said}, and no code gives that default`];
    const others = given.filter((one) => one !== value);
    return others.map((other) => `${file}: ${name} is said to be ${said}, and the code gives ${other}`);
  });
  expect(problems).toEqual([]);
});
