import type { CoverageFlags } from "../commands/plan.ts";
import { EXIT } from "../exit-codes.ts";
import { formatCount } from "../check/finding-summary.ts";
import type { Terminal } from "../terminal.ts";
import { askMock, isMockAddress } from "./ask-mock.ts";
import { JudgedCoverage } from "./judged-coverage.ts";
import { readPlanFile } from "./plan-file.ts";
import { readBatches } from "./read-batches.ts";
import { oneLine, printable } from "../printable.ts";

/** Says which data points batches have met, and which never. */
export async function runPlanCoverage(
  inputs: readonly string[],
  flags: CoverageFlags,
  terminal: Terminal,
): Promise<number> {
  const counter = new JudgedCoverage(await readPlanFile(flags.plan, flags.planVersion, terminal));
  const files = inputs.filter((input) => !isMockAddress(input));
  for (const address of inputs.filter(isMockAddress)) {
    const { batches, total } = await askMock(address, terminal);
    // Who asks for a verdict wants to know what such batches meet.
    const isAsked = /[?&]verdict=/.test(address);
    for (const { batch, isAccepted } of batches) counter.add(batch, isAccepted || isAsked);
    if (total > batches.length && !address.includes("?")) {
      await terminal.stderr.write(
        `${address}: ${formatCount(total)} batches arrived, and the newest ${formatCount(batches.length)} of them are counted here. The mock keeps no more; with --plan it counts all of them itself.\n`,
      );
    }
  }
  const take = (batch: unknown): void => {
    counter.add(batch, true);
  };
  const broken = files.length === 0 ? 0 : await readBatches(files, flags, terminal, take);
  const isWhole = await tellCoverage(counter, flags.json === true, terminal);
  return isWhole && broken === 0 ? EXIT.clean : EXIT.findings;
}

/** Writes the coverage; true when every data point was met and nothing unplanned was. */
export async function tellCoverage(
  counted: JudgedCoverage,
  json: boolean,
  { stdout, stderr }: Terminal,
): Promise<boolean> {
  const { points, unplanned } = counted.coverage();
  for (const { key, count, missingAttributes } of points) {
    const missing = missingAttributes.length === 0 ? "" : `  never: ${missingAttributes.join(", ")}`;
    const line = json
      ? printable(JSON.stringify({ key, count, missingAttributes }))
      : oneLine(`${String(count).padStart(8)} ${key}${count === 0 ? "" : missing}`);
    await stdout.write(`${line}\n`);
  }
  for (const [what, count] of unplanned) {
    const line = json
      ? printable(JSON.stringify({ unplanned: what, count }))
      : oneLine(`${String(count).padStart(8)} not in the plan: ${what}`);
    await stdout.write(`${line}\n`);
  }
  if (counted.refused > 0) {
    await stderr.write(
      `Not accepted, and so of no data point: ${formatCount(counted.refused)} of the batches. What of them is not planned is counted.\n`,
    );
  }
  const met = points.filter(({ count }) => count > 0).length;
  await stderr.write(`${String(met)} of ${String(points.length)} data points met.\n`);
  return met === points.length && unplanned.size === 0;
}
