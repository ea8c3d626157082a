import { InvalidArgumentError, Option } from "commander";
import { addConnectionOptions, type ConnectionFlags } from "../connection.ts";
import { repeated } from "../input/input-options.ts";
import { wholeNumber } from "../plan/plan-options.ts";
import type { Program } from "../program.ts";

/** What `mock` can be told. */
export interface MockFlags extends ConnectionFlags {
  readonly port: number;
  readonly profile: "canonical" | "wire";
  readonly fail?: readonly string[] | undefined;
  readonly quiet?: boolean | undefined;
  readonly open?: boolean | undefined;
  readonly forward?: boolean | undefined;
  readonly plan?: string | undefined;
  readonly planVersion?: number | undefined;
}

const EXAMPLES = `
Examples:
  mparticle-events mock                              refuses what a well-behaved sender would not send
  mparticle-events mock --open                       shows what arrives in the browser, with what is wrong with it
  mparticle-events mock --port 0 --profile wire      on a free port; takes what any official source permits
  mparticle-events mock --fail 429:0.1 --fail 503:0.05
  mparticle-events mock --plan plan.json             refuses unplanned events; tells the plan's coverage when ended
  mparticle-events mock --open --forward --pod eu1   shows what the real service answers to development batches

Any key and any secret will do. With --forward MPARTICLE_API_KEY and MPARTICLE_API_SECRET, from the environment or .env,
go to the service in place of what a request brings; where they are not set, what it brings goes. A 400 lists in errors[] what mparticle-events check would say.`;

/** Defines `mock`. */
export function defineMock({ root, terminal, run }: Program): void {
  const command = root
    .command("mock")
    .summary("serve the contract on this machine, for clients in any language")
    .description("Answers on 127.0.0.1 as the service would, by the contract, until Ctrl+C.")
    .option("--port <number>", "0 for a free one", port, 4010)
    .addOption(
      new Option(
        "--profile <name>",
        "canonical: what a well-behaved sender sends; wire: what any official source permits",
      )
        .choices(["canonical", "wire"])
        .default("canonical"),
    )
    .option("--fail <status:share>", "answer a share of the requests by a status; may be given again", repeated)
    .option("--plan <file>", "a data plan: what is not planned is refused, and its coverage is told at the end")
    .option("--plan-version <number>", "which version of a plan that has several", wholeNumber)
    .option("--open", "show what arrives in the browser, as it arrives")
    .option(
      "--forward",
      "pass on to the service what the contract accepts, if it is development data, and answer what it answers",
    )
    .option("--quiet", "no line for each request");
  addConnectionOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (flags: MockFlags) => {
        const { runMock } = await import("../mock/run-mock.ts");
        return runMock(flags, terminal);
      }),
    );
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Expected a number from 0 (any free one) to 65535.");
}
