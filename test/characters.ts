/**
 * Units for `fc.string`: to make those of fast-check for all of Unicode takes a process a second, which is as long as some
 * hundred tests.
 */
import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };

/** A character of Unicode, of any plane; every other one is of ASCII, control characters among them. */
export const CODE_POINT: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc
      .integer({ min: 0x80, max: 0x10ffff - SURROGATES.count })
      .map((point) => (point < SURROGATES.first ? point : point + SURROGATES.count)),
  )
  .map((point) => String.fromCodePoint(point));

/** What people take for one character: also several code points together. */
export const GRAPHEME: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: CODE_POINT },
  { weight: 1, arbitrary: fc.constantFrom("é", "e\u0301", "ﬃ", "👍🏽", "👩‍🚀", "🇩🇪", "नि", "각", "\r\n") },
);
