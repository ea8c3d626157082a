import { Command, CommanderError } from "commander";
import { VERSION } from "../version.ts";
import { defineCheck } from "./commands/check.ts";
import { defineCompletion } from "./commands/completion.ts";
import { defineDiff } from "./commands/diff.ts";
import { defineDoctor } from "./commands/doctor.ts";
import { definePlan } from "./commands/plan.ts";
import { defineMock } from "./commands/mock.ts";
import { defineUpload } from "./commands/upload.ts";
import { EXIT } from "./exit-codes.ts";
import { refuseSecrets } from "./secret-arguments.ts";
import type { Terminal } from "./terminal.ts";
import { messageOf, UsageError } from "./usage-error.ts";
import { printable } from "./printable.ts";

/** What a command needs to be defined. */
export interface Program {
  readonly root: Command;
  readonly terminal: Terminal;
  /** As they were typed. */
  readonly args: readonly string[];
  /**
   * Wraps what a command does: what it resolves to is the exit code.
   *
   * @param action - gets what commander gives an action: the arguments, the flags and the command.
   */
  readonly run: <Arguments extends readonly unknown[]>(
    action: (...given: Arguments) => Promise<number>,
  ) => (...given: Arguments) => Promise<void>;
}

/** The commands, in the order of the help. Each loads what it does only when it is called. */
const DEFINITIONS: readonly ((program: Program) => void)[] = [
  defineCheck,
  defineUpload,
  defineMock,
  defineDoctor,
  defineDiff,
  definePlan,
  defineCompletion,
];

const EXAMPLES = `
Examples:
  mparticle-events check exports/*.ndjson
  mparticle-events upload users.csv --id-from user_id --historical --dry-run
  mparticle-events mock --port 4010 --fail 429:0.1

Exit codes: 0 clean · 1 findings, or batches rejected · 2 wrong use · 3 batches undelivered: run it again
· 141 clean so far, and nobody read all of the output.
Each command has examples of its own: mparticle-events check --help`;

/** The program with all its commands; its help and its completion are made of the same. */
export function createProgram(
  terminal: Terminal,
  args: readonly string[] = [],
  settle: (exitCode: number) => void = () => undefined,
): Command {
  const root = new Command("mparticle-events")
    .description("Checks, sends and mocks data for the mParticle Events API.")
    .version(VERSION, "-V, --version", "the version of the package")
    .helpOption("-h, --help", "this text")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .addHelpText("after", EXAMPLES);
  // Commands that are defined below inherit both.
  root.exitOverride().configureOutput({
    writeOut: (text) => void terminal.stdout.write(text),
    writeErr: () => undefined, // told by `run`, in two lines
    getOutHelpWidth: () => terminal.stdout.columns,
    getOutHasColors: () => false,
  });
  const program: Program = {
    root,
    terminal,
    args,
    run:
      (action) =>
      async (...given) => {
        settle(await action(...given));
      },
  };
  for (const define of DEFINITIONS) define(program);
  return root;
}

/**
 * Runs the command line.
 *
 * @param args - without the names of the runtime and of the program.
 * @returns the exit code; never throws for what the user did.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.clean;
  let root: Command | undefined;
  try {
    refuseSecrets(args, terminal.env);
    root = createProgram(terminal, args, (code) => {
      exitCode = code;
    });
    if (args.length === 0) {
      root.outputHelp();
      return EXIT.wrongUse;
    }
    await root.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return tell(error, root === undefined ? [] : commandsIn(args, root), terminal);
  }
}

/** The names of the commands that were meant, as far as there are such: `plan`, `fetch`. */
function commandsIn(args: readonly string[], root: Command): readonly string[] {
  const names: string[] = [];
  let command = root;
  for (const word of args) {
    if (word.startsWith("-")) continue;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    names.push(word);
    command = next;
  }
  return names;
}

/** By name: to load the library for its classes would cost every start. */
const OF_THE_LIBRARY = /^(MParticle|Api|Network|InvalidBatch)Error$/;

/** Every error is a line of what is wrong and a line of what to do. */
async function tell(error: unknown, commands: readonly string[], terminal: Terminal): Promise<number> {
  const say = (what: string, remedy: string): Promise<void> => terminal.stderr.write(printable(`${what}\n${remedy}\n`));
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.clean; // help or version, which was asked for
    const [what = "", hint = ""] = error.message.replace(/^error: /, "").split("\n");
    const help = `See ${["mparticle-events", ...commands, "--help"].join(" ")}.`;
    const suggestion = hint.replace(/^\((.*)\)$/, "$1");
    await say(
      error.code === "commander.help"
        ? "Which command?"
        : `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, ".")}`,
      suggestion === "" ? help : `${suggestion} ${help}`,
    );
    return EXIT.wrongUse;
  }
  if (error instanceof UsageError) {
    await say(error.message, error.remedy);
    return EXIT.wrongUse;
  }
  if (error instanceof Error && OF_THE_LIBRARY.test(error.name)) {
    await say(`${error.name}: ${error.message}`, "Run mparticle-events doctor to see what is in the way.");
    return EXIT.undelivered;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  await say(
    `Something went wrong that should not have: ${messageOf(error)}`,
    terminal.env["MPARTICLE_DEBUG"] === undefined
      ? "Set MPARTICLE_DEBUG=1 to see where, and report it."
      : (stack ?? ""),
  );
  return EXIT.wrongUse;
}
