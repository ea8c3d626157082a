import { generatePlan } from "../../plan/generate-plan.ts";
import type { GenerateFlags } from "../commands/plan.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { readIfThere, readPlanFile, writeResult } from "./plan-file.ts";
import { oneLine } from "../printable.ts";

/** Writes the code of a plan, or says whether it is up to date. */
export async function runPlanGenerate(file: string, flags: GenerateFlags, terminal: Terminal): Promise<number> {
  const { out, check, planId, planVersion } = flags;
  if (check === true && out === undefined) {
    throw new UsageError("--check needs --out.", "Name the file that is to be up to date with --out.");
  }
  const plan = await readPlanFile(file, planVersion, terminal);
  if (planId !== undefined && plan.data_plan_id !== undefined && plan.data_plan_id !== planId) {
    throw new UsageError(`${file}: the plan is ${JSON.stringify(plan.data_plan_id)}.`, "Leave --plan-id out.");
  }
  const { text, omitted } = generatePlan({ ...plan, ...(planId !== undefined && { data_plan_id: planId }) });
  for (const sentence of omitted) await terminal.stderr.write(`${oneLine(`${file}: ${sentence}`)}\n`);
  if (check !== true) {
    await writeResult(text, out, terminal);
    if (out !== undefined) await terminal.stderr.write(`${out} is written.\n`);
    return EXIT.clean;
  }
  const found = await readIfThere(out ?? "", terminal.cwd);
  // A checkout on Windows may have other ends of lines.
  if (found?.replaceAll("\r\n", "\n") === text) return EXIT.clean;
  await terminal.stderr.write(
    `${out ?? ""} is ${found === undefined ? "missing" : "not what the plan says"}.\nRun mparticle-events plan generate ${file} --out ${out ?? ""}.\n`,
  );
  return EXIT.findings;
}
