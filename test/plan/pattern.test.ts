import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternMatcher, readPatternFacts } from "../../src/plan/pattern.ts";
import { programOf, runProgram } from "../../src/plan/pattern-program.ts";
import { readPattern } from "../../src/plan/pattern-syntax.ts";
import { full } from "../full.ts";

describe("a pattern that backtracks", () => {
  it.each([
    "^(a+)+$",
    "(a|a)*$",
    "(.*)*x",
    "(x+x+)+y",
    "^(\\w+\\s?)*$",
    "(a|b|ab)*c",
    "([a-z]{2,10})+",
    "(.*a){20}",
    ".*.*.*=",
    "^(a?){30}a{30}$",
    "(?:(?:a*)*)*b",
    "(?=(a+)+$)x",
    `${"(".repeat(300)}a${")".repeat(300)}`,
  ])("is told from others, and no text takes it long: %s", (source) => {
    const facts = readPatternFacts(source);
    expect(facts.slow).toBe(true);
    const matches = patternMatcher(facts);
    const texts = ["a", "ab", "=", "x".repeat(40), "a".repeat(40), `${"a".repeat(5000)}!`];
    for (const text of texts) matches(text); // without a limit in the matcher this would not end
    expect(matches("a".repeat(1e6))).toBeUndefined();
  });

  it.each([
    "s\\d{5,5}-\\d",
    "^[a-z]*$",
    "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
    "^\\d{4}-\\d{2}-\\d{2}$",
    "^([0-9a-f]{2}:){5}[0-9a-f]{2}$",
    "^https?://[\\w./-]+$",
    "^(?:[a-z0-9]+-)*[a-z0-9]+$",
    "(\\d{16})+",
    "^.{1,256}$",
    "^\\p{L}+( \\p{L}+)*$",
    "(ab*)*",
    "^(Menu|Home|Checkout)$",
    "",
  ])("is told from others: not %s", (source) => {
    expect(readPatternFacts(source).slow).toBe(false);
  });

  it("gives the right answer where it can, also on texts that the native expression would not end on", () => {
    const matches = patternMatcher(readPatternFacts("^(a+)+$"));
    expect(matches("a".repeat(5000))).toBe(true);
    expect(matches(`${"a".repeat(5000)}!`)).toBe(false);
  });

  it("that nothing but backtracking can match is held against short texts alone", () => {
    const matches = patternMatcher(readPatternFacts("^(a+)+\\1$"));
    expect(matches("aa")).toBe(true);
    expect(matches("a".repeat(100))).toBeUndefined();
  });

  it("is read in no time, whatever was repeated how often", () => {
    for (const source of [
      "(?:){1000000000}",
      "(?:^){999999}a",
      "(a{1000}){1000}",
      "(?:a{0,1000}){0,1000}",
      "[a-z]{0,99999}".repeat(50),
    ]) {
      const matches = patternMatcher(readPatternFacts(source));
      matches("a".repeat(300));
    }
  });
});

describe("matching all ways side by side", () => {
  const leaf = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\b", "\\B", "^", "$", "é", "\\u0061");
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => a + b),
      fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "*?", "{2}", "{1,3}", "{0,6}", "{2,}"))
        .map(([a, repeat]) => `(?:${a})${repeat}`),
    ),
  }));

  it("gives what the native expression gives, for every expression and text", () => {
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom("a", "b", "1", " ", "é"), maxLength: 8 }),
        (source, text) => {
          const program = programOf(readPattern(source)!, "");
          expect(runProgram(program!, text, "")).toBe(new RegExp(source).test(text));
        },
      ),
      { numRuns: full(200, 10_000) },
    );
  });
});
