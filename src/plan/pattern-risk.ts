import { charTest } from "./pattern-program.ts";
import type { PatternNode } from "./pattern-syntax.ts";

/** Repetitions beyond are looked at as if they had no end: that is as bad for a text that almost matches. */
const MAX_COPIES = 4;
/** Larger expressions are not looked at: they count as slow. */
const MAX_POSITIONS = 200;
/** Pairs of links that are followed at most; an expression that takes more counts as slow. */
const MAX_PAIRS = 200_000;

/** The places of an expression that take a character, and which can come after which. */
interface Positions {
  readonly tests: ((char: string) => boolean)[];
  readonly follow: Set<number>[];
  /** Whether one repetition within another leads from a place to the next a second time, as in `(a+)+`. */
  linkedTwice: boolean;
}

interface Fragment {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly nullable: boolean;
}

/**
 * Whether there are texts on which backtracking takes time that explodes with their length: a text can be read in two
 * ways again and again (`(a+)+`, `(a|a)*`), or three and more repetitions share what they take (`.*.*.*`).
 */
export function isSlow(node: PatternNode, flags: string): boolean {
  const loops = countLoops(node);
  if (loops < 2) return false;
  if (repeatsNothing(node)) return true;
  const positions: Positions = { tests: [], follow: [], linkedTwice: false };
  const whole = fragmentOf(node, positions, flags);
  if (whole === undefined || positions.linkedTwice) return true;
  const probes = probesFor(node);
  const taken = probes.map((probe) => positions.tests.map((test) => test(probe)));
  return hasTwoWays(positions, taken) || taken.some((takes) => sharedRepetitions(positions, takes) >= 3);
}

/**
 * At how many places an expression has a choice, copies by repetition included: what backtracking takes is at most the
 * length of the text to the power of it.
 */
export function countLoops(node: PatternNode): number {
  switch (node.kind) {
    case "sequence":
      return node.items.reduce((sum, item) => sum + countLoops(item), 0);
    case "choice":
      return node.items.reduce((sum, item) => sum + countLoops(item), 1);
    case "look":
      return countLoops(node.body);
    case "repeat": {
      const inner = countLoops(node.body);
      if (node.max === node.min) return inner * node.max;
      return node.max > MAX_COPIES ? 1 + inner * 2 : node.max * (1 + inner);
    }
    default:
      return 0;
  }
}

/** Whether what may be left out is repeated many times, as in `(a?){30}`: each copy doubles the ways. */
function repeatsNothing(node: PatternNode): boolean {
  if (node.kind === "repeat" && node.min > 10 && isNullable(node.body)) return true;
  if ("items" in node) return node.items.some(repeatsNothing);
  return "body" in node && repeatsNothing(node.body);
}

function isNullable(node: PatternNode): boolean {
  switch (node.kind) {
    case "char":
    case "other":
      return false;
    case "assert":
    case "look":
      return true;
    case "sequence":
      return node.items.every(isNullable);
    case "choice":
      return node.items.some(isNullable);
    case "repeat":
      return node.min === 0 || isNullable(node.body);
  }
}

/** Characters that tell the sets of an expression apart: all of ASCII, some beyond, and those it names. */
function probesFor(node: PatternNode): readonly string[] {
  const probes = new Set(["é", "ß", "中", "ا", "\u2028", "\u00a0", "\ud83d"]);
  for (let code = 9; code < 127; code++) probes.add(String.fromCharCode(code));
  const walk = (part: PatternNode): void => {
    if (part.kind === "char") for (const char of part.source) probes.add(char);
    else if ("items" in part) part.items.forEach(walk);
    else if ("body" in part) walk(part.body);
  };
  walk(node);
  return [...probes].slice(0, 400);
}

/** Adds the positions of a part; undefined when there are too many, or what cannot be looked through. */
function fragmentOf(node: PatternNode, positions: Positions, flags: string): Fragment | undefined {
  const empty: Fragment = { first: [], last: [], nullable: true };
  switch (node.kind) {
    case "char": {
      if (positions.tests.length >= MAX_POSITIONS) return undefined;
      const index = positions.tests.push(charTest(node.source, flags)) - 1;
      positions.follow.push(new Set());
      return { first: [index], last: [index], nullable: false };
    }
    case "assert":
      return empty;
    case "look": {
      // What it looks for may be slow by itself; it takes no character.
      return fragmentOf(node.body, positions, flags) === undefined ? undefined : empty;
    }
    case "sequence":
      return node.items.reduce<Fragment | undefined>((before, item) => {
        const after = before && fragmentOf(item, positions, flags);
        return before && after && joined(before, after, positions);
      }, empty);
    case "choice": {
      const parts = node.items.map((item) => fragmentOf(item, positions, flags));
      return parts.reduce<Fragment | undefined>(
        (sum, part) =>
          sum &&
          part && {
            first: [...sum.first, ...part.first],
            last: [...sum.last, ...part.last],
            nullable: sum.nullable || part.nullable,
          },
        { ...empty, nullable: false },
      );
    }
    case "repeat":
      return repeated(node.body, node.min, node.max, positions, flags);
    default:
      return undefined;
  }
}

function repeated(
  body: PatternNode,
  min: number,
  max: number,
  positions: Positions,
  flags: string,
): Fragment | undefined {
  let whole: Fragment = { first: [], last: [], nullable: true };
  const loops = max - min > MAX_COPIES;
  const copies = loops ? min + 1 : max;
  for (let count = 0; count < copies; count++) {
    const before = positions.tests.length;
    const part = fragmentOf(body, positions, flags);
    if (part === undefined) return undefined;
    if (positions.tests.length === before) return whole; // nothing, however often
    if (loops && count === min) link(part.last, part.first, positions);
    whole = joined(whole, count < min ? part : { ...part, nullable: true }, positions);
  }
  return whole;
}

function joined(before: Fragment, after: Fragment, positions: Positions): Fragment {
  link(before.last, after.first, positions);
  return {
    first: before.nullable ? [...before.first, ...after.first] : before.first,
    last: after.nullable ? [...before.last, ...after.last] : after.last,
    nullable: before.nullable && after.nullable,
  };
}

function link(from: readonly number[], to: readonly number[], positions: Positions): void {
  for (const last of from) {
    for (const first of to) {
      if (positions.follow[last]?.has(first) === true) positions.linkedTwice = true;
      positions.follow[last]?.add(first);
    }
  }
}

/**
 * Whether a position can be left and come back to in two ways by one text: then each further copy of that text doubles
 * the ways. Found in the graph of pairs of positions, each pair moving by one character that both take.
 */
function hasTwoWays({ follow }: Positions, taken: readonly (readonly boolean[])[]): boolean {
  const count = follow.length;
  /** Whether some character is taken by both positions. */
  const share = new Uint8Array(count * count);
  for (const takes of taken) {
    const takers = takes.flatMap((takesIt, index) => (takesIt ? [index] : []));
    for (const one of takers) for (const other of takers) share[one * count + other] = 1;
  }
  let followed = 0;
  const next = (pair: number): number[] => {
    if (followed > MAX_PAIRS) return [];
    const [one, other] = [Math.floor(pair / count), pair % count];
    const pairs: number[] = [];
    for (const a of follow[one] ?? []) {
      for (const b of follow[other] ?? []) {
        followed++;
        if (share[a * count + b] === 1) pairs.push(a * count + b);
      }
    }
    return pairs;
  };
  const component = componentsOf(
    count * count,
    next,
    Array.from({ length: count }, (_, index) => index * count + index),
  );
  if (followed > MAX_PAIRS) return true;
  const diagonal = new Set<number>();
  for (let index = 0; index < count; index++) diagonal.add(component[index * count + index] ?? -1);
  for (let pair = 0; pair < count * count; pair++) {
    const [one, other] = [Math.floor(pair / count), pair % count];
    if (one !== other && (component[pair] ?? -1) >= 0 && diagonal.has(component[pair] ?? -1)) return true;
  }
  return false;
}

/** The longest chain of repetitions that one and the same character can go through. */
function sharedRepetitions({ follow }: Positions, takes: readonly boolean[]): number {
  const next = (index: number): number[] => [...(follow[index] ?? [])].filter((target) => takes[target] === true);
  const starts = takes.flatMap((takesIt, index) => (takesIt ? [index] : []));
  const component = componentsOf(follow.length, next, starts);
  const sizes = new Map<number, boolean>();
  for (const index of starts) {
    const own = component[index] ?? -1;
    const loops = next(index).some((target) => component[target] === own);
    sizes.set(own, sizes.get(own) === true || loops);
  }
  // Components are numbered as they are finished, so what can be reached has a smaller number.
  const longest = new Map<number, number>();
  const byNumber = [...starts].sort((a, b) => (component[a] ?? 0) - (component[b] ?? 0));
  for (const index of byNumber) {
    const own = component[index] ?? -1;
    for (const target of next(index)) {
      const other = component[target] ?? -1;
      if (other !== own) longest.set(own, Math.max(longest.get(own) ?? 0, total(other)));
    }
  }
  function total(number: number): number {
    return (longest.get(number) ?? 0) + (sizes.get(number) === true ? 1 : 0);
  }
  return Math.max(0, ...[...sizes.keys()].map(total));
}

/** Tarjan's strongly connected components, without recursion; -1 for what is not reached from `starts`. */
function componentsOf(count: number, next: (node: number) => number[], starts: readonly number[]): Int32Array {
  const component = new Int32Array(count).fill(-1);
  const order = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const stack: number[] = [];
  const onStack = new Uint8Array(count);
  let time = 0;
  let found = 0;
  for (const start of starts) {
    if (order[start] !== -1) continue;
    const work: { node: number; targets: number[]; at: number }[] = [];
    const open = (node: number): void => {
      order[node] = low[node] = time++;
      stack.push(node);
      onStack[node] = 1;
      work.push({ node, targets: next(node), at: 0 });
    };
    open(start);
    for (let frame = work.at(-1); frame !== undefined; frame = work.at(-1)) {
      const target = frame.targets[frame.at++];
      if (target !== undefined) {
        if (order[target] === -1) open(target);
        else if (onStack[target] === 1) low[frame.node] = Math.min(low[frame.node] ?? 0, order[target] ?? 0);
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent !== undefined) low[parent.node] = Math.min(low[parent.node] ?? 0, low[frame.node] ?? 0);
      if (low[frame.node] !== order[frame.node]) continue;
      for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
        onStack[node] = 0;
        component[node] = found;
        if (node === frame.node) break;
      }
      found++;
    }
  }
  return component;
}
