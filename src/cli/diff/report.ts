import type { JsonValue } from "./json-value.ts";
import type { Comparison } from "./compare-descriptions.ts";
import { VERDICTS, type Difference, type Verdict } from "./differences.ts";
import type { Description } from "./read-description.ts";

const HEADINGS: Readonly<Record<Verdict, string>> = {
  breaking: "Breaking: what was right to send is refused, or has nowhere to go",
  attention: "Needs attention: still sent, but look at it",
  compatible: "Compatible: whoever sent what was right goes on doing so",
};
/** Facets whose path ends in the thing itself: what is under one parent goes into one line. */
const MEMBERS = ["property", "variant", "named limit"];
/** Facets whose path says all there is to say. */
const NAMED_BY_PATH = ["operation", "server", "response", "header", "parameter", "media type"];
/** Places and names in one line, before the rest is only counted. */
const SHOWN_PLACES = 3;
const SHOWN_VALUES = 12;

/** How many differences there are of each verdict. */
function countVerdicts(differences: readonly Difference[]): Record<Verdict, number> {
  const count = (verdict: Verdict) => differences.filter((difference) => difference.verdict === verdict).length;
  return { breaking: count("breaking"), attention: count("attention"), compatible: count("compatible") };
}

/** The verdict of the whole: that of the worst difference. */
export function worstVerdict(differences: readonly Difference[]): Verdict | "same" {
  return VERDICTS.find((verdict) => differences.some((difference) => difference.verdict === verdict)) ?? "same";
}

/** The comparison for machines: every difference with all of its places. */
export function reportJson(old: Description, now: Description, { differences, notes }: Comparison): string {
  const side = ({ name, label }: Description) => ({ name, description: label });
  return JSON.stringify(
    {
      old: side(old),
      new: side(now),
      verdict: worstVerdict(differences),
      counts: countVerdicts(differences),
      differences,
      notes,
    },
    null,
    2,
  );
}

/**
 * The comparison for people: like differences in one line, the worst first, a summary last.
 *
 * @param all - lists every place, instead of the first few and a number.
 */
export function reportText(
  old: Description,
  now: Description,
  { differences, notes }: Comparison,
  all: boolean,
): string {
  const lines = [`${old.name} (${old.label}) → ${now.name} (${now.label})`, ""];
  for (const verdict of VERDICTS) {
    const group = differences.filter((difference) => difference.verdict === verdict);
    if (group.length === 0) continue;
    lines.push(HEADINGS[verdict], ...fold(group).map((line) => `  ${renderLine(line, all)}`), "");
  }
  if (notes.length > 0) lines.push(...notes.map((note) => `Note: ${note}`), "");
  const { breaking, attention, compatible } = countVerdicts(differences);
  lines.push(
    differences.length === 0
      ? "No differences for senders."
      : `${String(breaking)} breaking, ${String(attention)} to look at, ${String(compatible)} compatible.`,
  );
  return lines.join("\n");
}

/** Differences that are told in one line, all of them the same but for the place. */
type Line = readonly [Difference, ...Difference[]];

function fold(differences: readonly Difference[]): Line[] {
  const lines = new Map<string, [Difference, ...Difference[]]>();
  for (const difference of differences) {
    const { kind, facet, old, new: now, reason, path } = difference;
    const isMember = MEMBERS.includes(facet);
    const key = JSON.stringify([
      kind,
      facet,
      reason,
      isMember ? memberOf(path).parent : NAMED_BY_PATH.includes(facet) ? [] : [old, now],
    ]);
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [difference]);
    else line.push(difference);
  }
  return [...lines.values()];
}

function renderLine(line: Line, all: boolean): string {
  const [{ kind, facet, reason, path, places }] = line;
  const short = (place: string) => (all ? place : shortened(place));
  const why = reason === undefined ? "" : ` (${reason})`;
  const start = kind.padEnd(9);
  if (!MEMBERS.includes(facet)) {
    const places = line.flatMap((difference) => difference.places);
    const shown = listOf(places.map(short), all ? places.length : SHOWN_PLACES);
    return `${start}  ${shown}: ${describe(line[0])}${why}`;
  }
  const [only] = line;
  const elsewhere = line.every((difference) => difference.places.length === places.length) ? places.slice(1) : [];
  const also =
    elsewhere.length === 0
      ? ""
      : `, also in ${listOf(
          elsewhere.map((place) => short(memberOf(place).parent)),
          all ? elsewhere.length : 2,
        )}`;
  if (line.length === 1) return `${start}  ${short(path)}: ${describe(only)}${why}${also}`;
  const names = line.map((difference) => memberOf(difference.path).name);
  const shown = listOf(names, all ? names.length : SHOWN_VALUES * 2);
  const plural = facet === "property" ? "properties" : facet === "variant" ? "branches" : `${facet}s`;
  return `${start}  ${short(memberOf(path).parent)} { ${shown} }: ${plural}${why}${also}`;
}

/** A path without the middle of a long list of branches. */
function shortened(path: string): string {
  return path.replace(/\[([^\]|]+\|[^\]]+)\]/g, (whole, list: string) => {
    const names = list.split("|");
    return names.length > 4 ? `[${names.slice(0, 2).join("|")}|… ${String(names.length - 2)} more]` : whole;
  });
}

function memberOf(path: string): { parent: string; name: string } {
  const [, parent, name] = /^(.*?)(?:\.([^.[\]]+)|\[([^[\]]+)\])$/.exec(path) ?? [];
  return { parent: parent ?? "", name: name ?? /\[([^[\]]+)\]$/.exec(path)?.[1] ?? path };
}

function listOf(items: readonly string[], shown: number): string {
  const unique = [...new Set(items)];
  const rest = unique.length - shown;
  // Saying "and 1 more" takes as long as saying it.
  return rest < 2 ? unique.join(", ") : `${unique.slice(0, shown).join(", ")} and ${String(rest)} more`;
}

/** What happened, in a few words; the path and the kind stand before it. */
function describe({ facet, kind, old, new: now }: Difference): string {
  const change = kind === "removed" ? old : now;
  switch (facet) {
    case "property":
      return `property (${valueText(change)})`;
    case "variant":
      return "branch of the union";
    case "alternative":
      return `alternative ${valueText(change)}`;
    case "operation":
      return "operation";
    case "required":
      return now === true ? "required now" : "no longer required";
    case "null":
      return now === true ? "null is taken now" : "null is refused now";
    case "value":
      return `${kind === "removed" ? "refused now" : "taken now"}: ${valueText(change)}`;
    case "known value":
      return `${kind === "removed" ? "no longer listed" : "listed now"}: ${valueText(change)}`;
    case "values":
      return kind === "tightened" ? `only ${valueText(now)} now` : `any value now, not only ${valueText(old)}`;
    case "additional properties":
      return `other properties: ${valueText(old)} → ${valueText(now)}`;
    case "deprecated":
      return now === true ? "deprecated now" : "no longer deprecated";
    case "body":
      return now === true ? "required now" : "no longer required";
    case "header":
    case "media type":
    case "parameter":
    case "response":
    case "server":
      return facet;
    default:
      return `${facet === "named limit" ? "" : `${facet} `}${valueText(old)} → ${valueText(now)}`;
  }
}

function valueText(value: JsonValue): string {
  if (value === null) return "none";
  if (typeof value === "string") return value.length > 80 ? `${value.slice(0, 77)}...` : value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  return listOf(
    value.map((item) => JSON.stringify(item)),
    SHOWN_VALUES,
  );
}
