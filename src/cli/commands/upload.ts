import { InvalidArgumentError, Option } from "commander";
import { addConnectionOptions, type ConnectionFlags } from "../connection.ts";
import { addInputOptions, repeated, type InputFlags } from "../input/input-options.ts";
import { addPlanOptions, type PlanFlags } from "../plan/plan-options.ts";
import type { Program } from "../program.ts";

export const DEFAULT_CONCURRENCY = 4;
/** In seconds. */
export const DEFAULT_GIVE_UP_AFTER = 300;

/** What `upload` can be told. */
export interface UploadFlags extends InputFlags, ConnectionFlags, PlanFlags {
  readonly historical?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly environment?: readonly string[] | undefined;
  readonly idFrom?: readonly string[] | undefined;
  readonly profile: "canonical" | "wire";
  readonly rate?: number | undefined;
  readonly concurrency: number;
  readonly giveUpAfter: number;
  readonly rejected?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly resume?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const EXAMPLES = `
Examples:
  mparticle-events upload users.csv --id-from user_id --dry-run        what would be sent, and how long it would take
  mparticle-events upload users.csv --id-from user_id --environment production
  mparticle-events upload exports/ --historical --rate 200             older than 30 days, and than 72 hours at least
  mparticle-events upload users.csv --id-from user_id --resume         go on after Ctrl+C, a crash or a power cut
  mparticle-events upload sent.ndjson --plan plan.json                 what is not planned is rejected
  mparticle-events upload rejected.ndjson                              once it is mended

MPARTICLE_API_KEY and MPARTICLE_API_SECRET are read from the environment or from .env, never from an argument.
Each row of a file gets the same id in every run, so that the service drops what it has already taken.

Exit code: 0 all accepted · 1 some rejected · 3 some not delivered, run it again with --resume · 2 wrong use.`;

/** Defines `upload`. */
export function defineUpload({ root, terminal, run, args }: Program): void {
  const command = root
    .command("upload")
    .summary("send files, and account for every batch in them")
    .description("Sends batches in files: NDJSON, a JSON array, one batch, or CSV; gzipped or not.")
    .argument("[input...]", "files, folders, patterns, or - for the standard input");
  const sending = addConnectionOptions(
    addInputOptions(
      command
        .option(
          "--historical",
          "for data older than 30 days; refuses what is younger than 72 hours, which would be lost",
        )
        .option("--dry-run", "check, cut and count, estimate the time, and send nothing")
        .addOption(
          new Option(
            "--environment <name>",
            "what the batches have to say; production is sent only when it is said here too, and given to batches that do not say it when said twice",
          )
            .choices(["development", "production"])
            .argParser((value: string, before: readonly string[] | undefined) => {
              if (value === "development" || value === "production") return repeated(value, before);
              throw new InvalidArgumentError("Allowed choices are development, production.");
            }),
        )
        .option(
          "--id-from <column...>",
          "columns of CSV, or fields such as user_identities.customer_id, that name a row",
        )
        .addOption(
          new Option(
            "--profile <name>",
            "canonical: what a well-behaved sender sends; wire: what any official source permits",
          )
            .choices(["canonical", "wire"])
            .default("canonical"),
        )
        .option("--rate <number>", "batches per second at most (default: as fast as the service lets us)", positive)
        .option("--concurrency <number>", "requests in flight at most", whole, DEFAULT_CONCURRENCY)
        .option("--give-up-after <seconds>", "how long a batch is tried again", positive, DEFAULT_GIVE_UP_AFTER)
        .option("--rejected <file>", "where rejected batches go, with their findings (default: rejected.ndjson)")
        .option("--checkpoint <file>", "where it is kept how far the run is (default: upload.checkpoint.json)")
        .option("--resume", "go on from the checkpoint; from the beginning where there is none")
        .option("--json", "the summary as JSON"),
    ),
  );
  addPlanOptions(sending)
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (inputs: readonly string[], flags: UploadFlags) => {
        const { runUpload } = await import("../upload/run-upload.ts");
        return runUpload(inputs, flags, terminal, args);
      }),
    );
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

function whole(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isInteger(value)) return value;
  throw new InvalidArgumentError("Expected a whole number above 0.");
}
