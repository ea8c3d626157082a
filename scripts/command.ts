import { MParticleError } from "../src/index.ts";

/** The program was called wrongly: a sentence for the person who typed it. */
export class UsageError extends Error {
  override name = "UsageError" as const;
}

/** Reads what `parseArgs` reads, and says what is wrong with it in a sentence. */
export function readFlags<Flags>(parse: () => Flags): Flags {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Runs a program and settles its exit code: 1 when the service or the network failed it, 2 when it was called wrongly.
 * Both are told by their message; anything else is a fault of the program, whose stack is wanted.
 */
export async function runCommand(program: () => void | Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message.replace(/\.?$/, ".")} Try --help.`);
      process.exitCode = 2;
    } else if (error instanceof MParticleError) {
      console.error(`${error.name}: ${error.message}`);
      process.exitCode = 1;
    } else throw error;
  }
}
