import { diffPlans, type PlanChange } from "../../plan/diff-plans.ts";
import type { PlanDiffFlags } from "../commands/plan.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { readPlanFile } from "./plan-file.ts";
import { oneLine, printable } from "../printable.ts";

/** Says what a new plan means for code that keeps to the old one. */
export async function runPlanDiff(
  old: string,
  next: string,
  flags: PlanDiffFlags,
  terminal: Terminal,
): Promise<number> {
  const before = await readPlanFile(old, flags.oldVersion, terminal, "--old-version");
  const after = await readPlanFile(next, flags.newVersion, terminal, "--new-version");
  const changes = diffPlans(before, after);
  for (const change of changes) {
    await terminal.stdout.write(`${flags.json === true ? printable(JSON.stringify(change)) : lineOf(change)}\n`);
  }
  const breaking = changes.filter((change) => change.breaking).length;
  await terminal.stderr.write(
    changes.length === 0
      ? "The plans are the same.\n"
      : `${String(changes.length)} differences, of which ${String(breaking)} may refuse what the old plan takes.\n`,
  );
  return breaking === 0 ? EXIT.clean : EXIT.findings;
}

function lineOf({ kind, breaking, point, path, message }: PlanChange): string {
  return oneLine(`${breaking ? "!" : " "} ${kind.padEnd(9)} ${point}${path === "" ? "" : ` ${path}`}: ${message}`);
}
