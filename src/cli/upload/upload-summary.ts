import { count, formatCount } from "../check/finding-summary.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_GIVE_UP_AFTER, type UploadFlags } from "../commands/upload.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import type { DryRun } from "./make-client.ts";
import type { RecordSource } from "./record-source.ts";
import { formatDuration } from "./tally.ts";
import type { UploadRun } from "./upload-run.ts";
import type { WarningCount } from "./warning-count.ts";
import { oneLine } from "../printable.ts";

/** What a summary is made of. */
export interface Ended {
  readonly run: UploadRun;
  readonly source: RecordSource;
  readonly rejectedName: string;
  readonly warnings: WarningCount;
  readonly durationMs: number;
  readonly dryRun: DryRun | undefined;
}

/** The sum of it all: what was read is what was accepted, rejected, not delivered or settled before. */
export async function writeSummary(terminal: Terminal, flags: UploadFlags, ended: Ended): Promise<void> {
  const { run, source, rejectedName, warnings, durationMs, dryRun } = ended;
  const { accepted, eventsAccepted, undelivered } = run.tally;
  const rejected = run.tally.rejected + source.unreadable + source.repeated;
  const skipped = source.skipped + source.rejectedBefore;
  // A batch that was read and has no outcome: the source was broken off.
  const unsent = source.records - accepted - rejected - undelivered - skipped;
  if (flags.json === true) {
    await terminal.stdout.write(
      `${JSON.stringify({
        dryRun: dryRun !== undefined,
        records: source.records,
        accepted,
        rejected,
        unreadable: source.unreadable,
        ...(source.repeated > 0 && { repeatedIds: source.repeated }),
        undelivered: undelivered + unsent,
        settledBefore: skipped,
        events: eventsAccepted,
        durationMs: Math.round(durationMs),
        ...(dryRun !== undefined && dryRun),
        ...(warnings.byCode !== undefined && { warnings: warnings.byCode }),
        ...(rejected > 0 && dryRun === undefined && { rejectedFile: rejectedName }),
        ...(run.interruption !== undefined && { endedBy: run.interruption }),
      })}\n`,
    );
    return;
  }
  const seconds = durationMs / 1000;
  const rate = seconds > 0 ? ` (${formatCount(accepted / seconds)} a second)` : "";
  const rows: readonly (readonly [string, number, string])[] = [
    ["records", source.records, dryRun === undefined ? `read in ${formatDuration(durationMs)}` : "read"],
    [
      dryRun === undefined ? "accepted" : "to send",
      accepted,
      `${count(eventsAccepted, "event")}${dryRun === undefined ? rate : `, ${count(dryRun.requests, "request")}, ${count(dryRun.bytes, "byte")}`}`,
    ],
    [
      "rejected",
      rejected,
      [
        ...(source.unreadable > 0 ? [`${formatCount(source.unreadable)} could not be read`] : []),
        ...(source.repeated > 0 ? [`${formatCount(source.repeated)} repeat an id`] : []),
        ...(rejected > 0 && dryRun === undefined ? [`in ${rejectedName}`] : []),
      ].join(", "),
    ],
    ["undelivered", undelivered + unsent, ""],
    ...(skipped > 0 ? [["before", skipped, "settled by earlier runs"] as const] : []),
  ];
  const width = Math.max(...rows.map(([, number]) => formatCount(number).length));
  const lines = rows.map(([name, number, note]) =>
    `${name.padEnd(11)} ${formatCount(number).padStart(width)}  ${note}`.trimEnd(),
  );
  await terminal.stdout.write(`${lines.join("\n")}\n`);
}

/** Why a run ended early, and how to go on. */
export async function tellHowToGoOn(
  terminal: Terminal,
  run: UploadRun,
  { canResume, checkpointName, args }: { canResume: boolean; checkpointName: string; args: readonly string[] },
): Promise<void> {
  const { interruption, trouble } = run;
  if (interruption === undefined) return;
  const what = {
    interrupted: "Interrupted before the end of the input.",
    undelivered: `Batches could not be delivered: ${trouble ?? ""}`,
    credentials: `The service takes nothing from these credentials: ${trouble ?? ""}`,
    "no-answer": `Nothing answers: ${trouble ?? ""}`,
    strict: "Stopped at a line that cannot be read, because of --strict.",
  }[interruption];
  const advice =
    interruption === "credentials" || interruption === "no-answer" ? "See mparticle-events doctor. Then go" : "Go";
  const command = ["mparticle-events", ...args.filter((word) => word !== "--resume"), "--resume"].map(quote).join(" ");
  const goOn = canResume
    ? `${advice} on with: ${command}`
    : "Run it again: what was accepted is recognised by its ids, if the input is the same.";
  await terminal.stderr.write(`${oneLine(what.trimEnd())}\n${goOn}\n`);
  if (canResume) await terminal.stderr.write(`How far it is stands in ${checkpointName}.\n`);
}

/** The file of rejected batches, as far as who mends it has to know. */
export interface ToMend {
  readonly name: string;
  /** The run went to its end with batches of it in the file. */
  readonly isReady: boolean;
  /** It had lines of other runs before. */
  readonly isShared: boolean;
  /** A file with the usual name that is of another run, so that this one has another name. */
  readonly older: string | undefined;
}

/** What to do with the rejected batches, by a command to copy. */
export async function tellWhatToMend(
  { stderr }: Terminal,
  flags: UploadFlags,
  { name, isReady, isShared, older }: ToMend,
): Promise<void> {
  if (!isReady) return;
  const command = ["mparticle-events", "upload", name, ...formatOf(name), ...flagsToKeep(flags)].map(quote).join(" ");
  const lines = [
    `Mend the batches in ${name}, and send them: ${command}`,
    ...(isShared ? [`${name} also holds what was in it before this run, and would be sent with it.`] : []),
    ...(older === undefined ? [] : [`${older} is of an earlier run.`]),
  ];
  await stderr.write(`${lines.map(oneLine).join("\n")}\n`);
}

/** The file holds JSON, whatever it is called. */
function formatOf(name: string): readonly string[] {
  return /\.csv(\.gz)?$/i.test(name) ? ["--input", "json"] : [];
}

/** What says where batches go, how fast, and what they are held against; they are no rows any more, and have their ids. */
function flagsToKeep(flags: UploadFlags): readonly string[] {
  const { environment = [], pod, baseUrl, envFile, historical, profile, plan, planVersion, strictTypes } = flags;
  const { rate, concurrency, giveUpAfter } = flags;
  return [
    ...(historical === true ? ["--historical"] : []),
    ...environment.flatMap((one) => ["--environment", one]),
    ...(profile === "wire" ? ["--profile", profile] : []),
    ...(plan === undefined ? [] : ["--plan", plan]),
    ...(planVersion === undefined ? [] : ["--plan-version", String(planVersion)]),
    ...(strictTypes === true ? ["--strict-types"] : []),
    ...(pod === undefined ? [] : ["--pod", pod]),
    ...(baseUrl === undefined ? [] : ["--base-url", baseUrl]),
    ...(envFile === undefined ? [] : ["--env-file", envFile]),
    ...(rate === undefined ? [] : ["--rate", String(rate)]),
    ...(concurrency === DEFAULT_CONCURRENCY ? [] : ["--concurrency", String(concurrency)]),
    ...(giveUpAfter === DEFAULT_GIVE_UP_AFTER ? [] : ["--give-up-after", String(giveUpAfter)]),
  ];
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Not delivered weighs more than rejected: it has to be run again in any case. */
export function exitCodeOf(run: UploadRun, source: RecordSource): number {
  const { interruption, tally } = run;
  if (interruption !== undefined && interruption !== "strict") return EXIT.undelivered;
  if (tally.undelivered > 0) return EXIT.undelivered;
  return tally.rejected + source.unreadable + source.repeated + source.rejectedBefore > 0 ? EXIT.findings : EXIT.clean;
}
