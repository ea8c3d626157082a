import { Argument } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { Program } from "../program.ts";

const EXAMPLES = `
Examples:
  mparticle-events completion bash >> ~/.bashrc
  mparticle-events completion zsh > ~/.zfunc/_mparticle-events       with ~/.zfunc in your fpath
  mparticle-events completion fish > ~/.config/fish/completions/mparticle-events.fish`;

/** Defines `completion`. */
export function defineCompletion({ root, terminal, run }: Program): void {
  root
    .command("completion")
    .summary("print what completes commands and flags in a shell")
    .description("Prints a script for a shell, which completes the commands and flags of this version.")
    .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", EXAMPLES)
    .action(
      run(async (shell: "bash" | "zsh" | "fish") => {
        const { describeCompletion } = await import("../completion/scripts.ts");
        await terminal.stdout.write(describeCompletion(root, shell));
        return EXIT.clean;
      }),
    );
}
