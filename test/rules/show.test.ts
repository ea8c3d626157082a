import { describe, expect, it } from "vitest";
import { show } from "../../src/rules/show.ts";

describe("show", () => {
  it.each([
    ["42", '"42"'],
    [42, "42"],
    [42n, "42n"],
    [null, "null"],
    [[1, 2], "an array of 2"],
    [{ secret: 1 }, "an object"],
    [() => 1, "a function"],
  ])("tells of %s what kind it is", (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it("quotes 60 characters of a text, and says how many there are when there are more", () => {
    expect(show("x".repeat(60))).toBe(`"${"x".repeat(60)}"`);
    expect(show("x".repeat(61))).toBe(`"${"x".repeat(60)}"… (61 characters)`);
  });

  it("puts no payload into a log", () => {
    const shown = show(JSON.stringify({ user_identities: { email: "x".repeat(1_000) } }));
    expect(shown.length).toBeLessThan(120);
    expect(shown).toMatch(/… \(1032 characters\)$/);
  });
});
