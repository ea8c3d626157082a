import { programOf, runProgram, type Step } from "./pattern-program.ts";
import { countLoops, isSlow } from "./pattern-risk.ts";
import { readPattern, type PatternNode } from "./pattern-syntax.ts";

/** What is known of a `pattern` before any text is held against it. */
export interface PatternFacts {
  readonly source: string;
  /** Whether backtracking can take a time that explodes with the length of the text. */
  readonly slow: boolean;
}

/** Text and expression beyond it (characters times steps) are not matched at all. */
const MAX_WORK = 500_000;
/** What native matching may cost, by steps of backtracking. */
const NATIVE_WORK = 1_000_000;
/** On texts up to here even doubling with each character is bearable; where there is no other way to match. */
const SHORT_TEXT = 16;

/** @throws SyntaxError - when it is no regular expression. */
export function readPatternFacts(source: string): PatternFacts {
  new RegExp(source, flagsFor(source));
  const node = readPattern(source);
  const repeats = node === undefined || countLoops(node) > 0;
  return { source, slow: node === undefined || (repeats && isSlow(node, flagsFor(source))) };
}

/** Whether a text matches; undefined when finding out would take too long. */
export type PatternMatcher = (text: string) => boolean | undefined;

/**
 * Makes the function that holds texts against a pattern in a time that is bounded for every text: by the native
 * expression where that is sure to be quick, and by one that runs all ways of matching side by side otherwise.
 */
export function patternMatcher({ source, slow }: PatternFacts): PatternMatcher {
  const flags = flagsFor(source);
  const native = new RegExp(source, flags);
  const node = readPattern(source);
  const maxNative = slow || node === undefined ? 0 : longestNativeText(node);
  if (maxNative === Infinity) return (text) => native.test(text);
  /** Made for the first text that needs it. */
  let made: { readonly program: readonly Step[] | undefined } | undefined;
  return (text) => {
    if (text.length <= maxNative) return native.test(text);
    made ??= { program: node === undefined ? undefined : programOf(node, flags) };
    const { program } = made;
    if (program === undefined) return text.length <= SHORT_TEXT && node !== undefined ? native.test(text) : undefined;
    return text.length * program.length > MAX_WORK ? undefined : runProgram(program, text, flags);
  };
}

function longestNativeText(node: PatternNode): number {
  // An expression without an anchor is tried at every character of the text.
  const power = countLoops(node) + (isAnchored(node) ? 0 : 1);
  return power <= 1 ? Infinity : Math.floor(NATIVE_WORK ** (1 / power));
}

function isAnchored(node: PatternNode): boolean {
  const [first] = node.kind === "sequence" ? node.items : [];
  return first?.kind === "assert" && first.at === "start";
}

/** As the official library, without the flag `u`, unless the expression asks for what only the flag knows. */
function flagsFor(source: string): string {
  return /\\[pP]\{|\\u\{/.test(source) ? "u" : "";
}
