import { describe, expect, it } from "vitest";
import { environmentProblem, isEnvironment } from "../../src/rules/environment.ts";

describe("an environment", () => {
  it.each(["development", "production"])("is %s", (environment) => {
    expect(isEnvironment(environment)).toBe(true);
    expect(environmentProblem(environment)).toBeUndefined();
  });

  it.each([undefined, null, ""])("is missing when it is %j", (environment) => {
    expect(isEnvironment(environment)).toBe(false);
    expect(environmentProblem(environment)).toEqual({
      code: "environment-missing",
      message: "it is missing, and the service would take the batch for production.",
      hint: 'Set "development" or "production".',
    });
  });

  it.each([
    ["prod", '"prod"'],
    [true, "true"],
    [{}, "an object"],
  ])("is not %j", (environment, shown) => {
    expect(isEnvironment(environment)).toBe(false);
    expect(environmentProblem(environment)).toEqual({
      code: "environment-unknown",
      message: `it is ${shown}, which is none.`,
      hint: 'Set "development" or "production".',
    });
  });

  it("of an old SDK is let through, though no sender should write it", () => {
    expect(isEnvironment("unknown")).toBe(false);
    expect(environmentProblem("unknown")).toBeUndefined();
  });
});
