import { resolve } from "node:path";
import { existsSync } from "node:fs";
import { LIMITS } from "../../../generated/contract.ts";
import type { Finding } from "../../errors.ts";
import { coloursFor, type Terminal } from "../terminal.ts";
import { describeMissedIds, FindingSummary, formatCount } from "../check/finding-summary.ts";
import type { UploadFlags } from "../commands/upload.ts";
import { readConnection } from "../connection.ts";
import { EXIT } from "../exit-codes.ts";
import { adviseOnTime } from "../input/csv-times.ts";
import { findInputs, type InputFile } from "../input/find-inputs.ts";
import { readInputFlags } from "../input/input-options.ts";
import { readEntries } from "../input/read-entries.ts";
import { makePlanCheck } from "../plan/plan-options.ts";
import { UsageError } from "../usage-error.ts";
import { readCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { EnvironmentGuard } from "./environment-guard.ts";
import { makeClient, type DryRun } from "./make-client.ts";
import { showProgress } from "./progress-display.ts";
import { RecordSource } from "./record-source.ts";
import { requireWritable } from "./require-writable.ts";
import { RejectedFile } from "./rejected-file.ts";
import { describeSurvey, surveyHistory } from "./survey-history.ts";
import { formatDuration } from "./tally.ts";
import { UploadRun, type Books, type CheckpointHead } from "./upload-run.ts";
import { exitCodeOf, tellHowToGoOn, tellWhatToMend, writeSummary } from "./upload-summary.ts";
import { WarningCount } from "./warning-count.ts";
import { oneLine } from "../printable.ts";

const DEFAULT_CHECKPOINT = "upload.checkpoint.json";
const DEFAULT_REJECTED = "rejected.ndjson";

/** A file that is read in pieces is no stream of events: requests that are not full may wait for the next piece. */
const LINGER_MS = 1_000;

/** Sends everything in the files, and accounts for each record of them. */
export async function runUpload(
  given: readonly string[],
  flags: UploadFlags,
  terminal: Terminal,
  args: readonly string[],
): Promise<number> {
  const { inputs, idFrom } = partInputs(given, flags.idFrom ?? [], terminal.cwd);
  const guard = new EnvironmentGuard(flags.environment ?? []);
  const files = await findInputs(inputs, terminal.cwd);
  const reading = await readInputFlags(flags, terminal, files, idFrom);
  const connection = await readConnection(flags, terminal);
  const dryRun: DryRun | undefined = flags.dryRun === true ? { requests: 0, bytes: 0 } : undefined;
  const canResume = dryRun === undefined && files.every(({ path }) => path !== undefined);
  const checkpointName = flags.checkpoint ?? DEFAULT_CHECKPOINT;
  const checkpointPath = resolve(terminal.cwd, checkpointName);
  const settings = settingsOf(flags, idFrom);

  const earlier = canResume ? readCheckpoint(checkpointName, checkpointPath) : undefined;
  const resumed = requireResumable(earlier, { flags, settings, files, checkpointName, canResume });
  if (resumed?.finished === true) {
    await terminal.stderr.write(`Everything was settled by an earlier run, says ${checkpointName}.\n`);
    return EXIT.clean;
  }
  const rejectedName = resumed?.rejected.name ?? nameRejected(flags.rejected, files, terminal.cwd);
  const rejectedPath = resolve(terminal.cwd, rejectedName);
  if (dryRun === undefined) requireWritable("--rejected", rejectedName, rejectedPath);
  if (canResume) requireWritable("--checkpoint", checkpointName, checkpointPath);
  const rejected = new RejectedFile(rejectedName, rejectedPath, resumed?.rejected.start);
  const rejectedBefore = resumed === undefined ? new Set<number>() : await rejected.writtenRecords();

  const summary = new FindingSummary();
  const source = new RecordSource(readEntries(files, terminal, reading), {
    guard,
    idFrom,
    strict: flags.strict === true,
    sends: dryRun === undefined,
    resumed,
    rejectedBefore,
    onRejected: (rejection) => {
      for (const finding of rejection.findings) summary.add({ ...finding, place: rejection.place });
      if (dryRun === undefined) rejected.write(rejection);
    },
  });
  const head: CheckpointHead = {
    version: 1,
    settings,
    files: resumed?.files ?? files.map(({ name, bytes }) => ({ name, bytes })),
    rejected: { name: rejectedName, start: rejected.start },
  };
  const books: Books = {
    rejected: dryRun === undefined ? rejected : NOWHERE,
    checkpoint: canResume ? { name: checkpointName, path: checkpointPath, head } : undefined,
    advise: (finding, { isRow }) => guard.advise(isRow ? adviseOnTime(finding) : finding),
    onFindings: (findings, place) => {
      for (const finding of findings) summary.add({ ...finding, place });
    },
  };
  const run = new UploadRun(source, books, terminal);
  // Before anything is sent: a mistake in the options must not cost a survey of hours.
  const checkPlan = await makePlanCheck(flags, terminal);
  const checkMore = (batch: unknown): readonly Finding[] => [...guard.check(batch), ...checkPlan(batch)];
  const warnings = new WarningCount();
  const client = makeClient(flags, connection, checkMore, terminal, run.observers, warnings, dryRun);
  if (resumed !== undefined) await tellOfChanges(resumed, files, terminal);
  if (flags.historical === true && files.every(({ path }) => path !== undefined)) {
    const survey = await surveyHistory(
      readEntries(files, terminal, { ...reading, onBytes: undefined }),
      terminal.now(),
    );
    await terminal.stderr.write(describeSurvey(survey, rejectedName));
  }

  const startedAtMs = terminal.now();
  const share = (): number | undefined => {
    const { bytes, totalBytes } = reading.progress();
    return totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, bytes / totalBytes);
  };
  const endDisplay = showProgress(terminal, () => run.state(share()));
  const endTicks = terminal.every(1000, () => {
    run.tick();
  });
  const endSignals = terminal.onInterrupt(() => {
    const said =
      run.interrupt() === "stopping"
        ? "Stopping: what is in flight is being finished. Once more ends at once."
        : "Ending at once: what is in flight will be sent again, with its ids.";
    void terminal.stderr.write(`${terminal.stderr.isTTY ? "\r\u001b[K" : ""}${said}\n`);
  });
  try {
    const endpoint = flags.historical === true ? "historical" : "bulk";
    // What a dry run counts must not depend on how fast a disk is.
    const lingerMs = dryRun === undefined ? LINGER_MS : Infinity;
    await run.deliver(client, { concurrency: flags.concurrency, endpoint, lingerMs });
  } finally {
    endSignals();
    endTicks();
    await endDisplay();
  }

  await writeSummary(terminal, flags, {
    run,
    source,
    rejectedName,
    warnings,
    durationMs: terminal.now() - startedAtMs,
    dryRun,
  });
  if (source.records === 0 && run.interruption === undefined) {
    const { bad } = coloursFor(terminal.stderr, terminal.env);
    await terminal.stderr.write(`${bad("!")} There was nothing to send: the input holds no record.\n`);
  }
  if (summary.findings > 0) {
    summary.records = source.records - source.skipped;
    summary.recordsWithFindings = run.tally.rejected + source.unreadable + source.repeated;
    await terminal.stderr.write(summary.describe(coloursFor(terminal.stderr, terminal.env), true));
  }
  await terminal.stderr.write(describeMissedIds(source.seenIds));
  await terminal.stderr.write(warnings.describe(coloursFor(terminal.stderr, terminal.env)));
  if (dryRun !== undefined) await terminal.stderr.write(describeDuration(source.batches - run.tally.rejected, flags));
  else {
    await tellHowToGoOn(terminal, run, { canResume, checkpointName, args });
    const isRejected = run.tally.rejected + source.unreadable + source.repeated + rejectedBefore.size > 0;
    await tellWhatToMend(terminal, flags, {
      name: rejectedName,
      isReady: isRejected && run.interruption === undefined,
      isShared: resumed === undefined && rejected.start > 0,
      older: olderRejected(rejectedName, flags.rejected, files, terminal.cwd),
    });
  }
  return exitCodeOf(run, source);
}

/** `--id-from a b file.csv`: what is an input is one, wherever it stands. */
function partInputs(
  given: readonly string[],
  named: readonly string[],
  cwd: string,
): { readonly inputs: readonly string[]; readonly idFrom: readonly string[] } {
  const [first, ...rest] = named;
  if (first === undefined) return { inputs: given, idFrom: [] };
  const isInput = (word: string): boolean => word === "-" || /[*?[{]/.test(word) || existsSync(resolve(cwd, word));
  return {
    inputs: [...given, ...rest.filter(isInput)],
    idFrom: [first, ...rest.filter((word) => !isInput(word))],
  };
}

/** What makes other batches, or other ids, of the same files. */
function settingsOf(flags: UploadFlags, idFrom: readonly string[]): Readonly<Record<string, unknown>> {
  const { historical = false, map = [], set = [], manifest, eventType, input, environment = [] } = flags;
  return {
    historical,
    idFrom,
    map,
    set,
    manifest: manifest ?? null,
    eventType: eventType ?? null,
    input: input ?? null,
    environment,
  };
}

function requireResumable(
  earlier: Checkpoint | undefined,
  run: {
    readonly flags: UploadFlags;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly files: readonly InputFile[];
    readonly checkpointName: string;
    readonly canResume: boolean;
  },
): Checkpoint | undefined {
  const { flags, settings, files, checkpointName, canResume } = run;
  if (flags.resume === true && !canResume) {
    throw new UsageError(
      flags.dryRun === true
        ? "A dry run has nothing to resume."
        : "The standard input cannot be resumed: it cannot be read again.",
      flags.dryRun === true ? "Leave out --resume or --dry-run." : "Write it to a file first.",
    );
  }
  if (earlier === undefined) return undefined;
  if (flags.resume !== true) {
    // A run that came to its end is no reason to stop the next one.
    if (earlier.finished || earlier.records === 0) return undefined;
    throw new UsageError(
      `${checkpointName} is of a run that has not come to its end: ${formatCount(earlier.records)} records are settled.`,
      "Go on with --resume; or remove the file, or name another one by --checkpoint, to begin anew.",
    );
  }
  const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(", ");
  if (names(earlier.files) !== names(files)) {
    throw new UsageError(
      `${checkpointName} is of a run over other files: ${names(earlier.files)}.`,
      "Name the same files, in the same order.",
    );
  }
  const other = Object.keys(settings).find(
    (name) => JSON.stringify(settings[name]) !== JSON.stringify(earlier.settings[name]),
  );
  if (other !== undefined) {
    throw new UsageError(
      `${checkpointName} is of a run with other settings: ${other} was ${JSON.stringify(earlier.settings[other])}.`,
      "Give the same flags as before; they decide about batches and ids.",
    );
  }
  return earlier;
}

/** What was sent is compared record by record; that something behind it is different, people want to know as well. */
async function tellOfChanges(resumed: Checkpoint, files: readonly InputFile[], { stderr }: Terminal): Promise<void> {
  await stderr.write(`Going on behind ${oneLine(resumed.at)}: ${formatCount(resumed.records)} records are settled.\n`);
  for (const [index, { name, bytes }] of files.entries()) {
    const before = resumed.files[index]?.bytes;
    if (before === bytes) continue;
    await stderr.write(
      `${name} has changed since the run began: it had ${formatCount(before ?? 0)} bytes and has ${formatCount(bytes ?? 0)}. What was settled is compared with it.\n`,
    );
  }
}

/** Never one of the inputs, and never somebody's work. */
function nameRejected(given: string | undefined, files: readonly InputFile[], cwd: string): string {
  if (given !== undefined) {
    if (!isInput(given, files, cwd)) return given;
    throw new UsageError(
      `--rejected ${given} is one of the inputs.`,
      "Name another file: it is read while it is written.",
    );
  }
  for (let count = 1; ; count++) {
    const name = count === 1 ? DEFAULT_REJECTED : `rejected-${String(count)}.ndjson`;
    if (!isInput(name, files, cwd) && !existsSync(resolve(cwd, name))) return name;
  }
}

/** Who knows the usual name would mend the rejected batches of another run. */
function olderRejected(
  name: string,
  given: string | undefined,
  files: readonly InputFile[],
  cwd: string,
): string | undefined {
  const isOther = given === undefined && name !== DEFAULT_REJECTED && !isInput(DEFAULT_REJECTED, files, cwd);
  return isOther && existsSync(resolve(cwd, DEFAULT_REJECTED)) ? DEFAULT_REJECTED : undefined;
}

function isInput(name: string, files: readonly InputFile[], cwd: string): boolean {
  return files.some(({ path }) => path === resolve(cwd, name));
}

function describeDuration(batches: number, { rate }: UploadFlags): string {
  const perSecond = rate ?? LIMITS.accountBatchesPerSecond;
  const basis =
    rate === undefined
      ? `the ${formatCount(perSecond)} batches a second that an account has by default`
      : `${formatCount(perSecond)} batches a second`;
  return `Nothing was sent. At ${basis} it takes ${formatDuration((batches / perSecond) * 1000)}.\n`;
}

/** A dry run writes nothing down. */
const NOWHERE = { write: () => undefined, sync: () => undefined, close: () => undefined };
