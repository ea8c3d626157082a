import { formatPlace } from "../input/entry.ts";
import type { Colours } from "../terminal.ts";
import type { PlacedFinding } from "./finding-sink.ts";
import type { SeenIds } from "../input/seen-ids.ts";
import { oneLine } from "../printable.ts";

/** What is remembered of all findings of one code. */
interface Group {
  count: number;
  readonly example: PlacedFinding;
}

const SHOWN = 3;

/** Counts findings by code, and keeps the first of each as an example. */
export class FindingSummary {
  readonly #groups = new Map<string, Group>();
  records = 0;
  /** Records with a finding, or that could not be read. */
  recordsWithFindings = 0;
  findings = 0;

  add(finding: PlacedFinding): void {
    this.findings++;
    const group = this.#groups.get(finding.code);
    if (group === undefined) this.#groups.set(finding.code, { count: 1, example: finding });
    else group.count++;
  }

  /**
   * The counts, the most frequent codes with an example each, and the others by name.
   *
   * @param withHints - says what to do as well, where the findings themselves were not shown.
   */
  describe(colours: Colours, withHints = false): string {
    const records = `${count(this.records, "record")} checked`;
    if (this.records === 0 && this.findings === 0) {
      return `${colours.bad("!")} There was nothing to check: the input holds no record.\n`;
    }
    if (this.findings === 0) return `${colours.good("✓")} ${records}, nothing found.\n`;
    const groups = [...this.#groups].sort(([, one], [, other]) => other.count - one.count);
    const width = formatCount(groups[0]?.[1].count ?? 0).length;
    const lines = groups
      .slice(0, SHOWN)
      .flatMap(([code, { count: many, example }]) => [
        `  ${formatCount(many).padStart(width)} × ${colours.strong(code)}`,
        colours.dim(
          oneLine(
            `    such as ${formatPlace(example.place)} ${example.path === "" ? "/" : example.path}: ${example.message}`,
          ),
        ),
        ...(withHints && example.hint !== undefined ? [colours.dim(oneLine(`    ${example.hint}`))] : []),
      ]);
    const others = groups.slice(SHOWN).map(([code, group]) => `${code} (${formatCount(group.count)})`);
    return [
      `${colours.bad("✗")} ${records}: ${count(this.findings, "finding")} in ${formatCount(this.recordsWithFindings)} of them.`,
      ...lines,
      ...(others.length === 0 ? [] : [`  and ${others.join(", ")}`]),
      "",
    ].join("\n");
  }
}

/** `1 record`, `1,234 records`. */
export function count(many: number, what: string): string {
  return `${formatCount(many)} ${what}${many === 1 ? "" : "s"}`;
}

/** With commas between the thousands, whatever the machine speaks. */
export function formatCount(many: number): string {
  return String(Math.round(many)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** What of the ids of a run could not be compared; nothing as a rule. */
export function describeMissedIds({ size, missed }: SeenIds): string {
  if (missed === 0) return "";
  return `The ids of ${formatCount(size)} batches are remembered, which is as many as can be: those of ${formatCount(missed)} more were compared with these alone.\n`;
}
