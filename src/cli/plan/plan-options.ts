import { InvalidArgumentError, type Command } from "commander";
import type { Finding } from "../../errors.ts";
import type { Terminal } from "../terminal.ts";

/** What the command line says about a plan that batches are held against. */
export interface PlanFlags {
  readonly plan?: string | undefined;
  readonly planVersion?: number | undefined;
  readonly strictTypes?: boolean | undefined;
}

/** Adds the flags of {@link PlanFlags}. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--plan <file>", "a data plan that batches have to keep to as well")
    .option("--plan-version <number>", "which version of a plan that has several", wholeNumber)
    .option("--strict-types", 'by the plan, "42" is no number and "true" no boolean, as the official library has it');
}

/** The value of a flag that counts something. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1 up.");
}

/** The check by the plan; one that finds nothing where there is none. Loads what it needs when there is one. */
export async function makePlanCheck(
  { plan: file, planVersion, strictTypes }: PlanFlags,
  terminal: Terminal,
): Promise<(batch: unknown) => readonly Finding[]> {
  if (file === undefined) return () => [];
  const { planCheck } = await import("../../plan/plan.ts");
  const { readPlanFile } = await import("./plan-file.ts");
  return planCheck(await readPlanFile(file, planVersion, terminal), { strictTypes });
}
