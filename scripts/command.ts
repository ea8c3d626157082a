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

/** Where a program says what it did. */
export type Output = Pick<Console, "log" | "error">;

/**
 * Runs a program.
 *
 * @returns its exit code: 1 when the service or the network failed it, 2 when it was called wrongly. Both are told by their
 *   message; anything else is a fault of the program, and is thrown on because its stack is wanted.
 */
export async function runCommand(program: () => void | Promise<void>, output: Output): Promise<number> {
  try {
    await program();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      output.error(`${error.message.replace(/\.?$/, ".")} Try --help.`);
      return 2;
    }
    if (error instanceof MParticleError) {
      output.error(`${error.name}: ${error.message}`);
      return 1;
    }
    throw error;
  }
}
