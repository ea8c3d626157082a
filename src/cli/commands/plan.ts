import type { Command } from "commander";
import { addInputOptions, type InputFlags } from "../input/input-options.ts";
import { wholeNumber } from "../plan/plan-options.ts";
import type { Program } from "../program.ts";

/** What `plan generate` can be told. */
export interface GenerateFlags {
  readonly out?: string | undefined;
  readonly check?: boolean | undefined;
  readonly planVersion?: number | undefined;
  readonly planId?: string | undefined;
}

/** What `plan fetch` can be told. */
export interface FetchFlags {
  readonly out?: string | undefined;
  readonly planVersion?: number | undefined;
  readonly workspace?: string | undefined;
  readonly authUrl: string;
  readonly apiUrl: string;
}

/** What `plan diff` can be told. */
export interface PlanDiffFlags {
  readonly oldVersion?: number | undefined;
  readonly newVersion?: number | undefined;
  readonly json?: boolean | undefined;
}

/** What `plan infer` can be told. */
export interface InferFlags extends InputFlags {
  readonly out?: string | undefined;
  readonly planId?: string | undefined;
  readonly maxEnum: number;
}

/** What `plan coverage` can be told. */
export interface CoverageFlags extends InputFlags {
  readonly plan: string;
  readonly planVersion?: number | undefined;
  readonly json?: boolean | undefined;
}

const GENERATE_EXAMPLES = `
PLAN is what the vendor's API or Builder gives: a whole plan, a version, or a bare document.

Examples:
  mparticle-events plan generate plan.json --out src/plan.ts
  mparticle-events plan generate plan.json --out src/plan.ts --check      for CI: writes nothing
  mparticle-events plan generate builder.json --plan-id shop --plan-version 3 --out src/plan.ts

Exit code: 0 written, or up to date · 1 --check finds that FILE is not what would be written · 2 wrong use.`;

const FETCH_EXAMPLES = `
Credentials are read from the environment alone: MPARTICLE_CLIENT_ID, MPARTICLE_CLIENT_SECRET, and
MPARTICLE_WORKSPACE_ID where --workspace does not say it.

Examples:
  mparticle-events plan fetch shop --plan-version 3 --out plan.json
  mparticle-events plan fetch shop > plan.json                            all its versions

Exit code: 0 fetched · 1 what came is no plan · 2 wrong use, or refused · 3 not reached: run it again.`;

const DIFF_EXAMPLES = `
Examples:
  mparticle-events plan diff plan.v1.json plan.v2.json
  mparticle-events plan diff plan.json plan.json --old-version 1 --new-version 2 --json

Exit code: 0 code that keeps to OLD keeps to NEW · 1 it may not · 2 wrong use.`;

const INFER_EXAMPLES = `
Examples:
  mparticle-events plan infer exports/ --plan-id shop --out plan.json
  zcat dump.ndjson.gz | mparticle-events plan infer - > plan.json

Exit code: 0 · 1 something could not be read · 2 wrong use.`;

const COVERAGE_EXAMPLES = `
Examples:
  mparticle-events plan coverage sent.ndjson --plan plan.json
  mparticle-events plan coverage http://127.0.0.1:4010 --plan plan.json   of a mock that runs: what it accepted
  mparticle-events mock --plan plan.json                                  tells the coverage when it is ended

Exit code: 0 every data point was met · 1 some never, or something unplanned was · 2 wrong use.`;

/** Defines `plan` with its commands. */
export function definePlan(program: Program): void {
  const plan = program.root.command("plan").summary("make code of a data plan, and hold data against it");
  plan.description("Works with data plans: what a workspace agreed to send.");
  defineGenerate(plan, program);
  defineFetch(plan, program);
  defineDiff(plan, program);
  defineInfer(plan, program);
  defineCoverage(plan, program);
}

function defineGenerate(plan: Command, { terminal, run }: Program): void {
  plan
    .command("generate")
    .summary("write typed functions for the events of a plan")
    .description("Writes a TypeScript module with a function for each planned event, types of users, and a check.")
    .argument("<plan>", "the file of the plan")
    .option("--out <file>", "where to write it (default: the standard output)")
    .option("--check", "write nothing, and end with 1 when the file is not up to date")
    .option("--plan-version <number>", "which version of a plan that has several", wholeNumber)
    .option("--plan-id <id>", "the id of a plan that does not say it")
    .addHelpText("after", GENERATE_EXAMPLES)
    .action(
      run(async (file: string, flags: GenerateFlags) => {
        const { runPlanGenerate } = await import("../plan/run-plan-generate.ts");
        return runPlanGenerate(file, flags, terminal);
      }),
    );
}

function defineFetch(plan: Command, { terminal, run }: Program): void {
  plan
    .command("fetch")
    .summary("fetch a plan from the vendor's API")
    .description("Fetches a plan, or one version of it, by the Data Planning API.")
    .argument("<id>", "the id of the plan")
    .option("--out <file>", "where to write it (default: the standard output)")
    .option("--plan-version <number>", "one version instead of the whole plan", wholeNumber)
    .option("--workspace <id>", "the workspace (MPARTICLE_WORKSPACE_ID)")
    .option("--auth-url <url>", "where tokens are given out", "https://sso.auth.mparticle.com")
    .option("--api-url <url>", "where plans are kept", "https://api.mparticle.com")
    .addHelpText("after", FETCH_EXAMPLES)
    .action(
      run(async (id: string, flags: FetchFlags) => {
        const { runPlanFetch } = await import("../plan/run-plan-fetch.ts");
        return runPlanFetch(id, flags, terminal);
      }),
    );
}

function defineDiff(plan: Command, { terminal, run }: Program): void {
  plan
    .command("diff")
    .summary("say what a new version of a plan means for the code")
    .description("Says what was removed, tightened, loosened and added between two plans.")
    .argument("<old>", "the file of the old plan")
    .argument("<new>", "the file of the new one")
    .option("--old-version <number>", "which version of the old file", wholeNumber)
    .option("--new-version <number>", "which version of the new file", wholeNumber)
    .option("--json", "each difference as a line of JSON")
    .addHelpText("after", DIFF_EXAMPLES)
    .action(
      run(async (old: string, next: string, flags: PlanDiffFlags) => {
        const { runPlanDiff } = await import("../plan/run-plan-diff.ts");
        return runPlanDiff(old, next, flags, terminal);
      }),
    );
}

function defineInfer(plan: Command, { terminal, run }: Program): void {
  const command = plan
    .command("infer")
    .summary("write a first plan from recorded batches")
    .description("Writes a plan that recorded batches keep to, in the vendor's format, ready to be imported.")
    .argument("<input...>", "files, folders, patterns, or - for the standard input");
  addInputOptions(command)
    .option("--out <file>", "where to write it (default: the standard output)")
    .option("--plan-id <id>", "the id that the plan will have")
    .option("--max-enum <number>", "a text with at most as many values is one of these", wholeNumber, 10)
    .addHelpText("after", INFER_EXAMPLES)
    .action(
      run(async (inputs: readonly string[], flags: InferFlags) => {
        const { runPlanInfer } = await import("../plan/run-plan-infer.ts");
        return runPlanInfer(inputs, flags, terminal);
      }),
    );
}

function defineCoverage(plan: Command, { terminal, run }: Program): void {
  const command = plan
    .command("coverage")
    .summary("say which data points of a plan batches have met, and which never")
    .description("Counts the data points of a plan that batches in files, or at a mock, have met.")
    .argument("<input...>", "files, folders, patterns, - for the standard input, or the address of a mock")
    .requiredOption("--plan <file>", "the file of the plan")
    .option("--plan-version <number>", "which version of a plan that has several", wholeNumber);
  addInputOptions(command)
    .option("--json", "each data point as a line of JSON")
    .addHelpText("after", COVERAGE_EXAMPLES)
    .action(
      run(async (inputs: readonly string[], flags: CoverageFlags) => {
        const { runPlanCoverage } = await import("../plan/run-plan-coverage.ts");
        return runPlanCoverage(inputs, flags, terminal);
      }),
    );
}
