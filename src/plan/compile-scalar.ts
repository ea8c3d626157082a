import { describe } from "../rules/describe-value.ts";
import { formatTest } from "./formats.ts";
import { patternMatcher } from "./pattern.ts";
import type { Problem, Problems } from "./problems.ts";
import type { Rule } from "./rule.ts";

/** A number as JSON writes one, with a plus sign and a bare point allowed as a form field may have them. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d+$/;

/** The number that a text stands for, exactly where it is an integer; undefined when it is none. */
export function toNumber(text: string): number | bigint | undefined {
  if (text.length > 400 || !NUMBER.test(text)) return undefined;
  const number = Number(text);
  if (INTEGER.test(text) && !Number.isSafeInteger(number)) return BigInt(text.replace(/^\+/, ""));
  return Number.isFinite(number) ? number : undefined;
}

/** The boolean that a text stands for; undefined when it is none. */
export function toBoolean(text: string): boolean | undefined {
  if (text.length > 5) return undefined;
  const word = text.toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

/** Undefined when a text may be anything. */
export function compileTextRules(rule: Rule): ((text: string, problems: Problems) => void) | undefined {
  const { minLength = 0, maxLength = Infinity, pattern, format } = rule;
  const matches = pattern === undefined ? undefined : patternMatcher({ source: pattern, slow: rule.slow === true });
  const hasFormat = format === undefined ? undefined : formatTest(format);
  if (minLength === 0 && maxLength === Infinity && matches === undefined && hasFormat === undefined) return undefined;
  return (text, problems) => {
    if (text.length > maxLength && isLonger(text, maxLength)) {
      problems.add(unexpected(`at most ${String(maxLength)} characters`, text));
    } else if (minLength > 0 && !isLonger(text, minLength - 1)) {
      problems.add(unexpected(`at least ${String(minLength)} characters`, text));
    } else if (hasFormat?.(text) === false) {
      problems.add(unexpected(`a text of the format "${format ?? ""}"`, text));
    } else if (matches !== undefined) {
      const matched = matches(text);
      if (matched === false) problems.add(unexpected(`a text that matches the pattern ${describe(pattern)}`, text));
      if (matched === undefined) {
        problems.add({
          kind: "unsure",
          message: `${String(text.length)} characters are too many to be held against the pattern ${describe(pattern)}, which backtracks.`,
        });
      }
    }
  };
}

function unexpected(expected: string, value: unknown): Problem {
  return { kind: "invalid", message: `expected ${expected}, got ${describe(value)}.` };
}

/** Whether a text has more characters; pairs of surrogates count as one. */
function isLonger(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  if (text.length > limit * 2) return true;
  return Array.from(text).length > limit;
}

/** Undefined when a number may be anything. */
export function compileNumberRules(rule: Rule): ((number: number | bigint, problems: Problems) => void) | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = rule;
  const tests: { readonly expected: string; readonly fits: (number: number | bigint) => boolean }[] = [];
  const add = (
    limit: number | bigint | undefined,
    words: string,
    fits: (number: number | bigint, limit: number | bigint) => boolean,
  ) => {
    if (limit !== undefined)
      tests.push({ expected: `${words} ${String(limit)}`, fits: (number) => fits(number, limit) });
  };
  add(minimum, "a number from", (number, limit) => number >= limit);
  add(maximum, "a number up to", (number, limit) => number <= limit);
  add(exclusiveMinimum, "a number above", (number, limit) => number > limit);
  add(exclusiveMaximum, "a number below", (number, limit) => number < limit);
  add(multipleOf, "a multiple of", isMultiple);
  if (tests.length === 0) return undefined;
  return (number, problems) => {
    for (const { expected, fits } of tests) {
      if (fits(number)) continue;
      problems.add(unexpected(expected, number));
      return;
    }
  };
}

/** 0.3 counts as a multiple of 0.1, though not in binary. */
function isMultiple(number: number | bigint, step: number | bigint): boolean {
  if (typeof number === "bigint" && (typeof step === "bigint" || Number.isInteger(step)))
    return number % BigInt(step) === 0n;
  const times = Number(number) / Number(step);
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}
