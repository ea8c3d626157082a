import type { Finding } from "../../index.ts";
import { count, formatCount } from "../check/finding-summary.ts";
import type { Colours } from "../terminal.ts";

/** Counts by code what a check warned of in batches that were sent all the same. */
export class WarningCount {
  readonly #groups = new Map<string, { many: number; readonly example: Finding }>();
  #batches = 0;

  /** @param warnings - of one batch. */
  add(warnings: readonly Finding[]): void {
    if (warnings.length > 0) this.#batches++;
    for (const warning of warnings) {
      const group = this.#groups.get(warning.code);
      if (group === undefined) this.#groups.set(warning.code, { many: 1, example: warning });
      else group.many++;
    }
  }

  /** For a summary as JSON: `undefined` when there were none. */
  get byCode(): Readonly<Record<string, number>> | undefined {
    if (this.#batches === 0) return undefined;
    return Object.fromEntries([...this.#groups].map(([code, { many }]) => [code, many]));
  }

  /** For people; nothing when there were none. */
  describe(colours: Colours): string {
    if (this.#batches === 0) return "";
    const lines = [...this.#groups].map(([code, { many, example }]) => {
      const { path, message, hint } = example;
      const said = `    such as ${path === "" ? "/" : path}: ${message}${hint === undefined ? "" : ` ${hint}`}`;
      return `  ${formatCount(many)} × ${colours.strong(code)}\n${colours.dim(said)}\n`;
    });
    const head = `Warnings about ${count(this.#batches, "record")}, which are no reason to reject:`;
    return `${colours.bad("!")} ${head}\n${lines.join("")}  mparticle-events check says where.\n`;
  }
}
