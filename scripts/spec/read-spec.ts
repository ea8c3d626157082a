import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument, visit, type Node } from "yaml";
import { isObject, type JsonObject } from "./json-value.ts";

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
 * @throws BrokenSpecError - for a syntax error, a key given twice, an integer beyond 2^53, or a document that is no mapping.
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
  const rounded: SpecProblem[] = [];
  visit(yaml, {
    Scalar(_, { value, source, range }) {
      if (!Number.isInteger(value) || Number.isSafeInteger(value)) return;
      rounded.push({
        ...position(range?.[0] ?? 0),
        reason: `${source ?? String(value)} cannot be read without rounding it.`,
      });
    },
  });
  if (rounded.length > 0) throw new BrokenSpecError(file, rounded);
  const document: unknown = yaml.toJS();
  if (!isObject(document)) {
    throw new BrokenSpecError(file, [{ line: 1, column: 1, reason: "The document is not a mapping." }]);
  }
  return {
    file,
    document,
    problem: (path, reason) => ({ ...position(offsetOf(yaml.contents, path)), reason }),
  };
}

function offsetOf(root: Node | null, path: SpecPath): number {
  let node: unknown = root;
  let offset = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(step));
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
