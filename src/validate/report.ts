import type { Finding, FindingSeverity } from "../errors.ts";
import type { Statement } from "../rules/statement.ts";

/** Gathers findings: each mistake once, errors never crowded out by warnings, never more than asked for. */
export class Report {
  readonly #errors: Finding[] = [];
  readonly #warnings: Finding[] = [];
  readonly #max: number;
  readonly #silenced: ReadonlySet<string> | undefined;
  /** Where something has been said already, and how serious that is. */
  #paths: Map<string, FindingSeverity> | undefined; // made when needed: most batches have nothing to report
  /** Objects with a misspelt key, and how serious that is: what they seem to lack may well be there. */
  #misspelt: Map<string, FindingSeverity> | undefined;

  constructor(maxFindings: number, silenced: ReadonlySet<string> | undefined) {
    this.#max = maxFindings;
    this.#silenced = silenced;
  }

  /** Whether further findings of this severity would be left out: then they need not be worded either. */
  full(severity: FindingSeverity): boolean {
    return (severity === "error" ? this.#errors : this.#warnings).length >= this.#max;
  }

  isSilenced(code: string): boolean {
    return this.#silenced?.has(code) === true;
  }

  /** Adds a finding, unless something as serious has already been said about that very place. */
  add(path: string, severity: FindingSeverity, { code, message, hint }: Statement): void {
    this.#paths ??= new Map();
    const said = this.#paths.get(path);
    if (this.full(severity) || said === "error" || said === severity) return;
    this.#paths.set(path, severity);
    const list = severity === "error" ? this.#errors : this.#warnings;
    list.push(hint === undefined ? { severity, code, path, message } : { severity, code, path, message, hint });
  }

  /** Remembers that an object has a key that nobody knows. */
  noteMisspelt(objectPath: string, severity: FindingSeverity): void {
    this.#misspelt ??= new Map();
    if (this.#misspelt.get(objectPath) !== "error") this.#misspelt.set(objectPath, severity);
  }

  /** Whether what an object lacks has been reported as a misspelt key, at least as severely. */
  explainsAbsence(objectPath: string, severity: FindingSeverity): boolean {
    const noted = this.#misspelt?.get(objectPath);
    return noted !== undefined && (noted === "error" || severity === "warning");
  }

  /** Errors first, then warnings, each in the order of the batch. */
  findings(): Finding[] {
    if (this.#paths === undefined) return [];
    const paths = this.#paths;
    // What was a warning first and an error later is told as the error alone.
    const warnings = this.#warnings.filter(({ path }) => paths.get(path) === "warning");
    return [...this.#errors, ...warnings].slice(0, this.#max);
  }
}
