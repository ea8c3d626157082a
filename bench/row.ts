/** What a row of the benchmark is, and when it counts as passed. */
import type { Bench } from "./measure.ts";

export interface Row {
  readonly number: number;
  /** To run it alone: `npm run bench -- NAME`. */
  readonly name: string;
  readonly title: string;
  /** What was done, for the reader of the results. */
  readonly how: string;
  /** How often it is measured at most when a target is missed; those that mostly wait can do it all at once. `@default 3` */
  readonly attempts?: number;
  run(bench: Bench): Promise<RowResult>;
}

export interface RowResult {
  readonly checks: readonly Check[];
  readonly tables: readonly Table[];
  readonly plots?: readonly Plot[];
  /** What has to be known to read the figures. */
  readonly notes?: readonly string[];
  /** Lines for the first table of the page. */
  readonly choices?: readonly Choice[];
}

/** What somebody would pick instead, and what becomes of it. */
interface Choice {
  /** What is to be done: "send 100 batches at once". */
  readonly work: string;
  readonly instead: string;
  /** What this library makes of it: "1.3 times as many a second". */
  readonly ours: string;
}

/** A target, and what was measured. */
export interface Check {
  readonly what: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit: string;
  /** Not subject to noise: missed by a little is missed. */
  readonly exact?: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Plot {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What is written at its end. */
  readonly text: string;
  readonly kind: "ours" | "peer" | "floor";
}

export type Verdict = "met" | "within noise" | "missed";

/** A miss by less than this may be the machine. */
const NOISE = 0.15;

export function judge({ measured, atLeast = -Infinity, atMost = Infinity, exact = false }: Check): Verdict {
  if (measured >= atLeast && measured <= atMost) return "met";
  const nearlyMet = measured >= atLeast * (1 - NOISE) && measured <= atMost * (1 + NOISE);
  return nearlyMet && !exact ? "within noise" : "missed";
}

/** Whether to measure again: a busy machine does not make anything twice as slow as the rest for all of the rounds. */
export function mayHaveBeenNoise(check: Check): boolean {
  const { measured, atLeast, atMost, exact = false } = check;
  if (exact || judge(check) !== "missed") return false;
  return atLeast === undefined ? measured < 2 * (atMost ?? 0) : measured > atLeast / 2;
}

/** Of the same target measured twice, the better. */
export function better(one: Check, other: Check | undefined): Check {
  if (other === undefined) return one;
  const oneIsBetter = one.atMost === undefined ? one.measured >= other.measured : one.measured <= other.measured;
  return oneIsBetter ? one : other;
}

/** `1 user`, `10,000 users`. */
export function counted(count: number, one: string): string {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

/** `12.3×`, with as many digits as mean something. */
export function times(ratio: number): string {
  return `${digits(ratio)}×`;
}

export function digits(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 10 ? 1 : 2);
}
