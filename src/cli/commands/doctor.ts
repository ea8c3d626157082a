import { addConnectionOptions, type ConnectionFlags } from "../connection.ts";
import type { Program } from "../program.ts";

/** What `doctor` can be told. */
export interface DoctorFlags extends ConnectionFlags {
  readonly send: boolean;
}

const EXAMPLES = `
Examples:
  mparticle-events doctor                     with the credentials of the environment, or of .env
  mparticle-events doctor --pod eu1
  mparticle-events doctor --no-send           without the batch of test data

The secret is never printed. Exit code: 0 all is well · 1 something is not · 2 wrong use.`;

/** Defines `doctor`. */
export function defineDoctor({ root, terminal, run }: Program): void {
  const command = root
    .command("doctor")
    .summary("find out why nothing arrives: credentials, host, clock, proxy, certificate")
    .description("Looks at everything between this machine and the service, and sends one batch of test data.");
  addConnectionOptions(command)
    .option("--no-send", "do not send the batch of test data")
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (flags: DoctorFlags) => {
        const { runDoctor } = await import("../doctor/run-doctor.ts");
        return runDoctor(flags, terminal);
      }),
    );
}
