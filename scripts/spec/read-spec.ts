import {
  isMap,
  isNode,
  isPair,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { isObject, type JsonObject } from "../../src/cli/diff/json-value.ts";

/** Where something stands in the document, as a list of keys and indexes. */
export type SpecPath = readonly (string | number)[];

/** One thing that is wrong with a description. */
export interface SpecProblem {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** A description that cannot be compiled; every problem found so far. */
export class BrokenSpecError extends Error {
  override name = "BrokenSpecError" as const;
  readonly problems: readonly SpecProblem[];

  constructor(file: string, problems: readonly SpecProblem[]) {
    const ordered = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    super(ordered.map(({ line, column, reason }) => `${file}:${String(line)}:${String(column)}: ${reason}`).join("\n"));
    this.problems = ordered;
  }
}

/** A description as plain values, which still knows on which line each of them stands. */
export interface SpecSource {
  readonly file: string;
  readonly document: JsonObject;
  /** A problem at the value that `path` leads to, or at the nearest thing above it that exists. */
  readonly problem: (path: SpecPath, reason: string) => SpecProblem;
}

/**
 * Reads a YAML (or JSON) description.
 *
 * @param text - its text.
 * @param file - the name to report problems under.
 * @throws BrokenSpecError - for a syntax error, a key given twice, an alias within what it stands for, an integer beyond
 *   2^53, or a document that is no mapping.
 */
export function readSpec(text: string, file: string): SpecSource {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (yaml.errors.length > 0) {
    throw new BrokenSpecError(
      file,
      yaml.errors.map((error) => ({ ...position(error.pos[0]), reason: `YAML: ${error.message}` })),
    );
  }
  const unreadable: SpecProblem[] = [];
  const report = (node: Node, reason: string) => unreadable.push({ ...position(node.range?.[0] ?? 0), reason });
  visit(yaml, {
    Scalar(_, node) {
      if (!Number.isInteger(node.value) || Number.isSafeInteger(node.value)) return;
      report(node, `${node.source ?? String(node.value)} cannot be read without rounding it.`);
    },
    Alias(_, node) {
      const target = node.resolve(yaml);
      const [start, , end] = target?.range ?? [0, 0, 0];
      const at = node.range?.[0] ?? 0;
      if (target === undefined) report(node, `*${node.source} stands for nothing: no &${node.source} before it.`);
      else if (start <= at && at < end) report(node, `*${node.source} stands within what it stands for, without end.`);
    },
  });
  if (unreadable.length > 0) throw new BrokenSpecError(file, unreadable);
  const document = plainValue(yaml, file);
  if (!isObject(document)) {
    throw new BrokenSpecError(file, [{ line: 1, column: 1, reason: "The document is not a mapping." }]);
  }
  return {
    file,
    document,
    problem: (path, reason) => ({ ...position(offsetOf(yaml.contents, path)), reason }),
  };
}

function plainValue(yaml: Document, file: string): unknown {
  try {
    return yaml.toJS();
  } catch (error) {
    // Aliases of aliases that would fill the memory, or nesting that would exhaust the stack.
    const reason = error instanceof Error ? error.message : String(error);
    throw new BrokenSpecError(file, [{ line: 1, column: 1, reason: `YAML: ${reason.replace(/\.?$/, ".")}` }]);
  }
}

function offsetOf(root: Node | null, path: SpecPath): number {
  return nearestTo(root, path, 0).offset;
}

/** How far a path can be followed. What only the wire profile has is found in the `x-wire` that it comes from. */
function nearestTo(node: unknown, path: SpecPath, offset: number): { offset: number; left: number } {
  const [step, ...rest] = path;
  const here = { offset, left: path.length };
  if (step === undefined) return here;
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? nearestTo(item, rest, item.range?.[0] ?? offset) : here;
  }
  if (!isMap(node)) return here;
  const follow = (pair: Pair | undefined) =>
    pair === undefined
      ? here
      : nearestTo(pair.value, rest, (isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offset);
  const found = follow(pairCalled(node, step));
  const patch = pairCalled(node, "x-wire")?.value;
  const patched = isMap(patch) ? follow(pairCalled(patch, step)) : here;
  return patched.left < found.left ? patched : found;
}

function pairCalled(map: YAMLMap, key: string | number): Pair | undefined {
  return map.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(key));
}
