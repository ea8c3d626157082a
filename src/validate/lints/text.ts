import { EVERY_TEXT, lint } from "./lint.ts";

const NUL = "\u0000";
/** With the flag `u` the two halves of a pair are one character, and only a half without its other is a surrogate. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Asked of every text of a batch: whether none of the lints below has anything to say. */
export function isSoundText(text: string): boolean {
  return isWellFormed(text) && !text.includes(NUL);
}

/** The engine's own answer takes no time where the text is ASCII; engines of before 2023 have none. */
const isWellFormed: (text: string) => boolean =
  "isWellFormed" in String.prototype
    ? (text) => (text as string & { isWellFormed(): boolean }).isWellFormed()
    : (text) => !LONE_SURROGATE.test(text);

export const loneSurrogate = lint({
  code: "lone-surrogate",
  means: "A text with half of a character, as cutting it by its length leaves an emoji: readers refuse or replace it",
  advice: "Cut text by characters (`Array.from(text)`), or mend it with `text.toWellFormed()`",
  at: [EVERY_TEXT],
  check: (value) =>
    isWellFormed(String(value))
      ? undefined
      : {
          message: "it holds half of a surrogate pair, which is no character.",
          hint: "Cut text by characters, as Array.from(text) gives them, or pass text.toWellFormed().",
        },
});

export const nulCharacter = lint({
  code: "nul-character",
  means: "A text with the character U+0000, which databases and C programs refuse or cut the text at",
  advice: "Remove it; look for binary data or UTF-16 that was read as text",
  at: [EVERY_TEXT],
  check: (value) =>
    String(value).includes(NUL)
      ? { message: "it holds the character U+0000.", hint: "Remove it: it comes from binary data, or from UTF-16." }
      : undefined,
});
