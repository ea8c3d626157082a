import {
  exactIntegerProblem,
  type ExactIntegerKind,
  type ExactIntegerProblem,
} from "../../generated/validators/checks.js";
import { describe } from "./describe-value.ts";
import type { Statement } from "./statement.ts";

/** What to do about an id that a number cannot hold. */
const ID_HINT = "Pass the id as a bigint or as a string of digits.";

type Code = "unsafe-integer" | "integer-out-of-range" | "not-an-integer";

/**
 * What is wrong with a 64-bit id; undefined when nothing is. A bigint, decimal digits and a safe number are ids.
 * `isExact` in `transport/json.ts` is the fast form of it, for what needs no change before it is sent.
 *
 * @param kind - `"int64"` or `"uint64"`, whose range it has to be in.
 */
export function findInexact(value: unknown, kind: ExactIntegerKind): Statement<Code> | undefined {
  const problem = exactIntegerProblem(value, kind);
  return problem === undefined ? undefined : describeInexact(problem, kind, value);
}

/** What to say of an id, once it is known what is wrong with it. */
export function describeInexact(problem: ExactIntegerProblem, kind: ExactIntegerKind, value: unknown): Statement<Code> {
  switch (problem) {
    case "unsafe":
      return { code: "unsafe-integer", message: describeUnsafe(value), hint: ID_HINT };
    case "range":
      return { code: "integer-out-of-range", message: `expected ${kind}, got ${describe(value)}.` };
    case "type":
      return { code: "not-an-integer", message: `expected a 64-bit integer, got ${describe(value)}.`, hint: ID_HINT };
  }
}

/** What to say of a number that no double holds exactly, so that the last digits of an id are lost. */
export function describeUnsafe(value: unknown): string {
  return `${describe(value)} is beyond 2^53 and has been rounded.`;
}

/** Whether a number is beyond what a double holds exactly. */
export function isUnsafe(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
}
