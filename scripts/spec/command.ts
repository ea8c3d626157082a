import { readFile, stat } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findStale, writeGenerated } from "./generated-files.ts";
import { BrokenSpecError } from "./read-spec.ts";

const HELP = `Compiles the API description into everything under generated/, and writes the tables of docs/lints.md.

  npm run generate                  writes the files, all or none
  npm run generate -- --check       writes nothing; exits 1 and says why when a file is not as it would be written

  --spec FILE     another description than spec/events-api.yaml
  --out FOLDER    another place than generated/
  --help          this text

Exit code: 0 done, or up to date; 1 the description is broken, or a file is stale; 2 it was not called as above, or a
file cannot be read or written.`;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the command says what it did. */
export type Output = Pick<Console, "log" | "error">;

/**
 * What `npm run generate` does.
 *
 * @param args - the arguments after the name of the script.
 * @returns the exit code.
 */
export async function runCompiler(args: readonly string[], output: Output): Promise<number> {
  try {
    return await compile(args, output);
  } catch (error) {
    if (!(error instanceof BrokenSpecError || error instanceof UsageError)) throw error;
    output.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function compile(args: readonly string[], { log, error }: Output): Promise<number> {
  const started = performance.now();
  // Without a `--` of its own npm keeps the flag to itself: a check that writes would never fail.
  if (process.env["npm_config_check"] !== undefined) {
    throw new UsageError("npm has taken --check for its own; say `npm run generate -- --check`.");
  }
  const { spec, out, check, help } = readArguments(args);
  if (help) {
    log(HELP);
    return 0;
  }
  const found = await stat(out).catch(() => undefined);
  if (found?.isDirectory() === false) throw new UsageError(`${nameOf(out)} is no folder. Try --help.`);
  const text = await readFile(spec, "utf8").catch((reason: unknown) => {
    throw new UsageError(`${nameOf(spec)} cannot be read: ${messageOf(reason)}`);
  });
  log(`Compiling ${nameOf(spec)} (about five seconds) …`);
  // Loaded only now: the compilers take longer to load than somebody who asks for help waits.
  const [{ compileSpec, compileToCompare }, { judgeSpec }] = await Promise.all([
    import("./compile.ts"),
    import("./judge-spec.ts"),
  ]);
  const files = await (check ? compileToCompare : compileSpec)(text, nameOf(spec));
  if (check) {
    const stale = await findStale(out, files, nameOf(out));
    // Other documents than those that were written: what is wrong with them comes first.
    if (stale.some((problem) => /\/openapi(\.wire)?\.json: /.test(problem))) await judgeSpec(text, nameOf(spec));
    if (stale.length === 0) log(`${nameOf(out)} is up to date (${String(files.size)} files).`);
    else error(`${stale.join("\n")}\nRun \`npm run generate\` and commit what it writes.`);
    return stale.length === 0 ? 0 : 1;
  }
  await writeGenerated(out, files).catch((reason: unknown) => {
    throw new UsageError(`${nameOf(out)} cannot be written: ${messageOf(reason)}`);
  });
  for (const [name, text] of files) {
    log(`${name.padEnd(26)} ${(Buffer.byteLength(text) / 1000).toFixed(1).padStart(7)} kB`);
  }
  log(`Compiled ${nameOf(spec)} in ${(performance.now() - started).toFixed(0)} ms.`);
  return 0;
}

class UsageError extends Error {
  override name = "UsageError" as const;
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        spec: { type: "string", default: fileURLToPath(new URL("../../spec/events-api.yaml", import.meta.url)) },
        out: { type: "string", default: fileURLToPath(new URL("../../generated", import.meta.url)) },
        check: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${messageOf(error).replace(/\.?$/, ".")} Try --help.`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A path as a person in the project folder would write it, the same on every machine. */
function nameOf(path: string): string {
  return relative(root, path).replaceAll("\\", "/");
}
