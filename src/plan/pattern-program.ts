import type { PatternNode } from "./pattern-syntax.ts";

/** Whether one character is in a set. */
type CharTest = (char: string) => boolean;

/** One step of a program that runs all ways of matching side by side. */
export type Step =
  | { readonly kind: "char"; readonly test: CharTest; readonly next: number }
  | Fork
  | { readonly kind: "assert"; readonly at: "start" | "end" | "word" | "not-word"; readonly next: number }
  | { readonly kind: "done" };

/** Goes on at one step, or at one of two; where to is filled in once it is known. */
interface Fork {
  readonly kind: "fork";
  next: number;
  other: number | undefined;
}

/** Longer programs take too long on any text. */
const MAX_STEPS = 2000;

/**
 * Turns an expression into a program whose time grows with the text and with the expression, and with nothing else.
 *
 * @returns undefined for lookarounds, back references, and repetitions that make it too long.
 */
export function programOf(node: PatternNode, flags: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  const fork = (next: number): Fork => {
    const step: Fork = { kind: "fork", next, other: undefined };
    steps.push(step);
    return step;
  };
  const write = (part: PatternNode): boolean => {
    if (steps.length > MAX_STEPS) return false;
    switch (part.kind) {
      case "char":
        steps.push({ kind: "char", test: charTest(part.source, flags), next: steps.length + 1 });
        return true;
      case "assert":
        steps.push({ kind: "assert", at: part.at, next: steps.length + 1 });
        return true;
      case "sequence":
        return part.items.every(write);
      case "choice":
        return writeChoice(part.items);
      case "repeat":
        return writeRepeat(part.body, part.min, part.max);
      default:
        return false;
    }
  };
  const writeChoice = (items: readonly PatternNode[]): boolean => {
    const ends: Fork[] = [];
    for (const [index, item] of items.entries()) {
      if (index === items.length - 1) {
        if (!write(item)) return false;
      } else {
        const start = fork(steps.length + 1);
        if (!write(item)) return false;
        ends.push(fork(0));
        start.other = steps.length;
      }
    }
    for (const end of ends) end.next = steps.length;
    return true;
  };
  const writeRepeat = (body: PatternNode, min: number, max: number): boolean => {
    for (let count = 0; count < min; count++) {
      const start = steps.length;
      if (!write(body)) return false;
      if (steps.length === start) return true; // nothing, however often
    }
    const skips: Fork[] = [];
    for (let count = min; count < max; count++) {
      const start = steps.length;
      skips.push(fork(start + 1));
      if (!write(body)) return false;
      if (max === Infinity) {
        fork(start);
        break;
      }
    }
    for (const skip of skips) skip.other = steps.length;
    return true;
  };
  if (!write(node)) return undefined;
  steps.push({ kind: "done" });
  return steps;
}

/** The expression itself says which characters a set has; ASCII is asked once. */
export function charTest(source: string, flags: string): CharTest {
  const pattern = new RegExp(`^(?:${source})$`, flags);
  const ascii = Array.from({ length: 128 }, (_, code) => pattern.test(String.fromCharCode(code)));
  return (char) => {
    const code = char.length === 1 ? char.charCodeAt(0) : 128;
    return code < 128 ? ascii[code] === true : pattern.test(char);
  };
}

/** Whether the expression matches anywhere in the text. */
export function runProgram(steps: readonly Step[], text: string, flags: string): boolean {
  const chars = flags.includes("u") ? Array.from(text) : text.split("");
  const isWord = (index: number): boolean => /^\w$/.test(chars[index] ?? "");
  /** At which character a step was entered last, so that each is entered once per character. */
  const entered = new Int32Array(steps.length).fill(-1);
  let current: number[] = [];
  /** Enters all steps that take no character; true when one of them is the end. */
  const enter = (first: number, at: number, into: number[]): boolean => {
    const stack = [first];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      const step = steps[index];
      if (step === undefined || entered[index] === at) continue;
      entered[index] = at;
      if (step.kind === "done") return true;
      if (step.kind === "char") into.push(index);
      else if (step.kind === "fork") {
        stack.push(step.next);
        if (step.other !== undefined) stack.push(step.other);
      } else if (holds(step.at, at)) stack.push(step.next);
    }
    return false;
  };
  const holds = (which: "start" | "end" | "word" | "not-word", at: number): boolean => {
    if (which === "start") return at === 0;
    if (which === "end") return at === chars.length;
    return (isWord(at - 1) !== isWord(at)) === (which === "word");
  };
  for (let at = 0; at <= chars.length; at++) {
    if (enter(0, at, current)) return true; // a match may begin at every character
    const following: number[] = [];
    const char = chars[at] ?? "";
    for (const index of current) {
      const step = steps[index];
      const takes = char !== "" && step?.kind === "char" && step.test(char);
      if (takes && enter(step.next, at + 1, following)) return true;
    }
    current = following;
  }
  return false;
}
