import { Option } from "commander";
import type { Program } from "../program.ts";

/** What `diff` can be told. */
export interface DiffFlags {
  readonly profile: "canonical" | "wire";
  readonly all?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const EXAMPLES = `
OLD and NEW are OpenAPI 3.0 or 3.1, or JSON Schema, in YAML or JSON: a file, or a file of a git revision. Without NEW the
contract of this package is the new one.

Examples:
  mparticle-events diff vendor.yaml                       what has the vendor's description that the contract lacks?
  mparticle-events diff old.json new.json --json
  mparticle-events diff HEAD~1:api.yaml api.yaml --all

Exit code: 0 the same, or compatible · 1 something is breaking or needs attention · 2 there is nothing to compare.`;

/** Defines `diff`. */
export function defineDiff({ root, terminal, run }: Program): void {
  root
    .command("diff")
    .summary("compare two descriptions of the API, for who sends what the old one allows")
    .description("Says what was added, removed, tightened or loosened, and whether that breaks who sends.")
    .argument("<old>", "the old description")
    .argument("[new]", "the new one (default: the contract of this package)")
    .addOption(
      new Option("--profile <name>", "of the contract of this package")
        .choices(["canonical", "wire"])
        .default("canonical"),
    )
    .option("--all", "every place of a difference, instead of the first few and a number")
    .option("--json", "every difference with all its places")
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (old: string, now: string | undefined, flags: DiffFlags) => {
        const { runDiff } = await import("../diff/run-diff.ts");
        return runDiff(old, now, flags, terminal);
      }),
    );
}
