import { formatPlace } from "../input/entry.ts";
import type { Output } from "../terminal.ts";
import type { FindingSink, PlacedFinding } from "./finding-sink.ts";
import { Writer } from "./finding-sink.ts";

interface Case {
  count: number;
  readonly examples: string[];
}

const EXAMPLES_PER_CASE = 20;

/**
 * JUnit XML, as CI servers read it: a suite for each file, a test case in it for each code that was found. A test case
 * for each finding would be a report that nobody opens.
 */
export class JunitSink implements FindingSink {
  readonly #write: Writer;
  readonly #files = new Map<string, Map<string, Case>>();

  constructor(output: Output) {
    this.#write = new Writer(output);
  }

  file(name: string): void {
    if (!this.#files.has(name)) this.#files.set(name, new Map());
  }

  add({ place, code, path, message, hint }: PlacedFinding): void {
    this.file(place.file);
    const cases = this.#files.get(place.file);
    const known = cases?.get(code) ?? { count: 0, examples: [] };
    cases?.set(code, known);
    known.count++;
    if (known.examples.length >= EXAMPLES_PER_CASE) return;
    known.examples.push([formatPlace(place), path === "" ? "/" : path, message, hint ?? ""].join(" ").trimEnd());
  }

  async end(): Promise<void> {
    const failures = [...this.#files.values()].reduce((sum, cases) => sum + cases.size, 0);
    const tests = [...this.#files.values()].reduce((sum, cases) => sum + Math.max(1, cases.size), 0);
    await this.#write.line('<?xml version="1.0" encoding="UTF-8"?>');
    await this.#write.line(
      `<testsuites name="mparticle-events check" tests="${String(tests)}" failures="${String(failures)}">`,
    );
    for (const [file, cases] of this.#files) {
      const name = escapeXml(file);
      await this.#write.line(
        `  <testsuite name="${name}" tests="${String(Math.max(1, cases.size))}" failures="${String(cases.size)}">`,
      );
      if (cases.size === 0) await this.#write.line(`    <testcase classname="${name}" name="no findings"/>`);
      for (const [code, { count, examples }] of cases) {
        const more = count > examples.length ? [`… and ${String(count - examples.length)} more`] : [];
        await this.#write.line(`    <testcase classname="${name}" name="${escapeXml(code)}">`);
        await this.#write.line(
          `      <failure message="${String(count)} × ${escapeXml(code)}">${escapeXml([...examples, ...more].join("\n"))}</failure>`,
        );
        await this.#write.line("    </testcase>");
      }
      await this.#write.line("  </testsuite>");
    }
    await this.#write.line("</testsuites>");
    await this.#write.end();
  }
}

function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd") // not even escaped may they stand in XML 1.0
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
