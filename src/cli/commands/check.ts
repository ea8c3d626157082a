import { Option } from "commander";
import { addInputOptions, repeated, type InputFlags } from "../input/input-options.ts";
import { addPlanOptions, type PlanFlags } from "../plan/plan-options.ts";
import type { Program } from "../program.ts";

/** What `check` can be told. */
export interface CheckFlags extends InputFlags, PlanFlags {
  readonly profile: "canonical" | "wire";
  readonly endpoint: "events" | "bulk" | "historical";
  readonly environment?: "development" | "production" | undefined;
  readonly lints: boolean;
  readonly off?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly format?: "github" | "junit" | "sarif" | undefined;
}

const EXAMPLES = `
Examples:
  mparticle-events check batches.ndjson               findings as file:line path code message hint
  mparticle-events check exports/ --profile wire      all data files of a folder, by what any official source permits
  mparticle-events check old.csv.gz --endpoint historical
  mparticle-events check sent.ndjson --plan plan.json
  zcat dump.gz | mparticle-events check - --off no-identity
  mparticle-events check data/ --format sarif > findings.sarif

Exit code: 0 clean · 1 findings · 2 wrong use.`;

/** Defines `check`. */
export function defineCheck({ root, terminal, run }: Program): void {
  const command = root
    .command("check")
    .summary("check files against the contract, and for what is almost certainly wrong")
    .description("Checks batches in files: NDJSON, a JSON array, one batch, or CSV; gzipped or not.")
    .argument("<input...>", "files, folders, patterns, or - for the standard input");
  const checks = addInputOptions(command)
    .addOption(
      new Option(
        "--profile <name>",
        "canonical: what a well-behaved sender sends; wire: what any official source permits",
      )
        .choices(["canonical", "wire"])
        .default("canonical"),
    )
    .addOption(
      new Option("--endpoint <name>", "where the batches will go; historical has rules of its own")
        .choices(["events", "bulk", "historical"])
        .default("events"),
    )
    .addOption(
      new Option("--environment <name>", "of batches that do not say it, such as rows of CSV").choices([
        "development",
        "production",
      ]),
    )
    .option("--no-lints", "the contract alone, without what is legal and almost certainly wrong")
    .option("--off <code>", "a lint to switch off; may be given again", repeated);
  addPlanOptions(checks)
    .option("--json", "each finding as a line of JSON")
    .addOption(new Option("--format <name>", "for CI").choices(["github", "junit", "sarif"]).conflicts("json"))
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (inputs: readonly string[], flags: CheckFlags) => {
        const { runCheck } = await import("../check/run-check.ts");
        return runCheck(inputs, flags, terminal);
      }),
    );
}
