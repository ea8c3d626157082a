import { PlanInference } from "../../plan/infer-plan.ts";
import type { InferFlags } from "../commands/plan.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { writeResult } from "./plan-file.ts";
import { readBatches } from "./read-batches.ts";

/** Writes a first plan from recorded batches. */
export async function runPlanInfer(inputs: readonly string[], flags: InferFlags, terminal: Terminal): Promise<number> {
  const inference = new PlanInference({ planId: flags.planId, maxEnumValues: flags.maxEnum });
  const broken = await readBatches(inputs, flags, terminal, (batch) => {
    inference.add(batch);
  });
  if (inference.batches === 0) throw new UsageError("The input holds no batch.", "Name files of recorded batches.");
  const plan = inference.plan();
  await writeResult(`${JSON.stringify(plan, null, 2)}\n`, flags.out, terminal);
  const points = plan.version_document.data_points.length;
  await terminal.stderr.write(`${String(points)} data points from ${String(inference.batches)} batches.\n`);
  for (const [type, count] of inference.leftOut) {
    await terminal.stderr.write(
      `Left out, because a plan cannot hold it: ${String(count)} × ${type === "" ? "an event without a type" : type}.\n`,
    );
  }
  return broken === 0 ? EXIT.clean : EXIT.findings;
}
