import type { Finding } from "../../errors.ts";
import { nearest } from "../../rules/nearest-name.ts";
import { checkBatch, LINTS, type LintSwitches } from "../../validate/validate.ts";
import type { CheckFlags } from "../commands/check.ts";
import { EXIT } from "../exit-codes.ts";
import { adviseOnTime } from "../input/csv-times.ts";
import type { Entry } from "../input/entry.ts";
import { findInputs } from "../input/find-inputs.ts";
import { readInputFlags } from "../input/input-options.ts";
import { readEntries } from "../input/read-entries.ts";
import { contentOf, idOf, REPEATED_ID, repetition, SeenIds } from "../input/seen-ids.ts";
import { makePlanCheck } from "../plan/plan-options.ts";
import { coloursFor, type Output, type Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { fillEnvironment } from "../input/fill-environment.ts";
import { GithubSink, JsonSink, LineSink, type FindingSink, type PlacedFinding } from "./finding-sink.ts";
import { describeMissedIds, FindingSummary } from "./finding-summary.ts";
import { JunitSink } from "./junit-sink.ts";
import { SarifSink } from "./sarif-sink.ts";

/** Says of each record what is wrong with it, and of all of them what is wrong most often. */
export async function runCheck(inputs: readonly string[], flags: CheckFlags, terminal: Terminal): Promise<number> {
  const check = await makeCheck(flags, terminal);
  const files = await findInputs(inputs, terminal.cwd);
  const reading = await readInputFlags(flags, terminal, files);
  const sink = sinkFor(flags, terminal.stdout);
  const summary = new FindingSummary();
  for (const { name } of files) await sink.file?.(name);
  const seen = new SeenIds();
  const looksForIds = flags.lints && flags.off?.includes(REPEATED_ID) !== true;
  const findingsOf = (entry: Entry): readonly Finding[] => {
    if (entry.kind === "broken") return [faultOf(entry)];
    const batch = fillEnvironment(entry.value, flags.environment);
    const said = check(batch);
    const findings = entry.row === undefined ? said : said.map(adviseOnTime);
    const id = looksForIds ? idOf(batch) : undefined;
    const earlier = id === undefined ? undefined : seen.note(id, contentOf(batch), entry);
    return earlier === undefined ? findings : [repetition(earlier), ...findings];
  };

  let isStopped = false;
  for await (const entries of readEntries(files, terminal, reading)) {
    for (const entry of entries) {
      const findings = findingsOf(entry);
      summary.records++;
      if (findings.length === 0) continue;
      summary.recordsWithFindings++;
      for (const finding of findings) {
        const placed: PlacedFinding = { ...finding, place: placeOf(entry) };
        summary.add(placed);
        const room = sink.add(placed);
        if (room !== undefined) await room;
      }
      isStopped = entry.kind === "broken" && flags.strict === true;
      if (isStopped) break;
    }
    // The rest would be for nobody, and the input may have no end.
    if (isStopped || terminal.stdout.isClosed) break;
  }
  await sink.end?.();
  if (isStopped) await terminal.stderr.write("Stopped at the first line that cannot be read, because of --strict.\n");
  if (terminal.stdout.isClosed) {
    await terminal.stderr.write(
      "Stopped, because nobody reads the findings any more. Counted is what was read by then.\n",
    );
  }
  await terminal.stderr.write(describeMissedIds(seen));
  await terminal.stderr.write(summary.describe(coloursFor(terminal.stderr, terminal.env)));
  return summary.findings === 0 ? EXIT.clean : EXIT.findings;
}

/** Members in the order in which they are told. */
function placeOf({ file, line, column }: Entry): PlacedFinding["place"] {
  return column === undefined ? { file, line } : { file, line, column };
}

function faultOf(entry: Entry & { readonly kind: "broken" }): Finding {
  const { code, message, hint } = entry;
  return { severity: "error", code, path: "", message, ...(hint !== undefined && { hint }) };
}

async function makeCheck(flags: CheckFlags, terminal: Terminal): Promise<(value: unknown) => readonly Finding[]> {
  const { profile } = flags;
  // The rules for a batch are those of a single one, whatever it travels with.
  const endpoint = flags.endpoint === "historical" ? "historical" : "events";
  const lints = flags.lints ? switchesOf(flags.off ?? []) : false;
  const checkPlan = await makePlanCheck(flags, terminal);
  return (value) => {
    const findings = checkBatch(value, { profile, endpoint, lints });
    const unplanned = checkPlan(value);
    return unplanned.length === 0 ? findings : [...findings, ...unplanned];
  };
}

function switchesOf(off: readonly string[]): LintSwitches {
  for (const code of off) {
    if (Object.hasOwn(LINTS, code)) continue;
    const meant = nearest(code, Object.keys(LINTS));
    throw new UsageError(
      `--off ${code}: there is no such lint.`,
      meant === undefined ? "The lints are listed in docs/lints.md." : `Is ${meant} meant?`,
    );
  }
  return Object.fromEntries(off.map((code) => [code, false]));
}

function sinkFor({ json, format }: CheckFlags, output: Output): FindingSink {
  if (json === true) return new JsonSink(output);
  switch (format) {
    case "github":
      return new GithubSink(output);
    case "junit":
      return new JunitSink(output);
    case "sarif":
      return new SarifSink(output);
    case undefined:
      return new LineSink(output);
  }
}
