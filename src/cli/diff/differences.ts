import type { JsonValue } from "./json-value.ts";

/** What happened to a thing between the old description and the new one. */
type Kind = "added" | "removed" | "tightened" | "loosened" | "changed";

/** What it means for somebody who sends what the old description allows. */
export type Verdict = "breaking" | "attention" | "compatible";

/** A part of the way to a place in a payload or in an API. */
export interface Step {
  readonly kind: "root" | "property" | "items" | "variant" | "values" | "names" | "part";
  readonly text: string;
  /** Of a variant: how many variants both sides have. */
  readonly of?: number;
}

type Path = readonly Step[];

/** One difference as the comparison finds it, the path starting at the thing that was compared. */
export interface Local {
  /** What differs: `property`, `required`, `type`, `null`, `value`, a keyword such as `maxLength`, `operation` … */
  readonly facet: string;
  readonly kind: Kind;
  readonly verdict: Verdict;
  readonly old: JsonValue;
  readonly new: JsonValue;
  readonly reason?: string | undefined;
  readonly path: Path;
}

/** One difference as it is reported: the same change at like places is one. */
export interface Difference extends Omit<Local, "path"> {
  readonly path: string;
  /** All places, `path` being the first; variants that share the difference are one place. */
  readonly places: readonly string[];
}

export function step(kind: Step["kind"], text = ""): Step {
  return { kind, text };
}

/** Differences of a part, with paths that start at the whole. */
export function within(start: readonly Step[], differences: readonly Local[]): Local[] {
  return differences.map((difference) => ({ ...difference, path: [...start, ...difference.path] }));
}

/** What only one of two sets of names has. */
export function changedKeys(
  facet: string,
  old: ReadonlySet<string>,
  now: ReadonlySet<string>,
  removed: Verdict,
  added: Verdict = "compatible",
): Local[] {
  return [...new Set([...old, ...now])].flatMap((key): Local[] => {
    if (old.has(key) && now.has(key)) return [];
    const isRequired = facet === "parameter" && key.endsWith("(required)");
    const path = [step("part", key)];
    if (old.has(key)) return [{ facet, kind: "removed", verdict: removed, old: key, new: null, path }];
    return [{ facet, kind: "added", verdict: isRequired ? "breaking" : added, old: null, new: key, path }];
  });
}

/** A path as a person would write it: `Batch.events[custom_event].data.event_name`. */
function renderPath(path: Path): string {
  let text = "";
  for (const [index, { kind, text: part }] of path.entries()) {
    if (kind === "root") text += part;
    else if (kind === "property") text += /^[\w$-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    else if (kind === "items") text += path[index + 1]?.kind === "variant" ? "" : "[]";
    else if (kind === "variant") text += `[${part}]`;
    else if (kind === "values") text += ".*";
    else text += ` ${kind === "names" ? "(names)" : part}`;
  }
  return text.trim();
}

/**
 * Merges the same change at like places (the same last two names, whatever the variant, the operation or the way there)
 * and sorts: verdict first, then what weighs most, then the path.
 */
export function summarise(found: readonly Local[]): Difference[] {
  const groups = new Map<string, Local[]>();
  for (const difference of found) {
    const { facet, kind, verdict, old, new: now, reason, path } = difference;
    const key = JSON.stringify([facet, kind, verdict, old, now, reason, tail(path)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [difference]);
    else group.push(difference);
  }
  const merged: Difference[] = [];
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const places = foldVariants(group.map(({ path }) => path));
    merged.push({ ...first, path: places[0] ?? "", places });
  }
  return merged.sort(
    (a, b) =>
      VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
      weight(a.facet) - weight(b.facet) ||
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
      compareText(a.path, b.path) ||
      compareText(a.facet, b.facet) ||
      compareText(JSON.stringify([a.old, a.new]), JSON.stringify([b.old, b.new])),
  );
}

/** Independent of the locale, so that every machine prints the same. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const VERDICTS: readonly Verdict[] = ["breaking", "attention", "compatible"];
const KINDS: readonly Kind[] = ["removed", "added", "tightened", "changed", "loosened"];

/** Facets from the weightiest on; limits, which have many names, come where `limit` stands. */
const FACETS = [
  "operation",
  "security",
  "variant",
  "property",
  "alternative",
  "value",
  "parameter",
  "media type",
  "body",
  "required",
  "type",
  "values",
  "additional properties",
  "named limit",
  "limit",
  "server",
  "response",
  "header",
  "condition",
  "known value",
  "deprecated",
  "format",
  "null",
];

function weight(facet: string): number {
  const index = FACETS.indexOf(facet);
  return index === -1 ? FACETS.indexOf("limit") : index;
}

/** The last two names and what follows the first of them; where one variant or operation is as good as another. */
function tail(path: Path): string {
  let names = 0;
  let start = path.length;
  while (start > 0 && names < 2) {
    start--;
    const kind = path[start]?.kind;
    if (kind === "property" || kind === "root") names++;
  }
  return path
    .slice(start)
    .map(({ kind, text }) => (kind === "variant" || kind === "root" ? kind : `${kind}:${text}`))
    .join("/");
}

/** Places as text, the shortest first; those that differ in a variant only become one. */
function foldVariants(paths: readonly Path[]): string[] {
  const folded = new Map<string, { path: Path; at: number; texts: Set<string>; of: number }>();
  for (const path of paths) {
    const at = path.findIndex(({ kind }) => kind === "variant");
    const key = JSON.stringify(path.map(({ kind, text }, index) => (index === at ? [kind] : [kind, text])));
    const entry = folded.get(key) ?? { path, at, texts: new Set<string>(), of: path[at]?.of ?? 0 };
    const text = path[at]?.text;
    if (text !== undefined) entry.texts.add(text);
    folded.set(key, entry);
  }
  return [...folded.values()]
    .map(({ path, at, texts, of }) => {
      if (at === -1) return renderPath(path);
      const text = texts.size > 1 && texts.size === of ? "*" : [...texts].sort(compareText).join("|");
      return renderPath(path.map((part, index) => (index === at ? step("variant", text) : part)));
    })
    .sort((a, b) => depth(a) - depth(b) || a.length - b.length || compareText(a, b));
}

function depth(path: string): number {
  return path.split(".").length;
}

/** A difference that starts where it is found. */
export function local(facet: string, kind: Local["kind"], verdict: Verdict, old: JsonValue, now: JsonValue): Local {
  return { facet, kind, verdict, old, new: now, path: [] };
}
