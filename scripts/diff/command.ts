import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareDescriptions } from "../../src/cli/diff/compare-descriptions.ts";
import { InputError, OUR_SPEC, readDescription, type Description } from "../../src/cli/diff/read-description.ts";
import { reportJson, reportText, worstVerdict } from "../../src/cli/diff/report.ts";
import { wireProfile } from "../spec/profiles.ts";
import { BrokenSpecError } from "../spec/read-spec.ts";

const HELP = `Compares two descriptions of the API for somebody who sends what the old one allows.

  npm run spec:diff -- OLD [NEW] [--wire] [--all] [--json]

  OLD, NEW   OpenAPI 3.0 or 3.1, or JSON Schema, in YAML or JSON; each one of
               a file                    vendor.yaml
               a git revision            HEAD~1, v1.2.0: ${OUR_SPEC} as it was then
               a file of a revision      HEAD~1:spec/events-api.yaml
             NEW is ${OUR_SPEC} as it is now when it is not given.
  --wire     our own descriptions in their wire profile, instead of the canonical one
  --all      every place of a difference, instead of the first few and a number
  --json     for machines: every difference with all its places
  --help     this text

  npm run spec:diff -- HEAD                what does my edit break?
  npm run spec:diff -- vendor.yaml         what does the vendor's description have that ours lacks ("removed")?

Exit code: 0 the same, or compatible; 1 something is breaking or needs attention, or NEW is ours and does not compile;
2 there is nothing to compare.`;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the command says what it found. */
export type Output = Pick<Console, "log" | "error">;

/**
 * What `npm run spec:diff` does.
 *
 * @param args - the arguments after the name of the script.
 * @param folder - where relative files are looked for first, and whose git repository is asked.
 * @returns the exit code.
 */
export async function runDiff(args: readonly string[], output: Output, folder = process.cwd()): Promise<number> {
  try {
    return await diff(args, output, folder);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    output.error(error.message);
    return 2;
  }
}

async function diff(args: readonly string[], { log, error }: Output, folder: string): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help) {
    log(HELP);
    return 0;
  }
  const [old, now = join(root, OUR_SPEC), ...others] = positionals;
  if (old === undefined) throw new InputError("Which description is the old one? Try --help.");
  if (others.length > 0)
    throw new InputError(`Two descriptions are compared, not ${String(positionals.length)}. Try --help.`);
  const read = (input: string) => inProfile(readDescription(input, [folder, root]), values.wire);
  const [before, after] = [read(old), read(now)];
  const comparison = compareDescriptions(before, after);
  log(values.json ? reportJson(before, after, comparison) : reportText(before, after, comparison, values.all));
  const problems = await problemsOf(after);
  if (problems !== undefined) {
    error(`\n${problems}\nThis is no description that compiles: what it would be read as was compared.`);
    return 1;
  }
  const verdict = worstVerdict(comparison.differences);
  return verdict === "breaking" || verdict === "attention" ? 1 : 0;
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        wire: { type: "boolean", default: false },
        all: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${reason.replace(/\.?$/, ".")} Try --help.`);
  }
}

/** Only descriptions of ours have two profiles, and are compiled. */
function isOurs({ document }: Description): boolean {
  return JSON.stringify(document).includes('"x-wire":');
}

/** A keyword that is misspelt is gone for who compares, and nothing that is gone breaks a sender. */
async function problemsOf(description: Description): Promise<string | undefined> {
  if (!isOurs(description)) return undefined;
  try {
    const { judgeSpec } = await import("../spec/judge-spec.ts");
    await judgeSpec(description.text, description.name);
    return undefined;
  } catch (error) {
    if (error instanceof BrokenSpecError) return error.message;
    throw error;
  }
}

function inProfile(description: Description, wire: boolean): Description {
  if (!wire || !isOurs(description)) return description;
  return { ...description, label: `${description.label}, wire profile`, document: wireProfile(description.document) };
}
