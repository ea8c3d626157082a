import { createRequire } from "node:module";
import type { DiffFlags } from "../commands/diff.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { compareDescriptions } from "./compare-descriptions.ts";
import { InputError, readDescription, type Description } from "./read-description.ts";
import { reportJson, reportText, worstVerdict } from "./report.ts";

/** Says what is different between two descriptions, for who sends what the old one allows. */
export function runDiff(old: string, now: string | undefined, flags: DiffFlags, terminal: Terminal): Promise<number> {
  return compare(old, now, flags, terminal).catch((error: unknown) => {
    if (!(error instanceof InputError)) throw error;
    throw new UsageError(error.message, "Name a file, or a git revision such as HEAD~1:spec/events-api.yaml.", {
      cause: error,
    });
  });
}

async function compare(
  old: string,
  now: string | undefined,
  { profile, all, json }: DiffFlags,
  { cwd, stdout }: Terminal,
): Promise<number> {
  const before = readDescription(old, [cwd]);
  const after = now === undefined ? readPackaged(profile) : readDescription(now, [cwd]);
  const comparison = compareDescriptions(before, after);
  const report =
    json === true ? reportJson(before, after, comparison) : reportText(before, after, comparison, all === true);
  await stdout.write(`${report}\n`);
  const verdict = worstVerdict(comparison.differences);
  return verdict === "breaking" || verdict === "attention" ? EXIT.findings : EXIT.clean;
}

/** The contract of this package, in one of its profiles. */
function readPackaged(profile: DiffFlags["profile"]): Description {
  const file = profile === "wire" ? "openapi.wire.json" : "openapi.json";
  const path = createRequire(import.meta.url).resolve(`mparticle-events/${file}`);
  return { ...readDescription(path, [process.cwd()]), name: `mparticle-events/${file}` };
}
