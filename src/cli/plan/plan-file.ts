import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { planWarnings, readPlan, type PlanVersion } from "../../plan/plan.ts";
import type { Terminal } from "../terminal.ts";
import { codeOf, messageOf, UsageError } from "../usage-error.ts";
import { textOf } from "../input/require-text.ts";
import { oneLine } from "../printable.ts";

/**
 * Reads the plan in a file, gzipped or not, and tells what in it is not what its author may think.
 *
 * @param flag - what says the version, on this command.
 * @throws UsageError - when it cannot be read, or is no plan.
 */
export async function readPlanFile(
  file: string,
  version: number | undefined,
  terminal: Terminal,
  flag = "--plan-version",
): Promise<PlanVersion> {
  const plan = readPlanText(await readText(file, terminal), file, version, flag);
  for (const { path, message, hint } of planWarnings(plan)) {
    await terminal.stderr.write(`${oneLine(`${file} ${path}: ${message}${hint === undefined ? "" : ` ${hint}`}`)}\n`);
  }
  return plan;
}

/** @throws UsageError - for what is no plan, with the place of the mistake. */
export function readPlanText(
  text: string,
  name: string,
  version: number | undefined,
  flag = "--plan-version",
): PlanVersion {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${name}: it is no JSON: ${messageOf(cause)}.`, "Export the plan again.", { cause });
  }
  try {
    return readPlan(document, { version });
  } catch (cause) {
    // The library speaks of its option, and who types commands of a flag.
    const message = messageOf(cause).replace("`version`", `\`${flag}\``);
    throw new UsageError(`${name}: ${message}`, remedyFor(message, flag), { cause });
  }
}

function remedyFor(message: string, flag: string): string {
  if (message.includes("say which with")) return `Say it with ${flag}.`;
  if (message.includes("has no version")) return `Say one of these with ${flag}.`;
  if (message.includes("asks for")) return `Leave ${flag} out, or name the file of that version.`;
  return "Mend it, or export the plan again.";
}

async function readText(file: string, { cwd }: Terminal): Promise<string> {
  try {
    const bytes = await readFile(resolve(cwd, file));
    const unpacked = bytes[0] === 0x1f && bytes[1] === 0x8b ? await promisify(gunzip)(bytes) : bytes;
    return textOf(file, unpacked);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      `${file}: it cannot be read: ${messageOf(cause)}.`,
      "Check the name, and the folder it starts from.",
      { cause },
    );
  }
}

/** Writes a result where it was asked for. */
export async function writeResult(text: string, out: string | undefined, { stdout, cwd }: Terminal): Promise<void> {
  if (out === undefined) return stdout.write(text);
  try {
    await writeFile(resolve(cwd, out), text);
  } catch (cause) {
    throw new UsageError(
      `${out}: it cannot be written: ${messageOf(cause)}.`,
      "Check that its folder exists and that you may write there.",
      { cause },
    );
  }
}

/** What a file holds; undefined when there is none. */
export async function readIfThere(file: string, cwd: string): Promise<string | undefined> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new UsageError(`${file}: it cannot be read: ${messageOf(cause)}.`, "Check that you may read it.", { cause });
  }
}
